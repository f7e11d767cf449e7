"""A sweep as a table: the ratio of every cell with its interval, and what can be said of all of them together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import polars as pl

from core.analysis.holm import ALPHA, holm, sign_test
from core.analysis.live import nominal_duration_s
from core.model.comparison import ComparisonResult, Preset
from core.model.sweep import SweepSpec

SCHEMA = {
    "cell": pl.Int64,
    "workload": pl.String,
    "batch_size": pl.Int64,
    "flops_per_step": pl.Int64,
    "pair": pl.String,
    "a": pl.String,
    "b": pl.String,
    "a_step_ms": pl.Float64,
    "b_step_ms": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "verdict": pl.String,
    "alone": pl.String,
    "p_holm": pl.Float64,
    "comparison": pl.String,
    "reason": pl.String,
}


def sweep_table(spec: SweepSpec, results: Mapping[int, ComparisonResult], reasons: Mapping[int, str]) -> pl.DataFrame:
    """One row per cell, in the order of the grid, with the columns of `SCHEMA`.

    `results` are those of the finished cells, by cell; `reasons` says of others why they have none. `ratio` is time of B over time of
    A, `low` and `high` its 95 % interval; a cell that is not comparable has none. `alone` is the verdict of its comparison;
    `verdict` is the same, except that *faster* becomes *cannot tell* where it does not survive Holm's correction over all comparable
    cells (`p_holm` above 5 %). Cells without a result have no verdict.
    """
    comparable = {cell: one for cell, one in results.items() if one.verdict != "not_comparable" and one.delta is not None}
    p_values = [sign_test([math.log(pair.ratio) for pair in one.pairs], math.log1p(one.delta or 0.0)) for one in comparable.values()]
    adjusted = dict(zip(comparable, holm(p_values), strict=True))
    rows = []
    for cell in spec.cells:
        result = results.get(cell.index)
        shown = comparable.get(cell.index)
        low, high = (shown.interval_95 if shown else None) or (None, None)
        a_ms, b_ms = (result.sides[side].step_ms if result and side in result.sides else None for side in "ab")
        reason = reasons.get(cell.index, "")
        if result is not None and result.verdict == "not_comparable":
            reason = result.sentence
        elif result is not None and corrected(result.verdict, adjusted[cell.index]) != result.verdict:
            reason = f"Faster by itself, but not among {len(comparable)} comparisons at once; take a preset with more pairs."
        rows.append((
            cell.index, cell.workload.label, cell.batch_size, cell.flops_per_step, cell.pair.label, cell.pair.a.label, cell.pair.b.label,
            a_ms, b_ms, shown.ratio if shown else None, low, high,
            corrected(result.verdict, adjusted.get(cell.index, 1.0)) if result else None, result.verdict if result else None,
            adjusted.get(cell.index), result.id if result else None, reason,
        ))  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def corrected(verdict: str, p_holm: float) -> str:
    """*Faster* only where it survives among its neighbours."""
    return "cannot_tell" if verdict == "faster" and p_holm > ALPHA else verdict


WIDENS_LABELS = {"widens": "widens", "narrows": "narrows", "turns": "changes sides", "cannot_tell": "cannot tell"}


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Of one pair: the difference at the fewest operations per step against that at the most."""

    pair: str
    smallest: str
    """Workload and batch size."""
    largest: str
    small_ratio: float
    large_ratio: float
    outcome: str
    """One of `WIDENS_LABELS`."""


def trends(table: pl.DataFrame) -> list[Trend]:
    """Does the difference widen with more work per step? Of each pair with two comparable cells at least.

    *Widens*: the 95 % interval of the distance from 1, |ln ratio|, lies at the largest cell wholly above that at the smallest;
    *narrows*: wholly below; *turns*: the intervals lie on different sides of 1. Intervals that overlap decide nothing, so this is
    stricter than a test at 5 %.
    """
    known = table.drop_nulls(["flops_per_step", "ratio", "low", "high"]).sort("flops_per_step", "cell")
    found = []
    for pair in known["pair"].unique(maintain_order=True):
        rows = known.filter(pl.col("pair") == pair).rows(named=True)
        small, large = rows[0], rows[-1]
        if small["flops_per_step"] == large["flops_per_step"]:
            continue
        smallest, largest = (f"{row['workload']}, batch {row['batch_size']}" for row in (small, large))
        outcome = _outcome((small["low"], small["high"]), (large["low"], large["high"]))
        found.append(
            Trend(pair=pair, smallest=smallest, largest=largest, small_ratio=small["ratio"], large_ratio=large["ratio"], outcome=outcome)
        )
    return found


def _outcome(small: tuple[float, float], large: tuple[float, float]) -> str:
    sides = [1 if low > 1 else -1 if high < 1 else 0 for low, high in (small, large)]
    if sides[0] * sides[1] < 0:
        return "turns"
    (small_low, small_high), (large_low, large_high) = _distance(small), _distance(large)
    if large_low > small_high:
        return "widens"
    return "narrows" if large_high < small_low else "cannot_tell"


def _distance(interval: tuple[float, float]) -> tuple[float, float]:
    """The interval of |ln ratio|."""
    low, high = sorted(abs(math.log(value)) for value in interval)
    return (0.0 if interval[0] <= 1 <= interval[1] else low), high


def remaining_s(preset: Preset, cells: int, took_s: list[float], running_s: float = 0.0) -> float:
    """Seconds that `cells` cells still take, one of which has run for `running_s`.

    Each as long as the median of those that ended, or as long as on a small machine before one has; workloads differ, so this is
    a guess that gets better.
    """
    each = median(took_s) if took_s else nominal_duration_s(preset, profile=False)
    return max(0.0, cells * each - min(running_s, each)) if cells else 0.0
