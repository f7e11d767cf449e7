"""A workload's network in PyTorch with its initial weights, and the samples it is asked about."""

from __future__ import annotations

from typing import Any

import torch

from core.worker.experiments.shared.inputs import few_samples
from core.workloads.layouts import to_torch
from core.workloads.registry import weight_map, workload_module


def ready(settings: dict[str, Any]) -> tuple[Any, Any]:
    """The module in evaluation mode, and inputs of shape (samples, ...) as a tensor; both on the device.

    `settings`: `workload`, `sizes`, `seed` and `device`.
    """
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    workload = workload_module(settings["workload"], "pytorch")
    model = workload.model(settings["sizes"])
    weights = workload_module(settings["workload"], "weights").initial(settings["sizes"], settings["seed"])
    ported = to_torch(weight_map(settings["workload"], settings["sizes"]), weights)
    # What is not in the map is constant: a second bias held at zero, a counter of batches.
    model.load_state_dict({name: torch.from_numpy(array) for name, array in ported.items()}, strict=False)
    chosen = few_samples(settings)
    # A copy, because the strides of a permuted image with one channel pass for channels last, and ExecuTorch would take them for that.
    inputs = workload.data(chosen.inputs, chosen.labels, device)[0].clone(memory_format=torch.contiguous_format)
    return model.to(device).eval(), inputs
