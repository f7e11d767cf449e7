"""As the article trains in PyTorch: a plain loop; its network with the size mended, batches taken from memory."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from core.worker.events import SPAWNED_VARIABLE
from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import pytorch as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `steps` of `batch_size` per training, `repeats` of `%%timeit`, `blocks` of steady steps, `seed`."""
    steps, batch_size = settings["steps"], settings["batch_size"]
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    torch.manual_seed(settings["seed"])
    train, _ = load_mnist()
    samples = workload.data(train.inputs[: steps * batch_size], train.labels[: steps * batch_size], device)
    model = workload.model({}, "mended").to(device)
    loss, optimizer = workload.loss("mended"), workload.optimizer(model, 1e-3)
    losses: list[float] = []

    def training() -> float:
        began = time.perf_counter()
        value = torch.zeros(())
        for indices in torch.randperm(steps * batch_size, device=device).split(batch_size):
            value = workload.train_step(model, loss, optimizer, *workload.batch(samples, indices))
        losses.append(value.item())
        return time.perf_counter() - began

    first_s = training()
    process_s = (time.time_ns() - int(os.environ[SPAWNED_VARIABLE])) / 1e9
    repeated_s = statistics.fmean(training() for _ in range(settings["repeats"]))
    blocks = [training() for _ in range(settings["blocks"])]
    return {"process_s": process_s, "first_s": first_s, "repeated_s": repeated_s, "steady_s": statistics.median(blocks[1:]), "losses": losses}
