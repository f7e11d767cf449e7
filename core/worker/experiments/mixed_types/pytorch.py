"""`torch.cuda.amp.autocast`, which the article names, and `torch.amp.autocast`, which took its place."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import pytorch as workload

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed`, `steps`, `batch_size`. `switch_warnings`, and for each precision a `types` by layer and what overflowed."""
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    count = settings["steps"] * settings["batch_size"]
    train, _ = load_mnist()
    samples = workload.data(train.inputs[:count], train.labels[:count], device)
    batches = [workload.batch(samples, indices) for indices in torch.arange(count, device=device).split(settings["batch_size"])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.amp.autocast()
    said = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
    result: dict[str, Any] = {"switch": "torch.cuda.amp.autocast", "switch_warnings": said}
    for precision, kind in TYPES.items():
        say(f"{settings['steps']} steps in {precision}")
        torch.manual_seed(settings["seed"])
        try:
            result[precision] = {**_types(kind, batches[0][0], device), **_train(kind, batches, device, scaled=precision == "fp16")}
        except (RuntimeError, NotImplementedError) as error:
            result[precision] = {"failed": str(error).splitlines()[0]}
    return result


def _name(kind: Any) -> str:
    return str(kind).removeprefix("torch.")


def _types(kind: Any, images: Any, device: Any) -> dict[str, Any]:
    model = workload.model({}, "mended").to(device)
    types: dict[str, str] = {}
    for name, module in model.named_children():
        module.register_forward_hook(lambda module, inputs, output, name=name: types.update({name: _name(output.dtype)}))
    with torch.autocast(device.type, dtype=kind):
        output = model(images)
    types["log_softmax"] = _name(output.dtype)
    return {"types": types, "output_type": types["log_softmax"], "weight_type": _name(model.conv1.weight.dtype)}


def _train(kind: Any, batches: list[Any], device: Any, *, scaled: bool) -> dict[str, int]:
    """Steps whose loss, or any of whose gradients, is not finite; and the updates that loss scaling left out."""
    model = workload.model({}, "mended").to(device)
    loss, optimizer = workload.loss("mended"), workload.optimizer(model, 1e-3)
    scaler = torch.amp.GradScaler(device.type, enabled=scaled)
    losses = gradients = skipped = 0
    for images, labels in batches:
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype=kind):
            value = loss(model(images), labels)
        scaler.scale(value).backward()
        losses += not bool(value.isfinite())
        gradients += not all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        # The scale falls exactly where an update was left out.
        skipped += scaler.get_scale() < before
    return {"losses_not_finite": losses, "steps_with_gradients_not_finite": gradients, "skipped_steps": skipped}
