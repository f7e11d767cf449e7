"""How far a running comparison is, from what its referee and its workers have written so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import polars as pl

from core.model.comparison import Preset
from core.model.run import ROLES

#: What a run costs before its steady steps: process start, import, build, first step, warm-up, and a test set at the end.
STARTUP_S = 6.0
#: Steps of a run that is not timed: proof, pilot or profile.
SHORT_STEPS = 15
#: Steps of a timed run whose steps are slow: first, warm-up and the fewest blocks.
FEWEST_STEPS = 8
#: Epochs of a timed run at least, where epochs are what is timed: one to warm up and two to measure.
FEWEST_EPOCHS = 3
#: Marks of one side in a live chart. The page is redrawn on the machine that is being measured, so few are enough.
LIVE_MARKS = 60


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a workload takes on a machine, as far as that is known."""

    step_s: float
    epoch_s: float


#: The MNIST CNN on two CPU cores: what presets promise, until a first comparison has shown what this machine takes.
NOMINAL_PACE = Pace(step_s=0.04, epoch_s=40.0)


@dataclass(frozen=True, kw_only=True)
class CurrentRun:
    """The worker process that runs now."""

    index: int
    role: str
    side: str
    pair: int | None
    steps: int
    """Training steps it will do, the first one and the warm-up included."""
    began: datetime


@dataclass(frozen=True, kw_only=True)
class LiveProgress:
    """Where a comparison stands."""

    stage: str | None
    """One of the referee's stages; None before the first."""
    behind: str | None
    """Who holds the machine, while this comparison waits for it."""
    runs_done: int
    runs_planned: int
    pairs_done: int
    pairs_planned: int
    elapsed_s: float
    """Since the machine was its own."""
    remaining_s: float
    """An estimate: runs to come times the median of their kind so far."""
    current: CurrentRun | None

    @property
    def fraction(self) -> float:
        """Share of the whole duration that is over, 0 to 1."""
        whole = self.elapsed_s + self.remaining_s
        return min(1.0, self.elapsed_s / whole) if whole > 0 else 0.0


def planned_runs(preset: Preset, profile: bool) -> dict[str, int]:
    """How many runs of each role a comparison has; where it may go on, its minimum."""
    return {"parity": 2, "pilot": 2, "noise": 2 * preset.noise_pairs, "pair": 2 * preset.pairs, "profile": 2 if profile else 0}


def nominal_run_s(role: str, preset: Preset, pace: Pace = NOMINAL_PACE, *, measure: str = "step") -> float:
    """What a run takes at least, before this machine has shown its own figure; `measure` is one of `core.model.run.MEASURES`."""
    if role not in ("noise", "pair"):
        return STARTUP_S + SHORT_STEPS * max(0.0, pace.step_s - NOMINAL_PACE.step_s)
    if measure == "epoch":
        return STARTUP_S + max(FEWEST_EPOCHS, 1 + (preset.epochs or 0)) * pace.epoch_s
    if preset.epochs is not None:
        return STARTUP_S + preset.epochs * pace.epoch_s
    steady_s = preset.steady_seconds or 0.0 if preset.steps is None else preset.steps * pace.step_s
    return STARTUP_S + max(1.2 * steady_s, FEWEST_STEPS * pace.step_s)


def nominal_duration_s(preset: Preset, profile: bool, pace: Pace = NOMINAL_PACE, *, measure: str = "step") -> float:
    """What a whole comparison takes at least; where it may go on, its minimum."""
    return sum(count * nominal_run_s(role, preset, pace, measure=measure) for role, count in planned_runs(preset, profile).items())


def live_progress(events: Sequence[Mapping[str, Any]], preset: Preset, *, profile: bool, now: datetime) -> LiveProgress:
    """Read the referee's events; `now` is aware of its time zone."""
    planned = planned_runs(preset, profile)
    stage = behind = None
    began: datetime | None = None
    current: CurrentRun | None = None
    took: dict[str, list[float]] = {role: [] for role in ROLES}
    pairs_done = 0
    for event in events:
        match event["event"]:
            case "waiting":
                behind = str(event["behind"])
            case "state" if event["state"] == "running":
                behind, began = None, _time(event)
            case "stage":
                stage = str(event["stage"])
            case "run_begin":
                current = CurrentRun(index=event["index"], role=event["role"], side=event["side"], pair=event["pair"],
                                     steps=event["steps"], began=_time(event))  # fmt: skip
            case "run_end":
                if current is not None:
                    took[event["role"]].append((_time(event) - current.began).total_seconds())
                current = None
            case "pair":
                pairs_done = event["index"] + 1
    remaining_s = sum(
        max(0, count - len(took[role])) * _run_s(role, took, preset) for role, count in _at_least(planned, took, current).items()
    )
    if current is not None:
        remaining_s -= min(_run_s(current.role, took, preset), (now - current.began).total_seconds())
    return LiveProgress(
        stage=stage,
        behind=behind,
        runs_done=sum(len(times) for times in took.values()),
        runs_planned=sum(_at_least(planned, took, current).values()),
        pairs_done=pairs_done,
        pairs_planned=max(preset.pairs, pairs_done + (current is not None and current.role == "pair")),
        elapsed_s=(now - began).total_seconds() if began else 0.0,
        remaining_s=max(0.0, remaining_s),
        current=current,
    )


def _at_least(planned: dict[str, int], took: dict[str, list[float]], current: CurrentRun | None) -> dict[str, int]:
    """The plan, stretched to what has begun, in whole pairs.

    A rigorous comparison may go beyond its minimum; a proof may need another seed, or a look at another precision or at the layers.
    """

    def begun(role: str) -> int:
        count = len(took[role]) + (current is not None and current.role == role)
        return count + count % 2

    return {role: max(planned.get(role, 0), begun(role)) for role in ROLES}


def _run_s(role: str, took: dict[str, list[float]], preset: Preset) -> float:
    known = took[role] or (took["noise"] if role == "pair" else [])
    return median(known) if known else nominal_run_s(role, preset)


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


def live_steps(blocks: pl.DataFrame, marks: int = LIVE_MARKS) -> pl.DataFrame:
    """Blocks of one run as at most `marks` rows: `step`, `step_ms` (mean of neighbours) and `loss` (the last of them).

    `blocks` has the columns of `core.bench.collect.STEPS_SCHEMA`. The first step, which traces and compiles, is left out: it
    would be the only thing to see.
    """
    later = blocks.filter(pl.col("phase") != "first_step")
    width = -(-len(later) // marks) or 1
    return (
        later.with_row_index("row")
        .group_by(pl.col("row") // width, maintain_order=True)
        .agg(
            pl.col("step").last(),
            (pl.col("wall_ns").sum() / pl.col("steps").sum() / 1e6).alias("step_ms"),
            pl.col("loss").last(),
        )
        .drop("row")
    )


def pair_ratios(events: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Pairs measured so far: `pair` (from 1), `order`, `ratio` (time of B over time of A)."""
    rows = [(event["index"] + 1, event["order"], event["ratio"]) for event in events if event["event"] == "pair"]
    return pl.DataFrame(rows, schema={"pair": pl.Int64, "order": pl.String, "ratio": pl.Float64}, orient="row")


def load_rows(samples: Sequence[Mapping[str, Any]], last_s: float = 60.0) -> pl.DataFrame:
    """The last samples of the machine: `ago_s` (0 is the newest, older ones negative) and cores by `who`."""
    if not samples:
        return pl.DataFrame(schema={"ago_s": pl.Float64, "who": pl.String, "cores": pl.Float64})
    newest = samples[-1]["time_s"]
    rows = [
        (sample["time_s"] - newest, who, float(sample[name]))
        for sample in samples
        if newest - sample["time_s"] <= last_s
        for who, name in LOAD_COLUMNS.items()
    ]
    return pl.DataFrame(rows, schema={"ago_s": pl.Float64, "who": pl.String, "cores": pl.Float64}, orient="row")


#: Who uses the processor, in the words of the pages, and the field of a sample that tells.
LOAD_COLUMNS = {"this run": "own_cores", "other processes": "other_cores", "taken by the hypervisor": "steal_cores"}
