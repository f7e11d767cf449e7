"""The parity gates: comparing what two workers computed from the same weights and the same batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.model.parity import INFERENCE_STAGES, MEASURED_STAGES, STAGES, ParityStage

Arrays = dict[str, NDArray[Any]]

#: Largest error that rounding explains in fp32. GPU kernels add up in another order than CPU ones do, so a comparison
#: with a GPU on either side is held to the gates of a deep network. Adam's first step divides a gradient by its own size,
#: so it enlarges the rounding of small gradients: on an H100 against a CPU 1.3e-6 was seen, an unmatched form makes 7e-4.
GATES = {
    "shallow": {"parameters": 0, "forward": 1e-6, "loss": 1e-6, "gradients": 1e-5, "one_step": 1e-6, "ten_steps": 1e-4},
    "deep": {"parameters": 0, "forward": 1e-5, "loss": 1e-6, "gradients": 1e-4, "one_step": 1e-5, "ten_steps": 1e-4},
}


#: Forward pass and loss at a reduced precision, relative: what the fewer bits of a product explain.
PRECISION_GATES = {"fp32": 0.0, "tf32": 1e-3, "fp16": 1e-2, "bf16": 1e-2}
#: Of the whole gradient as one vector, at the size measured. Tensor by tensor it says nothing there: among millions of activations
#: some lie within rounding of a ReLU's zero, and each that flips moves one small tensor by far more than rounding does (two precisions
#: of PyTorch itself differ by 1e-3 to 1e-2 in the worst tensor of a ResNet, by 2e-5 in the whole).
WHOLE_GRADIENT_GATE = 1e-4


@dataclass(frozen=True, kw_only=True)
class ParityEvidence:
    """What one side's parity run left."""

    parameters: int | None = None
    arrays: Arrays = field(default_factory=dict)
    """`forward`, `loss`, and `<stage>:<tensor>` for the others, in canonical layout."""
    failed_stage: str | None = None
    message: str = ""
    """Why it got no further."""


def compare_parity(a: ParityEvidence, b: ParityEvidence, depth: str, task: str = "train") -> tuple[ParityStage, ...]:
    """Every stage in order, each with its error beside the allowed one; a stage that was not reached has not passed."""
    gates = GATES[depth]
    return tuple(_stage(stage, a, b, gates[stage]) for stage in (INFERENCE_STAGES if task == "inference" else STAGES))


def compare_measured(a: ParityEvidence, b: ParityEvidence, depth: str, precisions: tuple[str, str], task: str) -> tuple[ParityStage, ...]:
    """The stages of what is measured; in a reduced precision held to the coarser one of the two, and without gradients."""
    coarse = max(PRECISION_GATES[precision] for precision in precisions)
    allowed = {"measured_forward": max(coarse, GATES[depth]["forward"]), "measured_loss": max(coarse, GATES[depth]["loss"]),
               "measured_gradients": WHOLE_GRADIENT_GATE}  # fmt: skip
    stages = MEASURED_STAGES[:1] if task == "inference" else MEASURED_STAGES[:2] if coarse else MEASURED_STAGES
    return tuple(_stage(stage, a, b, allowed[stage]) for stage in stages)


def is_chaos(stages: tuple[ParityStage, ...]) -> bool:
    """Is the ten-step gate the only one that failed, as rounding alone can bring about?

    Where an activation lies within rounding of a ReLU's or a pool's decision, the two sides decide differently, and Adam makes
    a full step of the difference. That depends on the data: other seeds do not meet it. A different program fails them all.
    """
    return [stage.stage for stage in stages if not stage.passed] == ["ten_steps"] and stages[-1].error is not None


def _stage(stage: str, a: ParityEvidence, b: ParityEvidence, allowed: float) -> ParityStage:
    if stage == "parameters":
        if a.parameters is None or b.parameters is None:
            return ParityStage(stage=stage, measure="difference", error=None, allowed=allowed, passed=False, detail="not reached")
        difference = abs(a.parameters - b.parameters)
        return ParityStage(stage=stage, measure="difference", error=difference, allowed=allowed, passed=difference == 0,
                           detail=f"A has {a.parameters:,} parameters, B has {b.parameters:,}")  # fmt: skip
    measure, distance = _MEASURES[stage]
    errors = _errors(stage, a.arrays, b.arrays, distance)
    messages = [f"{name}: {side.message}" for name, side in (("A", a), ("B", b)) if side.failed_stage == stage]
    if not errors or messages:
        return ParityStage(stage=stage, measure=measure, error=None, allowed=allowed, passed=False, detail="; ".join(messages) or "not reached")
    tensor = max(errors, key=lambda name: errors[name] if np.isfinite(errors[name]) else np.inf)
    worst = errors[tensor]
    finite = bool(np.isfinite(worst))
    return ParityStage(stage=stage, measure=measure, error=worst if finite else None, allowed=allowed, passed=finite and worst <= allowed,
                       tensor=tensor if tensor != stage else "", detail="" if finite else "not a finite number or not the same shape")  # fmt: skip


def _errors(stage: str, a: Arrays, b: Arrays, distance: Callable[[NDArray[Any], NDArray[Any]], float]) -> dict[str, float]:
    names = {name for name in (*a, *b) if name.split(":")[0] == stage}
    if not names or not any(name in a for name in names) or not any(name in b for name in names):
        return {}
    return {name.partition(":")[2] or name: distance(a[name], b[name]) if name in a and name in b and a[name].shape == b[name].shape
            else float("inf") for name in sorted(names)}  # fmt: skip


def _relative_l2(x: NDArray[Any], y: NDArray[Any]) -> float:
    """||x - y|| / ||x||, in float64."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    size = float(np.linalg.norm(x))
    return float(np.linalg.norm(x - y)) / size if size else float(np.linalg.norm(y))


def _largest_difference(x: NDArray[Any], y: NDArray[Any]) -> float:
    return float(np.max(np.abs(x.astype(np.float64) - y.astype(np.float64))))


_MEASURES: dict[str, tuple[str, Callable[[NDArray[Any], NDArray[Any]], float]]] = {
    "forward": ("relative L2", _relative_l2),
    "loss": ("relative L2", _relative_l2),
    "gradients": ("relative L2, worst tensor", _relative_l2),
    "measured_forward": ("relative L2", _relative_l2),
    "measured_loss": ("relative L2", _relative_l2),
    "measured_gradients": ("relative L2", _relative_l2),
    "one_step": ("largest absolute difference", _largest_difference),
    "ten_steps": ("largest absolute difference", _largest_difference),
}
