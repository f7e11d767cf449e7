"""What an epoch of the article's workload costs on this machine, at the user's own price."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.analysis.comparison import measured_runs
from core.bench.statistics import median_interval
from core.claims.catalogue import find_claim
from core.model.claim import ClaimResult
from core.model.comparison import SIDES
from core.model.errors import ShowdownError
from core.store.comparisons import ComparisonStore, StoredComparison
from core.workloads.registry import workload_spec

WORKLOAD = "mnist_cnn"
#: "Hundreds of dollars": the least that can be meant.
SAVED = 100.0
#: Fewest pairs with a 95 % interval.
MIN_PAIRS = 6


class PriceError(ShowdownError):
    """A price that cannot be meant."""


def cost(comparisons: ComparisonStore, price_per_hour: float | None) -> ClaimResult:
    """Cost of an epoch of both frameworks, and how many epochs save 100, in the currency of the price.

    A price and a comparison of TensorFlow (A) with PyTorch (B) are needed; what lacks is said. Nothing about "hundreds of dollars" can
    be measured without knowing how much will be trained, so the verdict stays `not_measurable`. Raises PriceError.
    """
    if price_per_hour is None:
        how = f"give it on the Claims page, or with '{find_claim('cost').command} --price-per-hour 3.06'"
        return ClaimResult(id="cost", verdict="not_measurable", reason=f"It depends on your price of an hour of this machine; {how}.")
    if not 0 < price_per_hour < 1_000_000:
        raise PriceError(f"A price of {price_per_hour} an hour is not possible; give a positive number, such as 3.06.")
    stored = newest(comparisons)
    if stored is None:
        reason = f"It needs a comparison of TensorFlow with PyTorch on {WORKLOAD}; run 'python -m core claims run mnist-time' first."
        return ClaimResult(id="cost", verdict="not_measurable", reason=reason)
    return priced(stored, price_per_hour)


def newest(comparisons: ComparisonStore) -> StoredComparison | None:
    """The newest one that was fit to give a ratio."""
    for stored in comparisons.all():
        spec, result = stored.spec, stored.result
        if spec is None or result is None or result.ratio is None or result.verdict == "not_comparable" or len(result.pairs) < MIN_PAIRS:
            continue
        if spec.workload == WORKLOAD and spec.task == "train" and (spec.a.framework, spec.b.framework) == ("tensorflow", "pytorch"):
            return stored
    return None


def priced(stored: StoredComparison, price_per_hour: float) -> ClaimResult:
    """Per epoch: time of its whole batches at the median step of each run; intervals over the pairs."""
    spec, result = stored.spec, stored.result
    assert spec is not None
    assert result is not None
    steps = workload_spec(spec.workload).steps_per_epoch(spec.batch_size)
    price_per_ms = price_per_hour / 3_600_000
    epochs: dict[int, dict[str, float]] = {}
    for run in measured_runs(result):
        if run.pair is not None and run.step_ms is not None:
            epochs.setdefault(run.pair, {})[run.side] = run.step_ms * steps * price_per_ms
    both = [pair for pair in epochs.values() if len(pair) == 2]
    rows: list[dict[str, Any]] = []
    for side in SIDES:
        middle, low, high = _median([pair[side] for pair in both])
        rows.append({"what": spec.variant(side).label, "cost_per_epoch": middle, "low": low, "high": high, "price_per_hour": price_per_hour,
                     "comparison": result.id})  # fmt: skip
    middle, low, high = _median([pair["a"] - pair["b"] for pair in both])
    difference = f"an epoch in TensorFlow costs {middle:.3g} [{low:.3g}, {high:.3g}] more than in PyTorch"
    if low <= 0 <= high:
        after = "which may be nothing at all"
    else:
        dearer = "PyTorch" if middle > 0 else "TensorFlow"
        after = f"so {SAVED:.0f} would be saved with {dearer} after about {SAVED / abs(middle):,.0f} epochs"
    return ClaimResult(
        id="cost", verdict="not_measurable",
        reason=f"At {price_per_hour:g} an hour, {difference}, {after}; how much you will train decides.",
        comparisons=(result.id,), rows=tuple(rows), estimate=middle, interval=(low, high),
        estimate_is="cost of an epoch in TensorFlow minus that in PyTorch, in the currency of the price",
    )  # fmt: skip


def _median(values: list[float]) -> tuple[float, float, float]:
    array = np.array(values)
    low, high = median_interval(array, 0.95, np.random.default_rng(1))
    return float(np.median(array)), low, high
