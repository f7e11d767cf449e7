"""Single operators at several shapes in both frameworks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import PAIRS, Processes, alternate, median_factor, on
from core.claims.judging import CANNOT_TELL, Factor, judge_factor
from core.model.claim import ClaimResult

#: "Native CUDA kernels often 5-10 % faster for custom ops": time of TensorFlow over time of PyTorch.
CLAIMED = (1.05, 1.10)
#: Largest relative difference between two norms of what should be the same result.
TOLERANCE = 1e-4
_SETTINGS = {"shapes": 6, "budget_s": 0.06}

Rows = list[dict[str, Any]]


def custom_ops(context: Context) -> ClaimResult:
    """Claim `custom-ops`."""
    processes = Processes(context, limit_s=240)
    pairs = alternate(
        context,
        lambda pair: processes.run("operators", "tensorflow", _SETTINGS)["rows"],
        lambda pair: processes.run("operators", "pytorch", _SETTINGS)["rows"],
        pairs=PAIRS,
    )
    return judge_custom_ops(pairs, where=on(context), gpu=context.device == "gpu")


def judge_custom_ops(pairs: Sequence[tuple[Rows, Rows]], *, where: str, gpu: bool) -> ClaimResult:
    """Judges the geometric mean over all operators, shapes and directions, one mean per pair of processes; six pairs at least.

    `pairs`: rows of (TensorFlow, PyTorch), in the same order. Not run on a GPU by us.
    """
    cells = [
        {
            "operator": a["operator"], "shape": a["shape"], "direction": a["direction"],
            "logs": [math.log(tensorflow[i]["median_s"] / pytorch[i]["median_s"]) for tensorflow, pytorch in pairs],
            "tensorflow_ms": 1e3 * statistics.median(tensorflow[i]["median_s"] for tensorflow, _ in pairs),
            "pytorch_ms": 1e3 * statistics.median(pytorch[i]["median_s"] for _, pytorch in pairs),
            "norm_difference": abs(a["norm"] - b["norm"]) / max(abs(a["norm"]), abs(b["norm"])),
        }
        for i, (a, b) in enumerate(zip(*pairs[0], strict=True))
    ]  # fmt: skip
    factors = [median_factor(cell["logs"]) for cell in cells]
    rows = tuple(
        {**{name: value for name, value in cell.items() if name != "logs"}, "ratio": factor.value, "low": factor.low, "high": factor.high}
        for cell, factor in zip(cells, factors, strict=True)
    )
    overall = median_factor([statistics.fmean(cell["logs"][pair] for cell in cells) for pair in range(len(pairs))])
    apart = [f"{row['operator']} {row['shape']}" for row in rows if row["norm_difference"] > TOLERANCE]
    if apart:
        reason = f"The two frameworks did not compute the same: {', '.join(apart)}."
        return ClaimResult(id="custom-ops", verdict=CANNOT_TELL, reason=reason, rows=rows)
    verdict = judge_factor(overall, CLAIMED) if gpu else "needs_gpu"
    by_operator = "; ".join(f"{name} {_mean(cells, name, len(pairs)).words}" for name in dict.fromkeys(cell["operator"] for cell in cells))
    faster = sum(factor.low > 1 for factor in factors)
    slower = sum(factor.high < 1 for factor in factors)
    within = sum(CLAIMED[0] <= factor.value <= CLAIMED[1] for factor in factors)
    where_not = "" if gpu else "The claim is about CUDA kernels, and here is no GPU. "
    reason = (
        f"{where_not}Time of TensorFlow over time of PyTorch, geometric mean {where}: {overall.words} against a claimed 1.05 to 1.10. "
        f"PyTorch is faster in {faster} of {len(factors)} cases, TensorFlow in {slower}; {within} lie between 1.05 and 1.10. By operator: "
        f"{by_operator}."
    )
    return ClaimResult(id="custom-ops", verdict=verdict, reason=reason, rows=rows, estimate=overall.value, interval=(overall.low, overall.high),
                       estimate_is="time of TensorFlow over time of PyTorch, geometric mean over operators and shapes")  # fmt: skip


def _mean(cells: list[dict[str, Any]], operator: str, pairs: int) -> Factor:
    return median_factor([statistics.fmean(cell["logs"][pair] for cell in cells if cell["operator"] == operator) for pair in range(pairs)])
