"""What this machine's own comparisons and claims say about a criterion of the choice between the two frameworks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.model.claim import ClaimResult
from core.model.comparison import VERDICT_LABELS, ComparisonResult, ComparisonSpec
from core.model.run import RunResult
from core.model.variant import EXECUTIONS, FRAMEWORK_LABELS, FRAMEWORKS, Variant

Measured = tuple[ComparisonSpec, ComparisonResult]

#: Fewest pairs of which minimum to maximum is a 95 % interval of the median (96.9 %).
MIN_PAIRS = 6


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that was measured here."""

    words: str
    """With its numbers and units."""
    outcome: str
    """`tensorflow`, `pytorch`, or `tie`: no difference was shown."""
    ratio: float | None = None
    """What PyTorch takes over what TensorFlow takes: above 1, TensorFlow is better. None where it is not a matter of degree."""
    low: float | None = None
    """95 % interval of `ratio`."""
    high: float | None = None
    comparison: str = ""
    """Id of the comparison behind it."""
    claim: str = ""
    """Id of the claim behind it."""


def evidence(measure: str, comparisons: Iterable[Measured], claims: Mapping[str, ClaimResult]) -> list[Evidence]:
    """All that was measured here of a measure of `core.model.criterion.MEASURES`; empty where nothing was.

    Only comparisons of the two frameworks with nothing else different between the sides, in which both were shown to compute the same;
    of each workload the newest one, of the usual executions where there is one.
    """
    match measure:
        case "speed":
            return [_speed(*one) for one in _fitting(comparisons)]
        case "gpu_speed":
            return [_speed(*one) for one in _fitting(comparisons) if one[0].a.device == "gpu"]
        case "memory":
            return _paired(comparisons, "peak memory", _peak_bytes)
        case "startup":
            return _paired(comparisons, "import, building and first step", _startup_s)
        case "export":
            return _export(claims.get("export"))
        case "reproducibility":
            return _reproducibility(claims.get("seeds"))
        case _:
            raise ValueError(f"'{measure}' is no measure")


def _fitting(comparisons: Iterable[Measured]) -> list[Measured]:
    """Of each workload the one that speaks for it."""
    chosen: dict[str, Measured] = {}
    for spec, result in sorted(comparisons, key=lambda one: (_is_usual(one[0]), one[0].created, one[0].id)):
        alike = _alike(spec.a) == _alike(spec.b) and {spec.a.framework, spec.b.framework} == set(FRAMEWORKS)
        if alike and spec.task == "train" and result.state == "finished" and result.verdict != "not_comparable" and result.identical is not False:
            chosen[spec.workload] = spec, result
    return [chosen[name] for name in sorted(chosen)]


def _alike(variant: Variant) -> dict[str, object]:
    """The settings without those that are one framework's own."""
    own = ("framework", "execution", "python", "layout", "pin")
    return {field.name: getattr(variant, field.name) for field in fields(variant) if field.name not in own}


def _is_usual(spec: ComparisonSpec) -> bool:
    return all(variant.execution == EXECUTIONS[variant.framework][0] for variant in (spec.a, spec.b))


def _speed(spec: ComparisonSpec, result: ComparisonResult) -> Evidence:
    assert result.ratio is not None
    assert result.interval_95 is not None
    low, high = result.interval_95
    ratio, low, high = (result.ratio, low, high) if spec.a.framework == "tensorflow" else (1 / result.ratio, 1 / high, 1 / low)
    shown = result.verdict in ("faster", "measurable_under_threshold")
    outcome = ("tensorflow" if ratio > 1 else "pytorch") if shown else "tie"
    time = "an epoch" if spec.measure == "epoch" else "a step"
    words = (
        f"{spec.workload_name}, batch {spec.batch_size}: time of {time}, PyTorch over TensorFlow {ratio:.2f} [{low:.2f}, {high:.2f}], "
        f"{VERDICT_LABELS[result.verdict]}"
    )
    return Evidence(words=words, outcome=outcome, ratio=ratio, low=low, high=high, comparison=result.id)


def _paired(comparisons: Iterable[Measured], what: str, of: Callable[[RunResult], float | None]) -> list[Evidence]:
    """A figure of each run, pair by pair: the median of its ratios, with minimum to maximum as their interval."""
    found = []
    for spec, result in _fitting(comparisons):
        ratios = _pair_ratios(spec, result.runs, of)
        if len(ratios) < MIN_PAIRS:
            continue
        ratio, low, high = float(np.median(ratios)), min(ratios), max(ratios)
        margin = 1 + spec.threshold
        outcome = "tensorflow" if low > margin else "pytorch" if high < 1 / margin else "tie"
        name = "no difference beyond the threshold" if outcome == "tie" else f"{FRAMEWORK_LABELS[outcome]} needs less"
        words = f"{spec.workload_name}, batch {spec.batch_size}: {what}, PyTorch over TensorFlow {ratio:.2f} [{low:.2f}, {high:.2f}], {name}"
        found.append(Evidence(words=words, outcome=outcome, ratio=ratio, low=low, high=high, comparison=result.id))
    return found


def _pair_ratios(spec: ComparisonSpec, runs: Sequence[RunResult], of: Callable[[RunResult], float | None]) -> list[float]:
    """PyTorch over TensorFlow, of each pair in which both are known."""
    values: dict[int, dict[str, float]] = {}
    for run in runs:
        value = of(run) if run.ok and run.role == "pair" and run.pair is not None else None
        if value is not None and value > 0 and run.pair is not None:
            values.setdefault(run.pair, {})[spec.variant(run.side).framework] = value
    return [pair["pytorch"] / pair["tensorflow"] for pair in values.values() if len(pair) == 2]


def _peak_bytes(run: RunResult) -> float | None:
    return run.peak_memory_bytes


def _startup_s(run: RunResult) -> float | None:
    phases = {phase.name: phase.wall_s for phase in run.phases}
    parts = [phases.get("import"), phases.get("build"), phases.get("first_step")]
    return None if any(part is None for part in parts) else math.fsum(part for part in parts if part is not None)


def _export(result: ClaimResult | None) -> list[Evidence]:
    """Formats that a framework writes, and whose outputs came back the same within what the claim allows."""
    if result is None:
        return []
    good: dict[str, list[str]] = {framework: [] for framework in FRAMEWORKS}
    for row in result.rows:
        if (framework := _framework(row)) in good and row.get("same_outputs") is True:
            good[framework].append(str(row.get("format")))
    said = "; ".join(f"{FRAMEWORK_LABELS[name]}: {', '.join(dict.fromkeys(formats)) or 'none'}" for name, formats in good.items())
    words = f"Formats whose outputs come back the same: {said}"
    return [Evidence(words=words, outcome=_only({name: bool(formats) for name, formats in good.items()}), claim=result.id)]


def _reproducibility(result: ClaimResult | None) -> list[Evidence]:
    """Whether every set of runs of one seed, with no other switch, ended in the same weights."""
    if result is None:
        return []
    same: dict[str, list[bool]] = {framework: [] for framework in FRAMEWORKS}
    for row in result.rows:
        if (framework := _framework(row)) in same and row.get("seed") == "set" and row.get("determinism_switches") == "off":
            same[framework].append(row.get("different_results") == 1)
    if not all(same.values()):
        return []
    said = "; ".join(f"{FRAMEWORK_LABELS[name]}: {sum(rows)} of {len(rows)} settings" for name, rows in same.items())
    words = f"Runs of one seed that end in the same weights, bit by bit: {said}"
    return [Evidence(words=words, outcome=_only({name: all(rows) for name, rows in same.items()}), claim=result.id)]


def _framework(row: Mapping[str, object]) -> str:
    """The framework that a row of a claim's evidence is about, which it names by its label or by its name."""
    said = str(row.get("framework"))
    return next((name for name, label in FRAMEWORK_LABELS.items() if said in (name, label)), said)


def _only(fine: Mapping[str, bool]) -> str:
    """The framework that alone is fine; else a tie."""
    alone = [name for name, value in fine.items() if value]
    return alone[0] if len(alone) == 1 else "tie"
