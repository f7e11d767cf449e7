"""Several comparisons at once: how many of their *faster* can be believed together."""

from __future__ import annotations

import math
from collections.abc import Sequence

ALPHA = 0.05


def sign_test(log_ratios: Sequence[float], margin: float) -> float:
    """Two-sided p-value of the hypothesis that the median of paired log ratios lies within +/- `margin`.

    Exact sign test on either side: 2 P(Binomial(n, 1/2) >= k), k the pairs beyond the margin on the fuller side, at most 1. It
    assumes nothing about the shape of the noise, as the order-statistic interval of `core.bench.statistics` does not: with n = 6,
    all beyond, it is 0.031, which is that interval's 96.9 %.
    """
    n = len(log_ratios)
    beyond = max(sum(value > margin for value in log_ratios), sum(value < -margin for value in log_ratios))
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(beyond, n + 1)) / 2**n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given (Holm 1979): the i-th smallest times (m - i + 1), never below the one before it, at most 1.

    Rejecting those at most alpha keeps the chance of even one false rejection among all m at most alpha.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, highest)
    return adjusted


def pairs_for(comparisons: int, alpha: float = ALPHA) -> int:
    """Fewest pairs with which each of so many comparisons can be *faster* after the correction, all its pairs agreeing.

    The smallest n with 2 / 2^n <= alpha / m.
    """
    return math.ceil(1 + math.log2(comparisons / alpha))
