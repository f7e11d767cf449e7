"""PyTorch weights, `randperm` and dropout, from `torch.manual_seed`."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import pytorch as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed` (None: none is set), `deterministic`, `steps`, `batch_size`.

    `digest`: SHA-256 of the weights after the last step; `final_loss`; `seconds` of all steps but the first two.
    """
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    if settings["seed"] is None:
        torch.seed()
    else:
        torch.manual_seed(settings["seed"])
    if settings["deterministic"]:
        # cuBLAS reads it when its first handle is made; it has no other switch.
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.use_deterministic_algorithms(True)
    # Keras lets cuDNN choose its kernels by trying them; so here, unless determinism is asked for.
    torch.backends.cudnn.benchmark = not settings["deterministic"]
    steps, batch_size = settings["steps"], settings["batch_size"]
    train, _ = load_mnist()
    samples = workload.data(train.inputs[:6_000], train.labels[:6_000], device)
    orders = [torch.randperm(6_000)[: 6_000 // batch_size * batch_size] for _ in range(-(-steps * batch_size // 6_000) + 1)]
    indices = torch.cat(orders).split(batch_size)[:steps]
    model = workload.model({})
    model.dense2 = nn.Sequential(nn.Dropout(0.5), model.dense2)
    model.to(device).train()
    loss, optimizer = workload.loss(), workload.optimizer(model, 1e-3)
    batches = [workload.batch(samples, chosen.to(device)) for chosen in indices]
    for inputs, labels in batches[:2]:
        workload.train_step(model, loss, optimizer, inputs, labels).item()
    began = time.perf_counter()
    for inputs, labels in batches[2:]:
        value = workload.train_step(model, loss, optimizer, inputs, labels)
    final_loss = value.item()
    seconds = time.perf_counter() - began
    digest = hashlib.sha256(b"".join(parameter.detach().cpu().numpy().tobytes() for parameter in model.parameters()))
    return {"digest": digest.hexdigest(), "final_loss": final_loss, "seconds": seconds}
