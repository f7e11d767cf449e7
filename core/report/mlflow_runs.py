"""A comparison as MLflow sees one: a parent run with what was asked and found, and a child for each run; plain values, no MLflow.

MLflow's words: a *param* is a text that was given, a *tag* a text that came out, a *metric* a number with a step and a time. Names
of metrics are those of `core.model` with their units, in dots where they belong to something: `a.step_ms`, `parity.forward.error`.
Names and texts keep to the limits of older servers too, so that none is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec
import polars as pl

from core.analysis.comparison import command
from core.analysis.load import run_spans, seconds_since_1970
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.run import RunResult

#: Tags by which entries are found again: of which comparison, `comparison` or `run`, and how far it was logged.
ID_TAG, KIND_TAG, LOGGED_TAG = "showdown.comparison", "showdown.kind", "showdown.logged"
#: Characters that any server takes; today's take 6,000 of a param and 8,000 of a tag.
NAME_LENGTH, PARAM_LENGTH, TAG_LENGTH = 250, 500, 5000

_STATUS = {"finished": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
#: Numbers that only tell which run it is.
_IDENTITY = ("schema", "index", "pair", "seed")
#: Of a run's spec, what only its machine could use.
_PLACES = ("schema", "inputs", "folder")
#: Series of a run's blocks by column of `steps.parquet`, each divided by the block's steps.
_PER_STEP_MS = {"wall_ns": "step_ms", "cpu_ns": "cpu_step_ms", "input_ns": "input_ms"}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One value of a metric."""

    name: str
    value: float
    time_ms: int
    """Milliseconds since 1970."""
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run in MLflow."""

    name: str
    start_ms: int
    """Milliseconds since 1970."""
    end_ms: int
    status: str
    """`FINISHED`, `FAILED` or `KILLED`."""
    params: dict[str, str]
    tags: dict[str, str]
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Entries:
    """A comparison's own entry, and one for each of its runs in the order in which they ran."""

    parent: Entry
    children: tuple[Entry, ...]


def entries(
    spec: ComparisonSpec,
    result: ComparisonResult,
    *,
    events: Sequence[Mapping[str, Any]],
    blocks: pl.DataFrame,
    run_specs: Mapping[int, Mapping[str, Any]],
    version: str,
) -> Entries:
    """Everything that is logged of a comparison.

    `events` are the referee's, which say when what happened; `blocks` those of all runs, as `core.report.files.blocks`; `run_specs`
    the spec of each run by its index, as far as they are there; `version` is this program's.
    """
    start_ms, end_ms = _span_ms(spec, result, events)
    spans = {row["run"]: (_ms(row["begin_s"]), _ms(row["end_s"])) for row in run_spans(events, 0.0).iter_rows(named=True)}
    of_run = {key[0]: part for key, part in blocks.partition_by("run", as_dict=True).items()}
    children = []
    for run in result.runs:
        span_ms = spans.get(run.index, (start_ms, start_ms + _ms(run.wall_s or 0.0)))
        children.append(_child(spec, run, span_ms, of_run.get(run.index), run_specs.get(run.index) or _asked(spec, run)))
    parent = Entry(
        name=f"{spec.workload_name}: {spec.a.label} / {spec.b.label}", start_ms=start_ms, end_ms=end_ms,
        status=_STATUS[result.state], params=as_texts(msgspec.to_builtins(spec), PARAM_LENGTH), tags=_tags(spec, result, version),
        points=tuple(_points(result, end_ms)),
    )  # fmt: skip
    return Entries(parent=parent, children=tuple(children))


def _child(
    spec: ComparisonSpec, run: RunResult, span_ms: tuple[int, int], blocks: pl.DataFrame | None, asked: Mapping[str, Any]
) -> Entry:
    start_ms, end_ms = span_ms
    return Entry(
        name=f"{run.index:02d} {run.role} {run.side.upper()}: {spec.variant(run.side).label}", start_ms=start_ms, end_ms=end_ms,
        status="FINISHED" if run.ok else "FAILED", params=as_texts(asked, PARAM_LENGTH, leave_out=_PLACES),
        tags=_run_tags(spec, run), points=tuple(_run_points(run, blocks, start_ms, end_ms)),
    )  # fmt: skip


def as_texts(value: Mapping[str, Any], length: int, *, leave_out: Sequence[str] = ()) -> dict[str, str]:
    """Nested values as texts of at most `length` characters by their names with dots between; what is None or empty is left out."""
    flat = _flat({name: one for name, one in value.items() if name not in leave_out}, "")
    return {_name(name): shortened(text, length) for name, text in flat if text}


def shortened(text: str, length: int) -> str:
    """At most so many characters, the last one an ellipsis where it was longer."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _name(text: str) -> str:
    """As MLflow takes it on every system."""
    return _NOT_IN_NAMES.sub("_", text)[:NAME_LENGTH]


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        yield from _flat(dict(enumerate(value)), name)
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield name, str(value).lower()
    elif value is not None:
        yield name, str(value)


def _span_ms(spec: ComparisonSpec, result: ComparisonResult, events: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """From when it no longer waited to its end; where the events do not say, from when it was asked for and as long as it took."""
    moments = {event["state"]: _ms(seconds_since_1970(event["time"])) for event in events if event["event"] == "state"}
    start_ms = moments.get("running", _ms(seconds_since_1970(spec.created)))
    return start_ms, max(start_ms, moments.get(result.state, start_ms + _ms(result.duration_s or 0.0)))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _tags(spec: ComparisonSpec, result: ComparisonResult, version: str) -> dict[str, str]:
    """What came out in words, and what it came out on."""
    said = {
        ID_TAG: result.id, KIND_TAG: "comparison", "program_version": version, "state": result.state, "verdict": result.verdict,
        "sentence": result.sentence, "faster_side": result.faster_side, "identical": result.identical,
        "reasons": " ".join(result.reasons), "error": result.error.message if result.error else None, "command": command(spec),
        "parity": {stage.stage: "passed" if stage.passed else "failed" for stage in result.parity},
    }  # fmt: skip
    return as_texts({**result.environment, **said}, TAG_LENGTH)


def _run_tags(spec: ComparisonSpec, run: RunResult) -> dict[str, str]:
    said = {
        ID_TAG: spec.id, KIND_TAG: "run", "role": run.role, "side": run.side, "ok": run.ok, "settled": run.settled,
        "peak_memory_kind": run.peak_memory_kind, "error": msgspec.to_builtins(run.error),
        "gpu_throttle_reasons": run.load.gpu_throttle_reasons if run.load else None,
    }  # fmt: skip
    return as_texts(said, TAG_LENGTH)


def _asked(spec: ComparisonSpec, run: RunResult) -> dict[str, Any]:
    """What is known of a run's spec without its file."""
    return {
        "index": run.index, "role": run.role, "side": run.side, "pair": run.pair, "seed": run.seed, "workload": spec.workload,
        "task": spec.task, "variant": msgspec.to_builtins(spec.variant(run.side)),
    }  # fmt: skip


def _points(result: ComparisonResult, time_ms: int) -> Iterator[Point]:
    """The comparison's numbers; ratios of the pairs as series, whose step is the pair's number from 1."""
    alone = _numbers(result)
    for name, interval in (("interval_95", result.interval_95), ("interval_90", result.interval_90)):
        alone |= _ends(name, interval)
    for side, summary in result.sides.items():
        alone |= _numbers(summary, f"{side}.")
    if result.accuracy is not None:
        alone |= _numbers(result.accuracy, "accuracy.") | _ends("accuracy.interval_90", result.accuracy.interval_90)
    for stage in result.parity:
        alone |= _numbers(stage, f"parity.{stage.stage}.")
    for name, value in alone.items():
        yield Point(name=_name(name), value=value, time_ms=time_ms)
    for pair in result.pairs:
        for name, ratio in (("pair.ratio", pair.ratio), ("pair.cpu_ratio", pair.cpu_ratio)):
            if ratio is not None:
                yield Point(name=name, value=ratio, time_ms=time_ms, step=pair.index + 1)
    for number, ratio in enumerate(result.noise_ratios, start=1):
        yield Point(name="noise.ratio", value=ratio, time_ms=time_ms, step=number)


def _run_points(run: RunResult, blocks: pl.DataFrame | None, start_ms: int, end_ms: int) -> Iterator[Point]:
    """A run's numbers; as series, whose step is a training step, its evaluations and its blocks."""
    alone = _numbers(run)
    for phase in run.phases:  # a profiled run has a phase twice
        for name, seconds in (("wall_s", phase.wall_s), ("cpu_s", phase.cpu_s)):
            key = f"phase.{phase.name}.{name}"
            alone[key] = alone.get(key, 0.0) + seconds
    if run.load is not None:
        alone |= _numbers(run.load, "load.")
    if run.evaluations:
        alone.pop("test_accuracy", None)  # it is the last of the series
    for name, value in alone.items():
        yield Point(name=_name(name), value=value, time_ms=end_ms)
    for one in run.evaluations:
        for name, value in (("test_accuracy", one.accuracy), ("test_loss", one.loss)):
            yield Point(name=name, value=value, time_ms=start_ms + _ms(one.since_start_s), step=one.step)
    if blocks is not None:
        yield from _block_points(blocks, start_ms)


def _block_points(blocks: pl.DataFrame, start_ms: int) -> Iterator[Point]:
    """Times per step by phase, without shortened blocks at the end of an epoch, as the pages show them; the loss of every block."""
    whole = blocks.filter(pl.col("steps") == pl.col("steps").max().over("phase"))
    for column, name in _PER_STEP_MS.items():
        per_step = whole.select("phase", "step", "since_start_s", pl.col(column) / pl.col("steps") / 1e6).drop_nulls()
        for phase, step, seconds, value in per_step.iter_rows():
            yield Point(name=_name(f"{phase}.{name}"), value=value, time_ms=start_ms + _ms(seconds), step=step)
    for step, seconds, loss in blocks.select("step", "since_start_s", "loss").drop_nulls().iter_rows():
        yield Point(name="loss", value=loss, time_ms=start_ms + _ms(seconds), step=step)


def _numbers(value: Any, prefix: str = "") -> dict[str, float]:
    """The numbers among a dataclass's own fields; truth values are none."""
    found = ((field.name, getattr(value, field.name)) for field in fields(value) if field.name not in _IDENTITY)
    return {f"{prefix}{name}": float(one) for name, one in found if isinstance(one, int | float) and not isinstance(one, bool)}


def _ends(name: str, interval: tuple[float, float] | None) -> dict[str, float]:
    return {} if interval is None else {f"{name}.low": interval[0], f"{name}.high": interval[1]}
