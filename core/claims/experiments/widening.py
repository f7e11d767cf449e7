"""Does the difference between the frameworks grow with the network?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, row, variant
from core.claims.experiments.resnet import resnet_options
from core.claims.judging import CANNOT_TELL, judge_growth, time_factor, trend
from core.model.claim import ClaimResult
from core.workloads.registry import flops, workload_name

#: Sizes and batch that a CPU gets through; a GPU takes each workload's own.
CPU_OPTIONS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "mnist_cnn": {},
    "resnet18": {"sizes": {"image_size": 16}, "batch_size": 8},
    "transformer_encoder": {"sizes": {"length": 32}, "batch_size": 8},
    "resnet50": resnet_options("cpu"),
}


def widens(context: Context) -> ClaimResult:
    """TensorFlow graph against PyTorch eager on five networks."""
    compared = []
    for workload, options in CPU_OPTIONS.items():
        given = options if context.device == "cpu" else {}
        spec = planned(context, workload, variant(context, "tensorflow"), variant(context, "pytorch"), **given)
        compared.append(compare(context, workload, spec))
    return judge([(one, work_of(one)) for one in compared])


def work_of(one: Compared) -> int:
    """FLOPs of training on one sample."""
    counted = flops(one.spec.workload, one.spec.sizes)
    assert counted is not None, f"{one.spec.workload} is built in and counts its FLOPs"
    return counted.training


def judge(found: Sequence[tuple[Compared, int]]) -> ClaimResult:
    """`found`: comparisons of TensorFlow (A) with PyTorch (B), each with the FLOPs of training on one sample.

    Holds only if time of TensorFlow over time of PyTorch grows with the FLOPs, beyond the interval of the slope.
    """
    factors = [time_factor(one.result) for one, _ in found]
    rows = tuple(
        {**row(one, factor), "what": workload_name(one.spec.workload), "flops_per_sample": work, "batch_size": one.spec.batch_size}
        for (one, work), factor in zip(found, factors, strict=True)
    )
    known = [(work, factor) for (_, work), factor in zip(found, factors, strict=True) if factor is not None]
    ids = comparison_ids([one for one, _ in found])
    if len(known) < 4:
        reason = f"Only {len(known)} of {len(found)} networks gave a ratio; a trend needs at least four."
        return ClaimResult(id="widens", verdict=CANNOT_TELL, reason=reason, rows=rows, comparisons=ids)
    slope = trend([work for work, _ in known], [1 / factor.value for _, factor in known])
    tenfold = slope.per_tenfold
    low, high = min(known, key=lambda one: one[0]), max(known, key=lambda one: one[0])
    return ClaimResult(
        id="widens",
        verdict=judge_growth(slope, found[0][0].result.threshold),
        reason=f"With ten times the FLOPs, TensorFlow's time over PyTorch's changes by a factor of {tenfold.words} ({len(known)} networks; from "
               f"{1 / low[1].value:.2f} at {low[0]:.1e} FLOPs a sample to {1 / high[1].value:.2f} at {high[0]:.1e}). It would have to grow.",
        comparisons=ids, rows=rows, estimate=tenfold.value, interval=(tenfold.low, tenfold.high),
        estimate_is="factor of time of TensorFlow over time of PyTorch per tenfold FLOPs",
    )  # fmt: skip
