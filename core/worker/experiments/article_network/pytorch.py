"""The printed PyTorch network, and the one whose dense layer has the size that arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from core.workloads.mnist_cnn import pytorch as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Per network: `parameters`, and either `output_shape` or the `error` that one batch of MNIST's shape raises."""
    say("running the network as printed, then the mended one")
    return {network: _forward(network) for network in ("article", "mended")}


def _forward(network: str) -> dict[str, Any]:
    model = workload.model({}, network)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    try:
        outputs = model(torch.zeros(64, 1, 28, 28))
    except RuntimeError as error:
        return {"parameters": parameters, "output_shape": None, "error": str(error).splitlines()[0]}
    return {"parameters": parameters, "output_shape": list(outputs.shape), "error": ""}
