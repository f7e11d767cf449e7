"""Norms from the plain loop, and the faults under it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch

from core.worker.experiments.gradient_norms import DEAD_BIAS
from core.workloads.layouts import to_torch
from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import pytorch as workload
from core.workloads.mnist_cnn.weights import initial, weight_map


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed`, `steps`, `batch_size`. Norms are a dict by canonical tensor name for each step."""
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    count = settings["steps"] * settings["batch_size"]
    train, _ = load_mnist()
    samples = workload.data(train.inputs[:count], train.labels[:count], device)
    batches = [workload.batch(samples, indices) for indices in torch.arange(count, device=device).split(settings["batch_size"])]
    say("gradients from a plain loop")
    loop = _loop(_model(settings["seed"], device), batches)
    say("training with two faults")
    faults = {}
    for fault in ("cut", "dead"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            norms = _loop(_model(settings["seed"], device, fault), batches)
        dark = [name for name, norm in norms[0].items() if norm == 0.0]
        faults[fault] = {"said": [str(warning.message) for warning in caught if "grad" in str(warning.message)], "without_gradient": dark}
    return {"loop": loop, "faults": faults}


class Detach(torch.nn.Flatten):
    """Flattens, and forgets where its input came from."""

    def forward(self, features: Any) -> Any:
        return super().forward(features).detach()


def _model(seed: int, device: Any, fault: str = "") -> Any:
    model = workload.model({})
    weights = initial({}, seed)
    if fault == "dead":
        weights["conv2/bias"] += DEAD_BIAS
    if fault == "cut":
        model.flatten = Detach()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in to_torch(weight_map({}), weights).items()})
    return model.to(device)


def _loop(model: Any, batches: Iterable[Any]) -> list[dict[str, float]]:
    """A missing gradient counts as zero: its norm is that of no change."""
    loss, optimizer = workload.loss(), workload.optimizer(model, 1e-3)
    names = {tensor.torch: tensor.name for tensor in weight_map({})}
    seen = []
    for inputs, labels in batches:
        optimizer.zero_grad()
        loss(model(inputs), labels).backward()
        seen.append({names[name]: 0.0 if p.grad is None else p.grad.norm().item() for name, p in model.named_parameters()})
        optimizer.step()
    return seen
