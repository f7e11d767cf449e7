"""What the values of a comparison may be that came in a bundle: pages, reports and terminals show them, and find things by them.

That a file has the fields and types of its kind is checked when it is read. Here are the words, ranges and lengths: nothing that a
stranger wrote leads to another folder, is run, ends a page, or tells a terminal what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from core.model.comparison import SIDES, ComparisonResult, ComparisonSpec
from core.model.parity import MEASURED_STAGES, STAGES, ParityStage
from core.model.run import MEASURES, ROLES, TASKS, RunResult, RunSpec
from core.model.variant import Variant
from core.workloads.registry import NAMES

#: What a workload or an interpreter of the machine that made the bundle is called: no place on this one.
OWN = "own/"
_OWN_NAME = re.compile(r"\w[\w .,+()=-]{0,99}")
#: Orders to a terminal, and signs that turn the direction of a text.
_UNSEEN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WORDS = re.compile(r"[\w ,.%()-]{0,80}")
_MOST_LETTERS = 20_000
_MOST_RUNS = 10_000
_LARGEST = 2**63
#: Of a time to another.
_RATIOS = (1e-6, 1e6)
_MOST_BLOCKS = 2_000_000
_PHASE = re.compile(r"\w{1,40}", re.ASCII)
#: `steps.parquet`, as `core.bench.collect` writes it.
STEPS = {"phase": pl.String(), **dict.fromkeys(("step", "steps", "wall_ns", "cpu_ns", "input_ns", "train_ns"), pl.Int64()),
         **dict.fromkeys(("since_start_s", "loss"), pl.Float64())}  # fmt: skip

#: What those of today hold beside.
PAGE_FAULTS = ("page_faults", pl.Int64())

@dataclass(frozen=True, kw_only=True)
class _Gpu:
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Machine:
    cpu_model: str | None = None
    os: str | None = None
    usable_cores: float | None = None
    cpu_quota_cores: float | None = None
    gpus: list[_Gpu] | None = None


@dataclass(frozen=True, kw_only=True)
class _Side:
    framework: str | None = None
    framework_version: str | None = None
    python_version: str | None = None
    packages: list[str] | None = None
    variables: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Environment:
    machine: _Machine | None = None
    a: _Side | None = None
    b: _Side | None = None


@dataclass(frozen=True, kw_only=True)
class _Layer:
    name: str
    kind: str
    shape: list[int | None]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class _Proof:
    stages: list[ParityStage] = field(default_factory=list)
    layers: dict[str, list[_Layer]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Sample:
    time_s: float
    own_cores: float | None = None
    other_cores: float | None = None
    steal_cores: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Event:
    event: str


@dataclass(frozen=True, kw_only=True)
class _State(_Event):
    time: datetime
    state: str


@dataclass(frozen=True, kw_only=True)
class _RunEvent(_Event):
    time: datetime
    index: int
    role: str
    side: str


#: Files beside spec and result by their name, and what pages look for in them.
SHAPES: dict[str, Any] = {"environment.json": _Environment, "parity.json": _Proof, "samples.jsonl": _Sample, "events.jsonl": _Event}
_EVENTS: dict[str, Any] = {"state": _State, "run_begin": _RunEvent, "run_end": _RunEvent}


def printable(value: Any) -> Any:
    """A value as JSON has it, without what no eye sees in its texts: frameworks colour what they print."""
    if isinstance(value, str):
        return _UNSEEN.sub("", value)
    if isinstance(value, dict):
        return {printable(key): printable(one) for key, one in value.items()}
    return [printable(one) for one in value] if isinstance(value, list) else value


def placeless(value: Any) -> Any:
    """A spec or a result without places of its machine: a workload and an interpreter of one's own keep their names."""
    if isinstance(value, list):
        return [placeless(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: placeless(one) for name, one in value.items()}
    if isinstance(workload := found.get("workload"), str) and workload not in NAMES:
        found["workload"] = _own(workload)
    if "execution" in found and isinstance(python := found.get("python"), str) and python:
        found["python"] = _own(python)
    return found


def _own(place: str) -> str:
    name = re.sub(r"[^\w .,+()=-]", "_", place.replace("\\", "/").rstrip("/").rpartition("/")[2])[:90]
    return f"{OWN}{name if _OWN_NAME.fullmatch(name) else f'x{name}'}"


def value_problem(value: Any) -> str:
    """Why no version of this program wrote this spec or result; empty where one may have."""
    match value:
        case ComparisonSpec():
            return _spec_problem(value)
        case ComparisonResult():
            return _result_problem(value)
        case RunSpec():
            return _first((_workload_problem(value.workload), _variant_problem(value.variant), *_run_problems([value])))
        case RunResult():
            return _first(_run_problems([value]))
    return ""


def shape_problem(name: str, value: dict[str, Any]) -> str:
    """The same of a file beside them, or of one line of it; `name` is the file's."""
    kind = SHAPES[name]
    if kind is _Event:
        kind = _EVENTS.get(str(value.get("event")), kind)
    try:
        known = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return f"describes no machine that can be read ({error})" if kind is _Environment else f"cannot be read ({error})"
    match known:
        case _Environment():
            return environment_problem(value)
        case _RunEvent():
            return _first(_run_problems([known]))
        case _Proof():
            return _gates_problem(known.stages)
    return ""


def environment_problem(environment: dict[str, Any]) -> str:
    """Of `environment.json`, or of what a result has of it."""
    try:
        known = msgspec.convert(environment, _Environment)
    except msgspec.ValidationError as error:
        return f"describes no machine that can be read ({error})"
    numbers = (one for name, one in (environment.get("machine") or {}).items() if name.endswith(("_bytes", "_mhz")))
    if not all(one is None or isinstance(one, int | float) for one in numbers):
        return "describes no machine that can be read (a size is no number)"
    packages = [one for side in (known.a, known.b) if side is not None for one in side.packages or ()]
    return "" if all("==" in one for one in packages) else "describes no machine that can be read (a package has no version)"


def text_problem(value: Any) -> str:
    """Why the texts and numbers of a value as JSON has it cannot be shown."""
    for one in _leaves(value):
        if isinstance(one, str):
            if len(one) > _MOST_LETTERS:
                return f"has a text of more than {_MOST_LETTERS:,} letters"
            if _UNSEEN.search(one):
                return "has signs in a text that nobody sees"
        elif isinstance(one, int | float) and not -_LARGEST <= one < _LARGEST:
            return "has a number that is too large"
    return ""


def table_problem(path: Path) -> str:
    """Why a file is no table of timed blocks."""
    try:
        table = pl.scan_parquet(path)
        if {name: kind for name, kind in table.collect_schema().items() if (name, kind) != PAGE_FAULTS} != STEPS:
            return "is no table of timed blocks"
        if (rows := table.select(pl.len()).collect().item()) > _MOST_BLOCKS:
            return f"has {rows:,} timed blocks, more than any run"
        phases = table.select(pl.col("phase").unique()).collect()["phase"]
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return f"cannot be read ({str(error).partition(chr(10))[0][:200]})"
    return "" if all(isinstance(phase, str) and _PHASE.fullmatch(phase) for phase in phases) else "has a phase that no run has"


def _leaves(value: Any) -> Iterator[Any]:
    """Everything in it that holds nothing, names of fields too."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        else:
            yield one


def _first(problems: Iterable[str]) -> str:
    return next(filter(None, problems), "")


def _workload_problem(workload: str) -> str:
    if workload in NAMES or _OWN_NAME.fullmatch(workload.removeprefix(OWN)):
        return ""
    return "names a folder as its workload, and what lies in that folder here would be run"


def _variant_problem(variant: Variant) -> str:
    known = not variant.python or (variant.python.startswith(OWN) and _OWN_NAME.fullmatch(variant.python.removeprefix(OWN)))
    return "" if known else "names a program as its interpreter, which would be run here"


def _spec_problem(spec: ComparisonSpec) -> str:
    counts = (spec.batch_size, *(one for one in (spec.train_samples, spec.preset.epochs, spec.preset.steps) if one is not None))
    said = (
        (spec.task in TASKS and spec.measure in MEASURES, "has a task that there is not"),
        (_WORDS.fullmatch(spec.preset.name) is not None, "has a preset that there is not"),
        (all(count >= 1 for count in counts) and spec.threshold >= 0 and spec.learning_rate >= 0, "has a number that is too small"),
    )
    return _first((_workload_problem(spec.workload), _variant_problem(spec.a), _variant_problem(spec.b), *_untrue(said)))


def _result_problem(result: ComparisonResult) -> str:
    ratios = [result.ratio, result.cpu_ratio, *(result.interval_95 or ()), *(result.interval_90 or ()), *result.noise_ratios]
    ratios += [ratio for pair in result.pairs for ratio in (pair.ratio, pair.cpu_ratio)]
    said = (
        (all(ratio is None or _RATIOS[0] < ratio < _RATIOS[1] for ratio in ratios), "has a ratio that there cannot be"),
        (all(share is None or share >= 0 for share in (result.threshold, result.noise_floor, result.delta)), "has a number that is too small"),
        (result.faster_side in (None, *SIDES) and result.sides.keys() in (set(), {*SIDES}), "has a side that there is not"),
        (all(pair.order in ("ab", "ba") and pair.index >= 0 for pair in result.pairs), "has a pair that there cannot be"),
        (len({run.index for run in result.runs}) == len(result.runs), "has a run twice"),
    )
    variants = (_variant_problem(side.variant) for side in result.sides.values())
    whole = (_workload_problem(result.workload), _gates_problem(result.parity), environment_problem(result.environment), *_untrue(said))
    return _first((*whole, *variants, *_run_problems(result.runs)))


def _gates_problem(stages: Sequence[ParityStage]) -> str:
    names = {stage.stage for stage in stages}
    known = names <= {*STAGES, *MEASURED_STAGES} and len(names) == len(stages) and all(_WORDS.fullmatch(stage.measure) for stage in stages)
    possible = all(share is None or share >= 0 for stage in stages for share in (stage.error, stage.allowed))
    return "" if known and possible else "has a gate that there is not"


def _run_problems(runs: Sequence[RunSpec | RunResult | _RunEvent]) -> Iterator[str]:
    """Of each, its number and its side are the name of its folder."""
    for run in runs:
        times = (run.step_ms, run.cpu_step_ms, run.epoch_ms, run.cpu_epoch_ms, run.train_s, run.wall_s) if isinstance(run, RunResult) else ()
        if any(time is not None and time < 0 for time in times):
            yield "has a number that is too small"
        if run.role not in ROLES or run.side not in SIDES or not 0 <= run.index < _MOST_RUNS:
            yield "has a run that there cannot be"


def _untrue(said: Iterable[tuple[bool, str]]) -> Iterator[str]:
    return (problem for true, problem in said if not true)
