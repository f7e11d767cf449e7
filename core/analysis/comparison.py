"""A comparison as tables, one for each thing that a page or a report shows; frames in long form, units in the column names."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from statistics import median
from typing import Any

import polars as pl

from core.model.comparison import PRESETS, SIDES, ComparisonResult, ComparisonSpec, Preset
from core.model.parity import STAGE_LABELS, ParityStage
from core.model.run import RunResult

#: A chart in a browser stays quick up to about 2,000 marks.
MAX_MARKS = 1500

#: The words of the pages for a worker's phases, in the order in which they happen.
PHASE_LABELS = {
    "import": "import",
    "data": "data",
    "build": "build",
    "first_step": "first step",
    "warmup": "warm-up",
    "steady": "training",
    "evaluate": "evaluation",
}
REST = "other"
"""What lies between the phases: process start and end, writing results."""


def headline(result: ComparisonResult) -> tuple[str, str]:
    """The verdict's sentence as a claim and its numbers, e.g. (`A is faster than B on this machine`, `1.32x, ...`)."""
    claim, _, numbers = result.sentence.partition(": ")
    return claim.rstrip("."), numbers[:1].upper() + numbers[1:]


def measured_runs(result: ComparisonResult) -> tuple[RunResult, ...]:
    """The runs that the verdict rests on."""
    return tuple(run for run in result.runs if run.role == "pair" and run.ok)


def middle_ratio(result: ComparisonResult) -> float:
    """The ratio that was found, or what it would be of the pairs there are, in a result that ended before: one at least."""
    return result.ratio or math.exp(median(math.log(pair.ratio) for pair in result.pairs))


def pair_ratios(result: ComparisonResult) -> pl.DataFrame:
    """`pair` (from 1), `order`, `clock` (wall or CPU), `ratio` (B over A): one row per pair and clock."""
    rows = [
        (pair.index + 1, "A first" if pair.order == "ab" else "B first", clock, ratio)
        for pair in result.pairs
        for clock, ratio in (("wall time", pair.ratio), ("CPU time", pair.cpu_ratio))
        if ratio is not None
    ]
    return pl.DataFrame(rows, schema={"pair": pl.Int64, "order": pl.String, "clock": pl.String, "ratio": pl.Float64}, orient="row")


def time_column(spec: ComparisonSpec) -> str:
    """Where a table has the times that the ratio is of: `step_ms`, `batch_ms` or `epoch_s`."""
    unit = unit_of_work(spec)
    return f"{unit}_s" if unit == "epoch" else f"{unit}_ms"


def pair_times(spec: ComparisonSpec, result: ComparisonResult) -> pl.DataFrame:
    """`pair` (from 1), `side`, and for wall and CPU time `time_column` and `cpu_` with it: the median of each run of each pair."""
    if spec.measure == "epoch":
        runs = [(run, run.epoch_ms, run.cpu_epoch_ms) for run in measured_runs(result)]
        rows = [(run, wall / 1e3, None if cpu is None else cpu / 1e3) for run, wall, cpu in runs if wall is not None]
    else:
        rows = [(run, run.step_ms, run.cpu_step_ms) for run in measured_runs(result) if run.step_ms is not None]
    column = time_column(spec)
    schema = {"pair": pl.Int64, "side": pl.String, column: pl.Float64, f"cpu_{column}": pl.Float64}
    table = [((run.pair or 0) + 1, run.side, wall, cpu) for run, wall, cpu in rows]
    return pl.DataFrame(table, schema=schema, orient="row").sort("pair", "side")


def ratio_marks(result: ComparisonResult) -> pl.DataFrame:
    """`what`, `low`, `high`: the interval, the noise floor and the threshold as stretches of the ratio B over A."""
    rows: list[tuple[str, float, float]] = []
    if result.interval_95 is not None:
        rows.append(("95 % interval", *result.interval_95))
    if result.noise_floor is not None:
        rows.append(("noise floor", 1 / (1 + result.noise_floor), 1 + result.noise_floor))
    rows.append(("your threshold", 1 / (1 + result.threshold), 1 + result.threshold))
    return pl.DataFrame(rows, schema={"what": pl.String, "low": pl.Float64, "high": pl.Float64}, orient="row")


def block_times(blocks: pl.DataFrame) -> pl.DataFrame:
    """Whole steady blocks as `run, role, side, pair` (from 1), `block` (from 1 in its run), `step`, `step_ms`, `cpu_step_ms`."""
    return (
        blocks.filter(pl.col("phase") == "steady")
        .filter(pl.col("steps") == pl.col("steps").max().over("run"))
        .select(
            "run", "role", "side", (pl.col("pair") + 1),
            (pl.int_range(pl.len()).over("run") + 1).alias("block"),
            "step",
            (pl.col("wall_ns") / pl.col("steps") / 1e6).alias("step_ms"),
            (pl.col("cpu_ns") / pl.col("steps") / 1e6).alias("cpu_step_ms"),
        )
    )  # fmt: skip


def block_boxes(times: pl.DataFrame) -> pl.DataFrame:
    """`block_times` as one row per run: `blocks` and the 5th, 25th, 50th, 75th and 95th percentile of `step_ms`."""
    quantiles = {"p05_ms": 0.05, "p25_ms": 0.25, "median_ms": 0.5, "p75_ms": 0.75, "p95_ms": 0.95}
    return (
        times.group_by("run", "role", "side", "pair")
        .agg(pl.len().alias("blocks"), *(pl.col("step_ms").quantile(q, "linear").alias(name) for name, q in quantiles.items()))
        .sort("run")
    )


def learning_curves(blocks: pl.DataFrame, marks: int = MAX_MARKS) -> pl.DataFrame:
    """`run, side, pair` (from 1), `step, seconds` (of training, without evaluation), `loss`; long runs thinned to `marks` rows in all."""
    points = blocks.filter(pl.col("loss").is_not_null()).select(
        "run", "side", (pl.col("pair") + 1), "step",
        (pl.col("train_ns") / 1e9).alias("seconds"),
        "loss",
        pl.col("step").max().over("run").alias("last"),
    )  # fmt: skip
    runs = max(1, points["run"].n_unique())
    longest = max(points.group_by("run").len()["len"], default=0)
    every = max(1, -(-longest * runs // marks))
    kept = points.filter((pl.int_range(pl.len()).over("run") % every == 0) | (pl.col("step") == pl.col("last")))
    return kept.drop("last")


def accuracies(result: ComparisonResult) -> pl.DataFrame:
    """`pair` (from 1), `side`, `step`, `seconds` (since the process began), `accuracy` (0 to 1): every evaluation."""
    rows = [
        ((run.pair or 0) + 1, run.side, evaluation.step, evaluation.since_start_s, evaluation.accuracy)
        for run in measured_runs(result)
        for evaluation in run.evaluations
    ]
    schema = {"pair": pl.Int64, "side": pl.String, "step": pl.Int64, "seconds": pl.Float64, "accuracy": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def phase_times(result: ComparisonResult) -> pl.DataFrame:
    """`side`, `phase`, `seconds`, `order`: medians over the measured runs; `other` is the rest of the process's wall time."""
    rows = []
    for side in SIDES:
        runs = [run for run in measured_runs(result) if run.side == side]
        if not runs:
            continue
        for order, (name, label) in enumerate(PHASE_LABELS.items()):
            rows.append((side, label, median(_phase_s(run, name) for run in runs), order))
        rests = [max(0.0, run.wall_s - sum(phase.wall_s for phase in run.phases)) for run in runs if run.wall_s is not None]
        rows.append((side, REST, median(rests) if rests else 0.0, len(PHASE_LABELS)))
    schema = {"side": pl.String, "phase": pl.String, "seconds": pl.Float64, "order": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("seconds") > 0)


def _phase_s(run: RunResult, name: str) -> float:
    return sum(phase.wall_s for phase in run.phases if phase.name == name)


def peak_memory(result: ComparisonResult) -> pl.DataFrame:
    """`pair` (from 1), `side`, `peak_bytes`, `kind`: the peak of each measured run."""
    rows = [
        ((run.pair or 0) + 1, run.side, run.peak_memory_bytes, run.peak_memory_kind)
        for run in measured_runs(result)
        if run.peak_memory_bytes is not None
    ]
    schema = {"pair": pl.Int64, "side": pl.String, "peak_bytes": pl.Int64, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def parity_table(stages: Sequence[ParityStage]) -> pl.DataFrame:
    """`stage`, `passed`, `error`, `allowed`, `measure`, `tensor`, `detail`, `cause`: the proof that both sides are the same model."""
    rows = [
        (STAGE_LABELS.get(stage.stage, stage.stage), stage.passed, stage.error, stage.allowed, stage.measure, stage.tensor, stage.detail,
         stage.cause)
        for stage in stages
    ]  # fmt: skip
    schema = {"stage": pl.String, "passed": pl.Boolean, "error": pl.Float64, "allowed": pl.Float64, "measure": pl.String,
              "tensor": pl.String, "detail": pl.String, "cause": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def unit_of_work(spec: ComparisonSpec) -> str:
    """What is timed, and what the ratio is of: a `step`, an `epoch` or, in inference, a `batch`."""
    return "batch" if spec.task == "inference" else spec.measure


def side_table(result: ComparisonResult, task: str = "train") -> pl.DataFrame:
    """Every figure of a side as a row: `figure`, `unit`, `a`, `b`, `ratio` (B over A); a step of inference is a batch."""
    rows = []
    for name, label, unit, scale in _FIGURES:
        label = _INFERENCE_LABELS.get(name, label) if task == "inference" else label
        values = [getattr(result.sides[side], name) if side in result.sides else None for side in SIDES]
        a, b = (None if value is None else value * scale for value in values)
        if a is not None or b is not None:
            rows.append((label, unit, a, b, b / a if a and b is not None else None))
    schema = {"figure": pl.String, "unit": pl.String, "a": pl.Float64, "b": pl.Float64, "ratio": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


_FIGURES = (
    ("epoch_ms", "epoch", "s", 1e-3),
    ("step_ms", "step", "ms", 1.0),
    ("step_p99_ms", "batch, p99", "ms", 1.0),
    ("cpu_step_ms", "CPU time per step", "ms", 1.0),
    ("input_ms", "fetching the batch, per step", "ms", 1.0),
    ("page_faults_per_step", "page faults per step", "", 1.0),
    ("samples_per_s", "throughput", "samples/s", 1.0),
    ("import_s", "import of the framework", "s", 1.0),
    ("build_s", "building the model", "s", 1.0),
    ("first_step_s", "first step", "s", 1.0),
    ("train_s", "training", "s", 1.0),
    ("wall_s", "whole process", "s", 1.0),
    ("peak_memory_bytes", "peak memory", "MiB", 1 / 2**20),
    ("energy_per_run_j", "energy of a whole run", "J", 1.0),
    ("test_accuracy", "test accuracy", "%", 100.0),
    ("final_loss", "training loss at the end", "", 1.0),
    ("profiled_step_ms", "step under the profiler", "ms", 1.0),
    ("profiled_page_faults_per_step", "page faults per step under the profiler", "", 1.0),
    ("profiler_slowdown", "slowdown by the profiler", "x", 1.0),
)
_INFERENCE_LABELS = {
    "step_ms": "batch, p50",
    "cpu_step_ms": "CPU time per batch",
    "input_ms": "fetching the batch",
    "page_faults_per_step": "page faults per batch",
    "profiled_page_faults_per_step": "page faults per batch under the profiler",
    "first_step_s": "first batch",
    "train_s": "inference",
    "profiled_step_ms": "batch under the profiler",
}


def run_table(result: ComparisonResult) -> pl.DataFrame:
    """One row per run, in the order in which they ran."""
    rows = [
        {
            "run": run.index, "role": run.role, "side": run.side.upper(), "pair": None if run.pair is None else run.pair + 1,
            "step_ms": run.step_ms, "cpu_step_ms": run.cpu_step_ms,
            "page_faults_per_step": run.page_faults_per_step, "settled": run.settled, "first_step_s": run.first_step_s,
            "wall_s": run.wall_s, "peak_memory_bytes": run.peak_memory_bytes, "test_accuracy": run.test_accuracy,
            "other_cores": run.load.other_cores if run.load else None, "steal_cores": run.load.steal_cores if run.load else None,
            "error": run.error.message if run.error else None,
        }
        for run in result.runs
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "run": pl.Int64, "role": pl.String, "side": pl.String, "pair": pl.Int64, "step_ms": pl.Float64, "cpu_step_ms": pl.Float64,
        "page_faults_per_step": pl.Float64, "settled": pl.Boolean, "first_step_s": pl.Float64, "wall_s": pl.Float64, "peak_memory_bytes": pl.Int64,
        "test_accuracy": pl.Float64, "other_cores": pl.Float64, "steal_cores": pl.Float64, "error": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def command(spec: ComparisonSpec) -> str:
    """The command that runs this comparison again, safe to paste: what a file says is quoted for a POSIX shell."""
    options: list[tuple[str, object]] = [
        ("a", spec.a.text), ("b", spec.b.text), *(("size", f"{name}={value}") for name, value in spec.sizes.items()),
        ("preset", spec.preset.name), *length_override(spec.preset).items(), ("batch-size", spec.batch_size),
        ("learning-rate", spec.learning_rate), ("seed", spec.seed), ("threshold", spec.threshold),
    ]  # fmt: skip
    if spec.task != "train":
        options.append(("task", spec.task))
    if spec.measure != "step":
        options.append(("measure", spec.measure))
    if spec.train_samples is not None:
        options.append(("train-samples", spec.train_samples))
    lines = [f"python -m core compare {shlex.quote(spec.workload)}"]
    lines += [f"--{name} {shlex.quote(str(value))}" for name, value in options]
    lines += [option for option, wanted in (("--no-require-parity", not spec.require_parity), ("--no-profile", not spec.profile)) if wanted]
    return " \\\n  ".join(lines)


def length_override(preset: Preset) -> dict[str, int]:
    """The length that was asked for instead of the preset's own, as `epochs` or `steps`; empty where it is the preset's own."""
    usual = PRESETS.get(preset.name, preset)
    lengths = {"epochs": (preset.epochs, usual.epochs), "steps": (preset.steps, usual.steps)}
    return {name: asked for name, (asked, own) in lengths.items() if asked is not None and asked != own}
