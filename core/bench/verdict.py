"""From statistics, parity and what happened on the machine to a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from core.bench.statistics import Statistics, paired_equivalence
from core.model.comparison import SIDES, AccuracyComparison, ComparisonSpec, SideSummary
from core.model.parity import STAGE_LABELS, ParityStage
from core.model.run import RunResult

#: Accuracies after whole epochs count as equal within 0.3 points.
ACCURACY_MARGIN = 0.003
#: What a page fault takes, as a rule of thumb: a virtual machine may need three times as long (`docs/metrics.md`).
PAGE_FAULT_MS = 1e-3
NOTICEABLE_SHARE = 0.05
#: Cores that other work may take of those that a run leaves free, short of all of them, and at least.
SPARE_CORES = 0.25
TOLERATED_CORES = 0.4
MAX_UNSETTLED_SHARE = 0.2
#: A machine that differs from itself by more than this cannot compare anything.
MAX_NOISE_FLOOR = 0.5


@dataclass(frozen=True, kw_only=True)
class ProfiledSteps:
    """Median step times of one process, with and without the profiler, each step read."""

    with_profiler_ms: float
    without_ms: float
    page_faults: float | None = None
    """Median of the steps with it."""


def parity_reasons(stages: tuple[ParityStage, ...]) -> list[str]:
    """The first gate that failed, in one sentence."""
    failed = next((stage for stage in stages if not stage.passed), None)
    if failed is None:
        return []
    what = f"The two sides do not compute the same function: {STAGE_LABELS[failed.stage]} fails"
    where = f" in {failed.tensor}" if failed.tensor else ""
    if failed.error is None:
        return [f"{what}{where} ({failed.detail}).{f' {failed.cause}' if failed.cause else ''}"]
    size = f"{failed.error:,.0f}" if failed.stage == "parameters" else f"{failed.error:.1e}"
    detail = f"; {failed.detail}" if failed.detail else ""
    cause = f" {failed.cause}" if failed.cause else ""
    return [f"{what}{where}: {failed.measure} {size}, allowed {failed.allowed:g}{detail}.{cause}"]


def unequal_work(spec: ComparisonSpec) -> list[str]:
    """What one side does and the other does not, where it changes how much work there is or what is learned."""
    differing = [name for name in ("network", "optimizer", "initial", "metrics", "validation") if getattr(spec.a, name) != getattr(spec.b, name)]
    if not differing:
        return []
    said = "; ".join(f"{name} is {getattr(spec.a, name)} on A, {getattr(spec.b, name)} on B" for name in differing)
    return [f"The sides do not do the same work: {said}."]


def asks_anew(side: SideSummary) -> bool:
    """Does each step ask the system for memory, for what may be a noticeable part of its time?"""
    return bool(side.step_ms) and (side.page_faults_per_step or 0.0) * PAGE_FAULT_MS >= NOTICEABLE_SHARE * (side.step_ms or 0.0)


def page_fault_notes(spec: ComparisonSpec, sides: Mapping[str, SideSummary]) -> list[str]:
    """Which side, on a CPU, gives memory back and asks for it anew at each step, where that may be a noticeable part of the step."""
    notes = []
    for name in SIDES:
        side, variant, work = sides[name], spec.variant(name), "batch" if spec.task == "inference" else "step"
        if variant.device == "cpu" and asks_anew(side):
            faults = side.page_faults_per_step or 0.0
            notes.append(
                f"Side {name.upper()} gives memory back to the system and asks for it anew at each {work}: {faults:,.0f} page faults, roughly "
                f"{faults * PAGE_FAULT_MS:.1f} ms of {side.step_ms:.1f}. Whether a process does so hangs on the order of its allocations"
                + ("." if variant.malloc == "keep" else "; with malloc=keep it does not.")
            )
    return notes


def machine_reasons(spec: ComparisonSpec, runs: list[RunResult], cores: float) -> list[str]:
    """What the machine did to the measured runs that makes their times untrustworthy; `cores` is what it may use."""
    return [*_crowded(spec, runs, cores), *_throttled(spec, runs), *_unsettled(runs)]


def _crowded(spec: ComparisonSpec, runs: list[RunResult], cores: float) -> list[str]:
    """Other work took the cores that the runs of a side needed, in more than half of them."""
    for side in SIDES:
        loads = [run.load for run in runs if run.side == side and run.role == "pair" and run.load is not None]
        spare = max(cores - spec.variant(side).threads - SPARE_CORES, TOLERATED_CORES)
        crowd = [load for load in loads if load.other_cores + load.steal_cores > spare]
        if len(crowd) > len(loads) / 2:
            other, steal = fmean(load.other_cores for load in crowd), fmean(load.steal_cores for load in crowd)
            return [
                f"The machine was crowded in {len(crowd)} of {len(loads)} runs of side {side.upper()}: besides the run, {other:.1f} cores were "
                f"busy with other work and {steal:.1f} were taken by the hypervisor, of {cores:g}; close other programs or give the runs "
                "fewer threads."
            ]
    return []


def _throttled(spec: ComparisonSpec, runs: list[RunResult]) -> list[str]:
    on_gpu = [run.load for run in runs if run.load is not None and spec.variant(run.side).device == "gpu"]
    reasons = sorted({reason for load in on_gpu for reason in load.gpu_throttle_reasons})
    return [f"The GPU slowed itself down ({', '.join(reasons)}); improve its cooling or power supply."] if reasons else []


def _unsettled(runs: list[RunResult]) -> list[str]:
    told = [run for run in runs if run.settled is not None]
    unsettled = [run for run in told if not run.settled]
    if len(unsettled) <= MAX_UNSETTLED_SHARE * len(told):
        return []
    return [f"{len(unsettled)} of {len(told)} runs never reached a steady state; use a longer preset, or a quieter machine."]


def noise_reasons(statistics: Statistics) -> list[str]:
    if statistics.noise_floor <= MAX_NOISE_FLOOR:
        return []
    return [
        f"This machine differs from itself by {statistics.noise_floor:.0%} from run to run, which no comparison can see through; "
        "close other programs, or use a machine that is not shared."
    ]


def sentence(spec: ComparisonSpec, statistics: Statistics) -> str:
    """The verdict in words; the factor is always above 1, whichever side is faster."""
    low, high = statistics.interval_95
    factor, between = statistics.ratio, (low, high)
    if statistics.ratio < 1:
        factor, between = 1 / statistics.ratio, (1 / high, 1 / low)
    first, second = (spec.a.label, spec.b.label) if statistics.ratio >= 1 else (spec.b.label, spec.a.label)
    if first == second:
        first, second = ("side A", "side B") if statistics.ratio >= 1 else ("side B", "side A")
    numbers = f"{factor:.2f}x, 95 % interval {between[0]:.2f} to {between[1]:.2f}"
    floor = f"this machine's noise floor is {statistics.noise_floor:.1%}"
    match statistics.verdict:
        case "faster":
            return f"{first} is faster than {second} on this machine: {numbers}; {floor}."
        case "no_practical_difference":
            return f"No practical difference between {first} and {second} on this machine: {numbers}, within {statistics.delta:.1%}; {floor}."
        case "measurable_under_threshold":
            return f"{first} is measurably faster than {second}, but by less than {statistics.delta:.1%}: {numbers}; {floor}."
        case _:
            hidden = "; it hides smaller differences" if statistics.noise_floor > spec.threshold else ""
            more = f"; about {statistics.pairs_needed} pairs would be needed" if statistics.pairs_needed else hidden
            return (
                f"Cannot tell which is faster on this machine: {second} takes {factor:.2f} times as long as {first}, "
                f"95 % interval {between[0]:.2f} to {between[1]:.2f}; {floor}{more}."
            )


def summarise_side(spec: ComparisonSpec, side: str, runs: list[RunResult], profiled: ProfiledSteps | None) -> SideSummary:
    """Medians over the measured runs of one side."""

    def middle(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(median(known)) if known else None

    def phase(name: str) -> float | None:
        return middle([next((p.wall_s for p in run.phases if p.name == name), None) for run in runs])

    mine = [run for run in runs if run.side == side and run.ok and run.role == "pair"]
    step_ms = middle([run.step_ms for run in mine])
    peak = middle([run.peak_memory_bytes for run in mine])
    runs = mine
    return SideSummary(
        variant=spec.variant(side),
        runs=len(mine),
        import_s=phase("import"),
        build_s=phase("build"),
        first_step_s=middle([run.first_step_s for run in mine]),
        step_ms=step_ms,
        step_p99_ms=middle([run.step_p99_ms for run in mine]),
        epoch_ms=middle([run.epoch_ms for run in mine]),
        cpu_step_ms=middle([run.cpu_step_ms for run in mine]),
        input_ms=middle([run.input_ms for run in mine]),
        page_faults_per_step=middle([run.page_faults_per_step for run in mine]),
        samples_per_s=spec.batch_size / step_ms * 1000 if step_ms else None,
        train_s=middle([run.train_s for run in mine]),
        wall_s=middle([run.wall_s for run in mine]),
        peak_memory_bytes=None if peak is None else round(peak),
        peak_memory_kind=next((run.peak_memory_kind for run in mine), None),
        test_accuracy=middle([run.test_accuracy for run in mine]),
        final_loss=middle([run.final_loss for run in mine]),
        energy_per_run_j=middle([run.load.gpu_energy_j if run.load else None for run in mine]) if spec.variant(side).device == "gpu" else None,
        profiled_step_ms=profiled.with_profiler_ms if profiled else None,
        profiled_page_faults_per_step=profiled.page_faults if profiled else None,
        profiler_slowdown=profiled.with_profiler_ms / profiled.without_ms if profiled else None,
    )


def compare_accuracy(pairs: list[tuple[RunResult, RunResult]]) -> AccuracyComparison | None:
    """Test accuracies of pairs (A, B) of one seed each; None for fewer than three."""
    both = [(a.test_accuracy, b.test_accuracy) for a, b in pairs if a.test_accuracy is not None and b.test_accuracy is not None]
    if len(both) < 3:
        return None
    result = paired_equivalence(np.array([b - a for a, b in both]), ACCURACY_MARGIN)
    return AccuracyComparison(mean_difference=result.mean_difference, interval_90=result.interval_90, margin=ACCURACY_MARGIN,
                              equivalent=result.equivalent, seeds=len(both))  # fmt: skip
