"""Logged to MLflow beside PyTorch, which computes a gradient before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from core.worker.experiments.tracked import track


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """As `track`."""
    gradient()
    found = track(settings, say)
    gradient()
    return found


def gradient() -> None:
    variable = torch.ones(1, requires_grad=True)
    (variable * variable).sum().backward()
    assert variable.grad.item() == 2.0
