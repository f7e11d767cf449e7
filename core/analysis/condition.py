"""Conditions on a comparison, such as `ratio > 1.05`, for a pipeline that is to fail on them.

    METRIC OPERATOR NUMBER      operators: > >= < <=

A metric with an interval meets a condition where the whole interval does, and does not where none of it does; between the two it is
undecided, and so is everything about a comparison that is not comparable. A metric without an interval is compared as it is; what is
no number meets nothing and clears nothing.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from core.analysis.baseline import Against, Beside
from core.model.comparison import SIDES, ComparisonResult
from core.model.errors import ShowdownError

OUTCOMES = ("met", "not_met", "undecided")
OUTCOME_LABELS = {"met": "met", "not_met": "not met", "undecided": "undecided"}
METRICS = {
    "ratio": "time of B over time of A, with its 95 % interval",
    "cpu_ratio": "CPU time of B over that of A",
    "memory_ratio": "peak memory of B over that of A",
    "a_step_ms": "step time of A in ms",
    "b_step_ms": "step time of B in ms",
    "a_peak_mib": "peak memory of A in MiB",
    "b_peak_mib": "peak memory of B in MiB",
    "a_accuracy": "test accuracy of A, 0 to 1",
    "b_accuracy": "test accuracy of B, 0 to 1",
    "a_vs_baseline": "time of A over its time in the baseline, with its 95 % interval",
    "b_vs_baseline": "time of B over its time in the baseline, with its 95 % interval",
}
_AGAINST = "_vs_baseline"
_OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(>=|<=|>|<)\s*((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")


class ConditionError(ShowdownError):
    """A condition that cannot be meant."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is not wanted."""

    metric: str
    operator: str
    bound: float

    @property
    def text(self) -> str:
        return f"{self.metric} {self.operator} {self.bound:.12g}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a comparison says to a condition."""

    condition: str
    outcome: str
    """One of `OUTCOMES`."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval, where the metric has one."""
    reason: str = ""
    """Why it is undecided, in one sentence."""


def parse_condition(text: str, *, baseline: bool = False) -> Condition:
    """Read a condition; `baseline`: is there one that it may speak of? Raises ConditionError with what is wrong in it."""
    found = _CONDITION.fullmatch(text)
    if found is None or math.isinf(float(found[3])):
        raise ConditionError(f"'{text}' is no condition; write METRIC OPERATOR NUMBER, such as 'ratio > 1.05', with >, >=, < or <=.")
    metric, sign, bound = found.groups()
    if metric not in METRICS:
        raise ConditionError(f"'{metric}' in '{text}' is no metric; choose {', '.join(METRICS)}.")
    if metric.endswith(_AGAINST) and not baseline:
        raise ConditionError(f"'{metric}' in '{text}' needs a baseline; give one to 'show' with --baseline ID.")
    return Condition(metric=metric, operator=sign, bound=float(bound))


def judge(condition: Condition, result: ComparisonResult, against: Beside | None = None) -> Outcome:
    """Hold a comparison that has ended against a condition; `against` is what its baseline says of it, where it has one."""
    if result.verdict == "not_comparable":
        return _undecided(condition, f"The comparison is not comparable: {result.reasons[0] if result.reasons else result.sentence}")
    if condition.metric.endswith(_AGAINST):
        return _judge_against(condition, against)
    value = _value(condition.metric, result)
    if value is None or not math.isfinite(value):
        return _undecided(condition, f"This comparison has no {METRICS[condition.metric].partition(',')[0]}.")
    if condition.metric != "ratio":
        return _decide(condition, value, None)
    if result.interval_95 is None:
        return _undecided(condition, "This comparison has no interval of its ratio.")
    return _decide(condition, value, result.interval_95)


def _judge_against(condition: Condition, against: Beside | None) -> Outcome:
    assert against is not None
    if against.doubts:
        return _undecided(condition, against.doubts[0])
    side = against.side(condition.metric[0])
    found: Against | None = side.time if side else None
    if found is None:
        return _undecided(condition, "One of the two comparisons has fewer than two runs of this side.")
    return _decide(condition, found.ratio, (found.low, found.high))


def _value(metric: str, result: ComparisonResult) -> float | None:
    if metric in ("ratio", "cpu_ratio"):
        return result.ratio if metric == "ratio" else result.cpu_ratio
    if metric == "memory_ratio":
        a, b = (result.sides.get(side) for side in SIDES)
        if a is None or b is None or a.peak_memory_kind != b.peak_memory_kind or not a.peak_memory_bytes or b.peak_memory_bytes is None:
            return None
        return b.peak_memory_bytes / a.peak_memory_bytes
    summary = result.sides.get(metric[0])
    if summary is None:
        return None
    if metric.endswith("_step_ms"):
        return summary.step_ms
    if metric.endswith("_accuracy"):
        return summary.test_accuracy
    return None if summary.peak_memory_bytes is None else summary.peak_memory_bytes / 2**20


def _decide(condition: Condition, value: float, interval: tuple[float, float] | None) -> Outcome:
    low, high = interval or (value, value)
    meets = [_OPERATORS[condition.operator](end, condition.bound) for end in (low, high)]
    outcome = "met" if all(meets) else "undecided" if any(meets) else "not_met"
    reason = f"The interval lies on both sides of {condition.bound:.12g}; more pairs make it narrower." if outcome == "undecided" else ""
    ends = interval or (None, None)
    return Outcome(condition=condition.text, outcome=outcome, value=value, low=ends[0], high=ends[1], reason=reason)


def _undecided(condition: Condition, reason: str) -> Outcome:
    return Outcome(condition=condition.text, outcome="undecided", reason=reason)
