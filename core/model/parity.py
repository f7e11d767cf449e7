"""Parity: the proof, stage by stage, that two variants compute the same function."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("parameters", "forward", "loss", "gradients", "one_step", "ten_steps")
STAGE_LABELS = {
    "parameters": "parameter count",
    "forward": "forward pass",
    "loss": "loss",
    "gradients": "gradients",
    "one_step": "weights after 1 optimizer step",
    "ten_steps": "weights after 10 optimizer steps",
}


@dataclass(frozen=True, kw_only=True)
class ParityStage:
    """One gate: how far the two sides are apart and how far they may be."""

    stage: str
    measure: str
    """What `error` is: `difference`, `relative L2` or `largest absolute difference`."""
    error: float | None
    """None: the stage could not be computed."""
    allowed: float
    passed: bool
    tensor: str = ""
    """The tensor in which the error is largest."""
    detail: str = ""
    """One sentence where there is more to say than the number."""
