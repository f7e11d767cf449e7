"""The axis on which ratios of times are read: logarithmic, so that 2 and 1/2 lie equally far from 1."""

from __future__ import annotations

import math
from collections.abc import Iterable

import altair as alt

RATIO_TITLE = "time of B ÷ time of A"

#: Upper end of the axis, and how far from 1 its ticks are.
_TICKS = ((1.15, (0.05, 0.1)), (1.6, (0.1, 0.25, 0.5)), (3.0, (0.25, 0.5, 1.0)), (12.0, (1.0, 3.0, 9.0)), (math.inf, (1.0, 9.0, 99.0)))


def ratio_scale(low: float, high: float) -> alt.Scale:
    """Exactly from `low` to `high`."""
    return alt.Scale(type="log", domain=[low, high], nice=False)


def ratio_domain(values: Iterable[float]) -> tuple[float, float]:
    """A stretch of ratios around all values, symmetric in logarithms, so that 1 lies in the middle."""
    reach = max(abs(math.log(value)) for value in values) * 1.15
    return math.exp(-reach), math.exp(reach)


def ratio_ticks(high: float) -> list[float]:
    """Round ratios up to `high` and their inverses."""
    steps = next(steps for limit, steps in _TICKS if high <= limit)
    above = [1 + step for step in steps if 1 + step <= high]
    return [*(1 / value for value in reversed(above)), 1.0, *above]
