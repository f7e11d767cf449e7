"""Gradient checkpointing in both frameworks: what it saves, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, row, variant
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, memory_factor, time_factor
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

CARD_BYTES = 4 * 2**30
#: On a CPU a network whose activations outweigh its weights, and that a CPU gets through.
CPU_WORKLOAD, CPU_OPTIONS = "transformer_encoder", {"sizes": {"length": 128}, "batch_size": 4}


def checkpointing(context: Context) -> ClaimResult:
    """Off (A) against on (B) in each framework; on a GPU with the article's ResNet-50."""
    cpu = context.device == "cpu"
    compared = []
    for framework in FRAMEWORKS:
        a = variant(context, framework)
        workload, options = (CPU_WORKLOAD, CPU_OPTIONS) if cpu else ("resnet50", {})
        spec = planned(context, workload, a, replace(a, checkpointing="on"), **options)
        compared.append(compare(context, f"{FRAMEWORK_LABELS[framework]}, checkpointing off and on", spec))
    return judge(compared, context.device)


def judge(compared: Sequence[Compared], device: str) -> ClaimResult:
    """One comparison per framework, TensorFlow's first."""
    rows, words = [], []
    for one in compared:
        memory, time = memory_factor(one.result), time_factor(one.result)
        rows.append({**row(one, time), "memory_ratio": memory.value if memory else None, "memory_low": memory.low if memory else None,
                     "memory_high": memory.high if memory else None})  # fmt: skip
        label = FRAMEWORK_LABELS[one.spec.a.framework]
        if memory is None or time is None:
            words.append(f"{label} gave no result ({one.result.sentence.rstrip('.')})")
        else:
            words.append(f"in {label} checkpointing leaves {memory.words} of the peak and takes {time.words} times as long")
    sentence = "; ".join(words) + "."
    ids = comparison_ids(compared)
    if device == "cpu":
        reason = f"The claim is about a GPU's memory, and here is none. On this CPU ({compared[0].spec.workload_name}): {sentence}"
        return ClaimResult(id="checkpointing", verdict="needs_gpu", reason=reason, rows=tuple(rows), comparisons=ids)
    fits = {one.spec.a.framework: _fits(one, "a") for one in compared}
    checkpointed = next((_fits(one, "b") for one in compared if one.spec.a.framework == "pytorch"), None)
    if fits.get("tensorflow") is False or fits.get("pytorch") is True:
        verdict = DOES_NOT_HOLD
    elif fits.get("tensorflow") and fits.get("pytorch") is False and checkpointed:
        verdict = HOLDS
    else:
        verdict = CANNOT_TELL
    said = {True: "fits into 4 GiB", False: "does not fit into 4 GiB", None: "lies around 4 GiB"}
    without = ", ".join(f"{FRAMEWORK_LABELS[name]} {said[fit]}" for name, fit in fits.items())
    reason = f"Without checkpointing: {without}. {sentence[:1].upper()}{sentence[1:]}"
    return ClaimResult(id="checkpointing", verdict=verdict, reason=reason, rows=tuple(rows), comparisons=ids)


def _fits(one: Compared, side: str) -> bool | None:
    """Do all runs of a side stay below the card's memory (True), or above (False)? None: neither, or none was measured."""
    peaks: list[Any] = [run.peak_memory_bytes for run in one.result.runs if run.side == side and run.role == "pair" and run.peak_memory_bytes]
    if not peaks:
        return None
    return True if max(peaks) <= CARD_BYTES else False if min(peaks) > CARD_BYTES else None
