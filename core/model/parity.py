"""Parity: the proof, stage by stage, that two variants compute the same function."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("parameters", "forward", "loss", "gradients", "one_step", "ten_steps")
#: Where what is measured is larger than what was proven, or in another precision: one batch of it.
MEASURED_STAGES = ("measured_forward", "measured_loss", "measured_gradients")
#: In inference nothing is learned.
INFERENCE_STAGES = ("parameters", "forward")
STAGE_LABELS = {
    "parameters": "parameter count",
    "forward": "forward pass",
    "loss": "loss",
    "gradients": "gradients",
    "one_step": "weights after 1 optimizer step",
    "ten_steps": "weights after 10 optimizer steps",
    "measured_forward": "forward pass at the size and precision measured",
    "measured_loss": "loss at the size and precision measured",
    "measured_gradients": "whole gradient at the size measured",
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
    cause: str = ""
    """What most likely makes the difference, in one sentence."""
