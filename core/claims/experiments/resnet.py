"""ResNet-50 in both frameworks: time of a step, and peak memory; one comparison serves both claims, and `widens` too."""

from __future__ import annotations

from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, needed, planned, row, variant
from core.claims.judging import CANNOT_TELL, judge_factor, memory_factor, time_factor
from core.model.claim import ClaimResult

#: The article's 1.8 s over 1.6 s is 1.125, which it calls roughly 10 %.
CLAIMED_EDGE = (1.05, 1.15)
CLAIMED_STEP_S = (1.8, 1.6)
#: 4.2 GB over 4.7 GB is 0.89.
CLAIMED_MEMORY = (0.85, 0.94)
#: What a CPU gets through: the article has batch 64 and 224 x 224.
CPU_SIZES, CPU_BATCH = {"image_size": 64}, 8


def resnet_options(device: str) -> dict[str, Any]:
    """Sizes and batch: the article's on a GPU, smaller ones on a CPU."""
    return {"sizes": CPU_SIZES, "batch_size": CPU_BATCH} if device == "cpu" else {}


def resnet_comparison(context: Context) -> Compared:
    """TensorFlow graph (A) against PyTorch eager (B), the frameworks' usual ways."""
    spec = planned(context, "resnet50", variant(context, "tensorflow"), variant(context, "pytorch"), **resnet_options(context.device))
    return needed(context, "ResNet-50", spec)


def resnet_step(context: Context) -> ClaimResult:
    """Is PyTorch's step about 10 % shorter?"""
    return judge_step(resnet_comparison(context), context.device)


def memory(context: Context) -> ClaimResult:
    """Does TensorFlow need about 10 % less memory?"""
    return judge_memory(resnet_comparison(context), context.device)


def judge_step(one: Compared, device: str) -> ClaimResult:
    measured = time_factor(one.result)
    rows = (row(one, measured),)
    shape = _shape(one)
    if measured is None:
        verdict = "needs_gpu" if device == "cpu" else CANNOT_TELL
        reason = f"{_where(device)}{one.result.sentence}"
        return ClaimResult(id="resnet-step", verdict=verdict, reason=reason, rows=rows, comparisons=(one.result.id,))
    edge = measured.inverse()
    seconds = " and ".join(f"{side.step_ms / 1000:.2f} s" for side in one.result.sides.values() if side.step_ms)
    return ClaimResult(
        id="resnet-step",
        verdict="needs_gpu" if device == "cpu" else judge_factor(edge, CLAIMED_EDGE),
        reason=f"{_where(device)}TensorFlow's step takes {edge.words} times as long as PyTorch's ({shape}: {seconds} a step; the article: "
               f"{CLAIMED_STEP_S[0]} s and {CLAIMED_STEP_S[1]} s, {CLAIMED_STEP_S[0] / CLAIMED_STEP_S[1]:.2f} times).",
        comparisons=(one.result.id,), rows=rows, estimate=edge.value, interval=(edge.low, edge.high),
        estimate_is="time of TensorFlow over time of PyTorch",
    )  # fmt: skip


def judge_memory(one: Compared, device: str) -> ClaimResult:
    measured = memory_factor(one.result)
    rows = (row(one, time_factor(one.result)),)
    if measured is None:
        verdict = "needs_gpu" if device == "cpu" else CANNOT_TELL
        reason = f"{_where(device)}Fewer than six pairs of runs gave a peak: {one.result.sentence}"
        return ClaimResult(id="memory", verdict=verdict, reason=reason, rows=rows, comparisons=(one.result.id,))
    share = measured.inverse()
    peaks = " and ".join(f"{side.peak_memory_bytes / 2**30:.2f} GiB" for side in one.result.sides.values() if side.peak_memory_bytes)
    kind = "resident memory above what the import took" if device == "cpu" else "the allocator's peak"
    return ClaimResult(
        id="memory",
        verdict="needs_gpu" if device == "cpu" else judge_factor(share, CLAIMED_MEMORY),
        reason=f"{_where(device)}TensorFlow's peak is {share.words} times PyTorch's ({_shape(one)}; {kind}: {peaks}; the article: "
               f"{4.2 / 4.7:.2f} times, 4.2 GB and 4.7 GB of a GPU).",
        comparisons=(one.result.id,), rows=rows, estimate=share.value, interval=(share.low, share.high),
        estimate_is="peak memory of TensorFlow over that of PyTorch",
    )  # fmt: skip


def _shape(one: Compared) -> str:
    size = one.spec.sizes.get("image_size")
    return f"batch {one.spec.batch_size}, images of {size} x {size}" if size else f"batch {one.spec.batch_size}"


def _where(device: str) -> str:
    return "The claim is about a GPU, and here is none. On this CPU: " if device == "cpu" else ""
