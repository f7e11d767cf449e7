"""From measured factors to the verdict on a claim; pure.

A claim names a factor, or a range of them. It *holds* where the measured interval reaches that range and lies beyond what this
machine shows between a variant and itself; it *does not hold* where the interval, widened by that noise, misses the range; else
nobody *can tell*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.bench.statistics import median_interval
from core.model.comparison import ComparisonResult

HOLDS, DOES_NOT_HOLD, CANNOT_TELL = "holds", "does_not_hold", "cannot_tell"


@dataclass(frozen=True, kw_only=True)
class Factor:
    """How many times as much one side takes as the other, with its 95 % interval."""

    value: float
    low: float
    high: float
    noise: float = 0.0
    """Relative difference that this machine shows between a variant and itself."""

    def inverse(self) -> Factor:
        """The other side over this one."""
        return Factor(value=1 / self.value, low=1 / self.high, high=1 / self.low, noise=self.noise)

    @property
    def words(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"

    @property
    def beyond_noise(self) -> bool:
        """Does the interval exclude 1, and all that noise alone could show?"""
        return self.low > 1 + self.noise or self.high < 1 / (1 + self.noise)


def judge_factor(factor: Factor, claimed: tuple[float, float]) -> str:
    """The verdict on a claim that the factor lies in a range that does not contain 1."""
    low, high = claimed
    if factor.low / (1 + factor.noise) > high or factor.high * (1 + factor.noise) < low:
        return DOES_NOT_HOLD
    reaches = factor.low <= high and factor.high >= low
    return HOLDS if reaches and factor.beyond_noise else CANNOT_TELL


def judge_up_to(factor: Factor, limit: float) -> str:
    """The verdict on a claim that something costs (a factor above 1), up to a limit."""
    if factor.low > limit * (1 + factor.noise) or factor.high <= 1:
        return DOES_NOT_HOLD
    return HOLDS if factor.low > 1 + factor.noise and factor.high <= limit * (1 + factor.noise) else CANNOT_TELL


def all_of(verdicts: Sequence[str]) -> str:
    """Of a claim with several parts: it holds where each does, and does not where one does not."""
    if DOES_NOT_HOLD in verdicts:
        return DOES_NOT_HOLD
    return HOLDS if verdicts and all(verdict == HOLDS for verdict in verdicts) else CANNOT_TELL


def time_factor(result: ComparisonResult) -> Factor | None:
    """Time of B over time of A; None where the comparison has no ratio, or its machine was not fit to give one."""
    if result.ratio is None or result.interval_95 is None or result.verdict == "not_comparable":
        return None
    low, high = result.interval_95
    return Factor(value=result.ratio, low=low, high=high, noise=result.noise_floor or 0.0)


def memory_factor(result: ComparisonResult) -> Factor | None:
    """Peak memory of B over that of A, pair by pair; None with fewer than six pairs, which have no 95 % interval.

    The interval is that of the median log ratio (`core.bench.statistics.median_interval`).
    """
    peaks: dict[int, dict[str, int]] = {}
    for run in result.runs:
        if run.role == "pair" and run.ok and run.pair is not None and run.peak_memory_bytes:
            peaks.setdefault(run.pair, {})[run.side] = run.peak_memory_bytes
    logs = np.array([math.log(both["b"] / both["a"]) for both in peaks.values() if len(both) == 2])
    if len(logs) < 6:
        return None
    low, high = median_interval(logs, 0.95, np.random.default_rng(1))
    return Factor(value=math.exp(float(np.median(logs))), low=math.exp(low), high=math.exp(high))


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean with its 95 % and 90 % intervals (Student's t)."""

    value: float
    interval_95: tuple[float, float]
    interval_90: tuple[float, float]


def mean_interval(values: Sequence[float]) -> Mean:
    """Of at least two independent values."""
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach_95, reach_90 = (float(stats.t.ppf(quantile, len(values) - 1)) * error for quantile in (0.975, 0.95))
    return Mean(value=mean, interval_95=(mean - reach_95, mean + reach_95), interval_90=(mean - reach_90, mean + reach_90))


def judge_about(mean: Mean, claimed: float, margin: float) -> str:
    """The verdict on a claim that a mean is about a value: two one-sided tests at 5 % within the margin (Schuirmann 1987)."""
    low, high = claimed - margin, claimed + margin
    if low <= mean.interval_90[0] and mean.interval_90[1] <= high:
        return HOLDS
    return DOES_NOT_HOLD if mean.interval_95[1] < low or mean.interval_95[0] > high else CANNOT_TELL


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How a log ratio changes with the log of the work."""

    per_tenfold: Factor
    """By which factor the ratio changes while the work grows tenfold."""
    over_range: tuple[float, float]
    """95 % interval of the factor by which it changes from the smallest to the largest work."""


def trend(work: Sequence[float], ratios: Sequence[float]) -> Trend:
    """Least squares of log ratio on log work over the workloads; the interval is Student's t with n - 2 degrees of freedom.

    The unit is the workload, not the pair: what scatters between workloads is in the residuals, so a slope that one workload alone
    makes is not significant. At least three workloads of different work.
    """
    x, y = np.log(np.asarray(work)), np.log(np.asarray(ratios))
    fit = stats.linregress(x, y)
    reach = float(stats.t.ppf(0.975, len(x) - 2)) * float(fit.stderr)
    slope, low, high = float(fit.slope), float(fit.slope) - reach, float(fit.slope) + reach
    tenfold, span = math.log(10), float(x.max() - x.min())
    factor = Factor(value=math.exp(slope * tenfold), low=math.exp(low * tenfold), high=math.exp(high * tenfold))
    return Trend(per_tenfold=factor, over_range=(math.exp(low * span), math.exp(high * span)))


def judge_growth(found: Trend, threshold: float) -> str:
    """The verdict on a claim that the ratio grows with the work.

    It does not hold where it falls, or where over the whole range it changes by less than `threshold` either way.
    """
    low, high = found.over_range
    if low > 1:
        return HOLDS
    small = low > 1 / (1 + threshold) and high < 1 + threshold
    return DOES_NOT_HOLD if high < 1 or small else CANNOT_TELL
