"""Does Keras `fit` hide what is wrong with gradients?"""

from __future__ import annotations

import math
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import PAIRS, Processes, alternate, median_factor, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, Factor
from core.model.claim import ClaimResult

#: Largest relative difference of a norm, over a few steps of Adam, that rounding explains.
TOLERANCE = 1e-3
_NORMS = {"seed": 1, "steps": 5, "batch_size": 32}
_SPEED = {"seed": 1, "steps": 20, "batch_size": 64, "epochs": 4}


def fit_hides(context: Context) -> ClaimResult:
    """Claim `fit-hides`."""
    processes = Processes(context, limit_s=240)
    tensorflow = processes.run("gradient_norms", "tensorflow", _NORMS)
    pytorch = processes.run("gradient_norms", "pytorch", _NORMS)
    context.say("what a training step of one's own costs")
    pairs = alternate(
        context,
        lambda pair: processes.run("fit_speed", "tensorflow", {**_SPEED, "own_step": False}),
        lambda pair: processes.run("fit_speed", "tensorflow", {**_SPEED, "own_step": True}),
        pairs=PAIRS,
    )
    cost = median_factor([math.log(own["epoch_s"] / fit["epoch_s"]) for fit, own in pairs])
    return judge_fit_hides(tensorflow, pytorch, cost, where=on(context))


def judge_fit_hides(tensorflow: dict[str, Any], pytorch: dict[str, Any], cost: Factor, *, where: str) -> ClaimResult:
    """Compares gradient norms seen from inside `fit` with those of both loops, and what each program says by itself of two faults.

    `cost`: time of an epoch of `fit` with a training step of one's own over that with Keras's own. An opinion stays one: what is judged
    is whether `fit` is silent about a missing gradient where a loop speaks, and whether it lets the gradients be seen.
    """
    rows, worst = [], 0.0
    for name in tensorflow["loop"][0]:
        seen = [[step[name] for step in norms] for norms in (tensorflow["fit"], tensorflow["loop"], pytorch["loop"])]
        difference = max(_relative(inside, other) for inside, *others in zip(*seen, strict=True) for other in others)
        worst = max(worst, difference)
        rows.append({
            "tensor": name, "fit_norm_step_1": seen[0][0], "tape_norm_step_1": seen[1][0], "pytorch_norm_step_1": seen[2][0],
            "largest_relative_difference": difference, "keras_fit_names_it_when_cut": _named(tensorflow["faults"]["cut"], name),
            "pytorch_names_it_when_cut": _named(pytorch["faults"]["cut"], name),
        })  # fmt: skip
    cut = tensorflow["faults"]["cut"]["without_gradient"]
    fit_speaks = bool(cut) and all(_named(tensorflow["faults"]["cut"], name) for name in cut)
    loop_speaks = bool(cut) and all(_named(pytorch["faults"]["cut"], name) for name in cut)
    silent = [label for label, one in (("fit", tensorflow), ("PyTorch's loop", pytorch)) if not one["faults"]["dead"]["said"]]
    dead = f" Of gradients that are zero {' and '.join(silent)} say nothing until norms are asked for." if silent else ""
    shown = f"a training step of one's own shows every norm inside fit, at most {worst:.1e} from a tape and from PyTorch"
    price = f"It takes {cost.words} times the epoch of plain fit {where}."
    if fit_speaks and worst <= TOLERANCE:
        beside = "too" if loop_speaks else "and PyTorch's loop says nothing"
        reason = f"Where the graph is cut, fit names the {len(cut)} tensors without a gradient by itself, {beside}; {shown}.{dead} {price}"
        verdict = DOES_NOT_HOLD
    elif worst > TOLERANCE:
        reason = f"Norms from inside fit differ by up to {worst:.1e} from those of the loops, more than rounding explains.{dead} {price}"
        verdict = CANNOT_TELL
    else:
        beside = "PyTorch's loop does" if loop_speaks else "nor does PyTorch's loop"
        reason = f"Where the graph is cut, fit does not name the tensors without a gradient, {beside}; {shown}.{dead} {price}"
        verdict = HOLDS if loop_speaks else CANNOT_TELL
    return ClaimResult(id="fit-hides", verdict=verdict, reason=reason, rows=tuple(rows), estimate=cost.value, interval=(cost.low, cost.high),
                       estimate_is="epoch of fit with a training step of one's own over epoch of plain fit")  # fmt: skip


def _relative(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other), 1e-30)


def _named(fault: dict[str, Any], tensor: str) -> bool:
    return any(tensor in words for words in fault["said"])
