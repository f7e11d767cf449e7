"""Two comparisons beside each other, from two machines or of two versions: what takes longer now, and what else has changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from core.analysis.comparison import measured_runs, unit_of_work
from core.model.comparison import SIDES, VERDICT_LABELS, ComparisonResult, ComparisonSpec
from core.model.run import RunResult
from core.model.variant import settings

#: `above`: more than in the baseline, beyond what can be noise or does not matter; `below`: less.
OUTCOMES = ("above", "below", "no_practical_difference", "cannot_tell")
TIME_LABELS = {"above": "slower", "below": "faster", "no_practical_difference": "no practical difference", "cannot_tell": "cannot tell"}
MEMORY_LABELS = {**TIME_LABELS, "above": "more memory", "below": "less memory"}
#: What kinds of ratio `ratio_intervals` has.
SIDES_KIND, BASELINE_KIND = "B ÷ A", "this ÷ baseline"

_WORK = ("workload_name", "sizes", "task", "measure", "batch_size")
_SETTINGS = (*_WORK, "train_samples", "learning_rate", "seed", "threshold", "require_parity")
#: Facts of a machine or a side that change from hour to hour, or that say where and not what.
_PASSING = {"memory_available_bytes", "nvidia_missing", "python_path", "event", "since_start_s", "packages_sha256"}

Logs = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One comparison that has ended."""

    spec: ComparisonSpec
    result: ComparisonResult
    environment: Mapping[str, Any]
    """`machine`, `a` and `b`, with their packages where these are known."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """A quantity of one side over the same quantity in the baseline."""

    ratio: float
    low: float
    high: float
    """The 95 % interval's ends."""
    outcome: str
    """One of `OUTCOMES`."""
    delta: float
    """Relative difference that counts."""


@dataclass(frozen=True, kw_only=True)
class SideAgainst:
    """One side, and the side of the baseline that it is held against."""

    side: str
    baseline_side: str
    label: str
    baseline_label: str
    same_variant: bool
    """False: no side of the baseline was run in the same way, so this is the one of the same letter, or the one that was left."""
    unit: str
    """What is timed: `step`, `batch` or `epoch`."""
    time: Against | None
    """None where one of the two has fewer than two runs."""
    memory: Against | None
    """Peak memory; None also where the two were measured in different ways."""

    def sentences(self) -> list[str]:
        """Time and memory in words."""
        who = f"{self.side.upper()} ({self.label})"
        other = "" if self.same_variant else f", held against {self.baseline_label}, side {self.baseline_side.upper()} there"
        measures = ((f"time per {self.unit}", self.time, TIME_LABELS), ("peak memory", self.memory, MEMORY_LABELS))
        return [
            f"{who}{other}: {labels[found.outcome]} than in the baseline, {_numbers(found, what)}." if found.outcome in ("above", "below")
            else f"{who}{other}: {labels[found.outcome]} in {what}, {_numbers(found, what)}."
            for what, found, labels in measures if found is not None
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What two comparisons say of each other."""

    sides: tuple[SideAgainst, ...]
    """Empty where the two did not do the same work."""
    doubts: tuple[str, ...]
    """Why nothing can be concluded, in sentences; empty where something can."""

    def side(self, side: str) -> SideAgainst | None:
        return next((one for one in self.sides if one.side == side), None)


def beside(this: Measured, baseline: Measured) -> Beside:
    """Each side of this comparison over its like in the baseline.

    Here nothing is paired: the two were measured at different times, so each run counts by itself (`welch_interval`). A difference
    in time counts beyond delta, the largest of both noise floors and this comparison's threshold, one in memory beyond the
    threshold: `above` or `below` where the whole interval is outside, `no_practical_difference` where it is inside and no noise
    floor is above the threshold, else `cannot_tell`. What two machines or two days do to a time is in the ratio and in no interval.
    """
    # How long an epoch takes depends on how many samples are in it; a step does not know.
    work = (*_WORK, "train_samples") if this.spec.measure == "epoch" else _WORK
    unlike = [f"{name.replace('_', ' ')} is {_shown(name, now)} here and {_shown(name, before)} in the baseline"
              for name in work if (now := getattr(this.spec, name)) != (before := getattr(baseline.spec, name))]  # fmt: skip
    if unlike:
        return Beside(sides=(), doubts=(f"The two did not do the same work: {'; '.join(unlike)}.",))
    doubts = tuple(
        doubt for whose, one in (("This comparison", this.result), ("The baseline", baseline.result)) if (doubt := _doubt(whose, one))
    )
    floor = max(one.result.noise_floor or 0.0 for one in (this, baseline))
    threshold = this.spec.threshold
    sides = tuple(
        SideAgainst(
            side=side, baseline_side=other, same_variant=same, unit=unit_of_work(this.spec),
            label=this.spec.variant(side).label, baseline_label=baseline.spec.variant(other).label,
            time=_against(_times(this, side), _times(baseline, other), threshold, floor, bool(doubts)),
            memory=_against(_memory(this, side, baseline, other), _memory(baseline, other, this, side), threshold, 0.0, bool(doubts)),
        )
        for side, other, same in match_sides(this.spec, baseline.spec)
    )  # fmt: skip
    return Beside(sides=sides, doubts=doubts)


def match_sides(spec: ComparisonSpec, baseline: ComparisonSpec) -> list[tuple[str, str, bool]]:
    """For each side its like in the baseline, and whether it was run in the same way; where none was, by letter among those left."""
    free = list(SIDES)
    found: dict[str, tuple[str, bool]] = {}
    for same, lettered in ((True, True), (True, False), (False, True), (False, False)):
        for side in (one for one in SIDES if one not in found):
            likes = [one for one in free if (not same or spec.variant(side).text == baseline.variant(one).text) and (not lettered or one == side)]
            if likes:
                found[side] = (likes[0], same)
                free.remove(likes[0])
    return [(side, *found[side]) for side in SIDES]


def welch_interval(now: Logs, before: Logs, confidence: float = 0.95) -> tuple[float, float, float]:
    """Difference of two means of logarithms, shapes (n,) and (m,), and the ends of its interval; n and m at least 2.

    Welch (1947), Biometrika 34, 28-35: variances may differ, and the degrees of freedom follow from them (Welch-Satterthwaite).
    """
    difference = float(np.mean(now) - np.mean(before))
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (now, before)]
    if sum(parts) == 0:
        return difference, difference, difference
    freedom = sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, (now, before), strict=True))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(sum(parts))
    return difference, difference - reach, difference + reach


def ratio_intervals(this: Measured, baseline: Measured, found: Beside) -> pl.DataFrame:
    """`what`, `kind` (one of the two), `ratio`, `low`, `high`, `verdict`: both comparisons' own ratio, then each side over the baseline's."""
    rows: list[tuple[str, str, float, float, float, str]] = []
    for name, one in (("this comparison", this.result), ("baseline", baseline.result)):
        if one.ratio is not None and one.interval_95 is not None:
            rows.append((f"B ÷ A, {name}", SIDES_KIND, one.ratio, *one.interval_95, VERDICT_LABELS[one.verdict]))
    for side in found.sides:
        for measure, value, labels in (("time", side.time, TIME_LABELS), ("peak memory", side.memory, MEMORY_LABELS)):
            if value is not None:
                rows.append((f"{side.side.upper()}: {measure}", BASELINE_KIND, value.ratio, value.low, value.high, labels[value.outcome]))
    schema = {"what": pl.String, "kind": pl.String, "ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64, "verdict": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def environment_changes(this: Measured, baseline: Measured) -> pl.DataFrame:
    """`of` (settings, machine, or a side), `fact`, `baseline`, `this`: everything that differs, so that a cause can be looked for."""
    now, before = ({name: getattr(one.spec, name) for name in _SETTINGS}
                   | {"preset": one.spec.preset.name, "epochs": one.spec.preset.epochs, "steps": one.spec.preset.steps,
                      "pairs": len(one.result.pairs)} for one in (this, baseline))  # fmt: skip
    rows = [("settings", *row) for row in differing(before, now)]
    rows += [("machine", *row) for row in differing(baseline.environment.get("machine") or {}, this.environment.get("machine") or {})]
    for side, other, _ in match_sides(this.spec, baseline.spec):
        chosen = [{field.name: getattr(variant, field.name) for field in settings()}
                  for variant in (baseline.spec.variant(other), this.spec.variant(side))]  # fmt: skip
        for facts in (chosen, [baseline.environment.get(other) or {}, this.environment.get(side) or {}]):
            rows += [(side.upper(), *row) for row in differing(*facts)]
    return pl.DataFrame(rows, schema=dict.fromkeys(("of", "fact", "baseline", "this"), pl.String), orient="row")


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Facts that are not the same in both, as texts; packages and variables one by one, and packages only where both list them."""
    names = [name for name in {**before, **now} if name not in _PASSING | {"packages", "variables"}]
    rows = [(_fact(name), _shown(name, before.get(name)), _shown(name, now.get(name))) for name in names if before.get(name) != now.get(name)]
    for group in ("variables", "packages"):
        if group == "packages" and not (before.get(group) and now.get(group)):
            continue
        left, right = _by_name(before.get(group)), _by_name(now.get(group))
        rows += [(f"{group}: {name}", left.get(name, "—"), right.get(name, "—"))
                 for name in sorted({*left, *right}) if left.get(name) != right.get(name)]  # fmt: skip
    return [row for row in rows if row[1] != row[2]]


def _doubt(whose: str, result: ComparisonResult) -> str:
    if result.verdict == "not_comparable":
        return f"{whose} is not comparable itself: {result.reasons[0] if result.reasons else result.sentence}"
    return f"{whose} does not say how much its machine differs from itself." if result.noise_floor is None else ""


def _against(now: Logs, before: Logs, threshold: float, floor: float, doubtful: bool) -> Against | None:
    if min(len(now), len(before)) < 2:
        return None
    estimate, low, high = welch_interval(now, before)
    delta = max(threshold, floor)
    margin = math.log1p(delta)
    outcome = "cannot_tell"
    if not doubtful:
        if low > margin or high < -margin:
            outcome = "above" if low > margin else "below"
        elif floor <= threshold and low > -margin and high < margin:
            outcome = "no_practical_difference"
    return Against(ratio=math.exp(estimate), low=math.exp(low), high=math.exp(high), outcome=outcome, delta=delta)


def _runs(one: Measured, side: str) -> Sequence[RunResult]:
    return [run for run in measured_runs(one.result) if run.side == side]


def _times(one: Measured, side: str) -> Logs:
    values = [run.epoch_ms if one.spec.measure == "epoch" else run.step_ms for run in _runs(one, side)]
    return np.log([value for value in values if value])


def _memory(one: Measured, side: str, other: Measured, other_side: str) -> Logs:
    """None of them where the other's are of another kind."""
    kinds = {run.peak_memory_kind for run in (*_runs(one, side), *_runs(other, other_side)) if run.peak_memory_bytes is not None}
    values = [run.peak_memory_bytes for run in _runs(one, side)] if len(kinds) == 1 else []
    return np.log([value for value in values if value is not None and value > 0])


def _numbers(found: Against, what: str) -> str:
    return f"{found.ratio:.3f} times its {what}, 95 % interval {found.low:.3f} to {found.high:.3f}, where {found.delta:.1%} counts"


def _by_name(group: Any) -> dict[str, str]:
    if isinstance(group, dict):
        return {str(name): str(value) for name, value in group.items()}
    return {name: version for name, _, version in (str(item).partition("==") for item in group or [])}


def _fact(name: str) -> str:
    return name.removesuffix("_bytes").removesuffix("_name").replace("_", " ")


def _shown(name: str, value: Any) -> str:
    if name == "train_samples" and value is None:
        return "all"
    if value is None or value == "":
        return "—"
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 2**30:.1f} GiB"
    if name == "gpus" and isinstance(value, list | tuple):
        return ", ".join(str(gpu.get("name")) if isinstance(gpu, dict) else str(gpu) for gpu in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "—"
    return ", ".join(map(str, value)) or "—" if isinstance(value, list | tuple) else str(value)
