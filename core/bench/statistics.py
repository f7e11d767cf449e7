"""What pairs of times say: estimate, interval, noise floor and verdict.

The unit is the process: one log ratio per pair of neighbouring runs, ln(T_B / T_A). Everything here is symmetric in the
two sides, because it works on logarithms: exchanging A and B turns every ratio into its inverse.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 10_000
#: Below so many pairs a bootstrap promises more than it holds, and order statistics give an exact interval.
EXACT_BELOW = 8

Ratios = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What the pairs say; ratios are time of B over time of A."""

    verdict: str
    faster_side: str | None
    ratio: float
    interval_95: tuple[float, float]
    interval_90: tuple[float, float]
    noise_floor: float
    delta: float
    pairs_needed: int | None


def median_interval(log_ratios: Ratios, confidence: float, generator: np.random.Generator) -> tuple[float, float]:
    """Confidence interval of the median of paired log ratios, shape (n,).

    For n < 8 the exact order-statistic interval: the narrowest pair of order statistics (x_(k), x_(n+1-k)) whose coverage
    1 - 2 P(Binomial(n, 1/2) < k) reaches the confidence; n = 6 at 95 % is minimum to maximum (96.9 %). Otherwise the
    bias-corrected and accelerated bootstrap over pairs with 10,000 resamples (Efron 1987).

    Raises ValueError where even minimum to maximum does not reach the confidence (n < 6 for 95 %).
    """
    ordered = np.sort(log_ratios)
    n = len(ordered)
    if n < EXACT_BELOW:
        covering = [k for k in range(1, n // 2 + 1) if 1 - 2 * stats.binom.cdf(k - 1, n, 0.5) >= confidence]
        if not covering:
            raise ValueError(f"{n} pairs cannot give a {confidence:.0%} interval")
        k = max(covering)
        return float(ordered[k - 1]), float(ordered[n - k])
    if ordered[0] == ordered[-1]:
        return float(ordered[0]), float(ordered[0])
    with warnings.catch_warnings():
        # BCa cannot be computed where all but one value are equal; the check below then takes percentiles.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = _bootstrap(ordered, confidence, "BCa", generator)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = _bootstrap(ordered, confidence, "percentile", generator)
    return low, high


def _bootstrap(values: Ratios, confidence: float, method: Literal["BCa", "percentile"], generator: np.random.Generator) -> tuple[float, float]:
    median: Any = np.median
    interval = stats.bootstrap(
        (values,), median, confidence_level=confidence, n_resamples=RESAMPLES, method=method, rng=generator, vectorized=True
    ).confidence_interval
    return float(interval.low), float(interval.high)


def noise_floor(self_log_ratios: Ratios, pairs: int, generator: np.random.Generator) -> float:
    """Relative difference that a comparison of `pairs` pairs shows between a variant and itself.

    97.5th percentile of |median| over bootstrap resamples of `pairs` log ratios of a variant against itself, shape (m,),
    as exp(...) - 1.
    """
    resampled = generator.choice(self_log_ratios, size=(RESAMPLES, pairs), replace=True)
    return float(np.expm1(np.quantile(np.abs(np.median(resampled, axis=1)), 0.975)))


def judge(log_ratios: Ratios, self_log_ratios: Ratios, threshold: float, generator: np.random.Generator) -> Statistics:
    """The verdict on pairs, shape (n,), given a variant's pairs against itself, shape (m,), and the user's threshold.

    delta = max(threshold, noise floor). *Faster*: the 95 % interval lies wholly outside [1/(1+delta), 1+delta]. *No
    practical difference*: the 90 % interval lies wholly inside (two one-sided tests at 5 %, Schuirmann 1987).
    *Measurable under threshold*: the 95 % interval excludes 1 and lies within. These two speak of the user's threshold, so
    they need a noise floor below it: on a noisier machine equality within its noise would be no finding. Else *cannot tell*.
    """
    estimate = float(np.median(log_ratios))
    low_95, high_95 = median_interval(log_ratios, 0.95, generator)
    low_90, high_90 = median_interval(log_ratios, 0.90, generator)
    floor = noise_floor(self_log_ratios, len(log_ratios), generator)
    delta = max(threshold, floor)
    margin = math.log1p(delta)
    faster_side = None
    excludes_one = low_95 > 0 or high_95 < 0
    if low_95 > margin or high_95 < -margin:
        verdict, faster_side = "faster", "a" if low_95 > margin else "b"
    elif floor > threshold:
        verdict = "cannot_tell"
    elif excludes_one and low_95 > -margin and high_95 < margin:
        verdict, faster_side = "measurable_under_threshold", "a" if estimate > 0 else "b"
    elif low_90 > -margin and high_90 < margin:
        verdict = "no_practical_difference"
    else:
        verdict = "cannot_tell"
    return Statistics(
        verdict=verdict,
        faster_side=faster_side,
        ratio=math.exp(estimate),
        interval_95=(math.exp(low_95), math.exp(high_95)),
        interval_90=(math.exp(low_90), math.exp(high_90)),
        noise_floor=floor,
        delta=delta,
        # Where the machine's noise alone hides the difference, no number of pairs is known to help.
        pairs_needed=pairs_needed(log_ratios, margin) if verdict == "cannot_tell" and (floor <= threshold or abs(estimate) > margin) else None,
    )


def pairs_needed(log_ratios: Ratios, margin: float) -> int | None:
    """About how many pairs would move the interval off the margin, if the spread stays as it is; None above 1,000.

    The standard error of a median is sqrt(pi/2) s / sqrt(n); s from the median absolute deviation (x 1.4826). At least
    `EXACT_BELOW`, from where on the interval is narrower than minimum to maximum.
    """
    estimate = float(np.median(log_ratios))
    spread = 1.4826 * float(np.median(np.abs(log_ratios - estimate)))
    distance = abs(abs(estimate) - margin)
    if distance == 0 or spread == 0:
        return None
    needed = math.ceil((1.96 * math.sqrt(math.pi / 2) * spread / distance) ** 2)
    return max(needed, len(log_ratios) + 1, EXACT_BELOW) if needed <= 1000 else None


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Paired differences against a margin."""

    mean_difference: float
    interval_90: tuple[float, float]
    equivalent: bool


def paired_equivalence(differences: NDArray[np.float64], margin: float) -> Equivalence:
    """Two one-sided paired t-tests at 5 %: equivalent where the 90 % interval of the mean lies within +/- margin.

    `differences`, shape (n,), n >= 2, in the unit of `margin`.
    """
    mean = float(np.mean(differences))
    error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    reach = float(stats.t.ppf(0.95, len(differences) - 1)) * error
    return Equivalence(
        mean_difference=mean, interval_90=(mean - reach, mean + reach), equivalent=-margin < mean - reach and mean + reach < margin
    )
