"""What it costs to read the loss at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, row, variant
from core.claims.judging import CANNOT_TELL, judge_up_to, time_factor
from core.model.claim import ClaimResult

#: "up to 30 %".
LIMIT = 1.30
SELDOM, OFTEN = 100, (1, 10)


def sync_cpu(context: Context) -> ClaimResult:
    """PyTorch reading the loss every 100 steps (A) against every step, and every 10 (B)."""
    a = variant(context, "pytorch", sync=SELDOM)
    compared = []
    for steps in OFTEN:
        spec = planned(context, "mnist_cnn", a, replace(a, sync=steps))
        compared.append(compare(context, f"loss read every {steps} steps" if steps > 1 else "loss read at each step", spec))
    return judge(compared, context.device)


def judge(compared: Sequence[Compared], device: str) -> ClaimResult:
    """The first comparison is that of every step."""
    factors = [time_factor(one.result) for one in compared]
    rows = tuple(row(one, factor) for one, factor in zip(compared, factors, strict=True))
    each = factors[0]
    ids = comparison_ids(compared)
    if each is None:
        verdict = "needs_gpu" if device == "cpu" else CANNOT_TELL
        return ClaimResult(id="sync-cpu", verdict=verdict, reason=compared[0].result.sentence, rows=rows, comparisons=ids)
    measured = f"reading the loss at each step takes {each.words} times as long as every {SELDOM} steps"
    where = "There is no GPU here, and on a CPU no queue to wait for: " if device == "cpu" else "On this GPU "
    return ClaimResult(
        id="sync-cpu", verdict="needs_gpu" if device == "cpu" else judge_up_to(each, LIMIT), reason=f"{where}{measured}.", rows=rows,
        comparisons=ids, estimate=each.value, interval=(each.low, each.high), estimate_is="time with the loss read at each step over every 100 steps",
    )  # fmt: skip
