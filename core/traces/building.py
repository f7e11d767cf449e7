"""From a reader's raw columns to the frame: what is worked out the same way for every profiler's recording.

Readers hand over whole columns: numbers as int64 with `NO_INDEX` for null, names as codes into a table of distinct values.
Nothing here loops over events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.traces import nesting, opclass
from core.traces.nesting import Integers
from core.traces.schema import EVENT_SCHEMA, HOST, KINDS, MEMORY_SCHEMA, OP_CLASSES, PHASES, Step

#: In an array of indices, codes or numbers that are never negative: none.
NO_INDEX = -1
#: Up to this value numbers are told apart by a flag each, beyond by sorting.
_MOST_FLAGS = 2**26
Mask = NDArray[np.bool_]
Codes = NDArray[np.integer[Any]]

KIND = {name: code for code, name in enumerate(KINDS)}
PHASE = {name: code for code, name in enumerate(PHASES)}
CLASS = {name: code for code, name in enumerate(OP_CLASSES)}
DEVICE_WORK = ("kernel", "memcpy", "memset", "communication")
_CLASSIFIED = ("operator", *DEVICE_WORK)


@dataclass(frozen=True)
class Coded:
    """A column of names: `table[codes[i]]` is the value of row i; a negative code is null."""

    codes: Codes
    table: Sequence[str]

    def __getitem__(self, rows: Any) -> Coded:
        return Coded(self.codes[rows], self.table)

    def __len__(self) -> int:
        return len(self.codes)

    def where(self, test: Callable[[str], Any]) -> Mask:
        """Rows whose value passes a test that is asked once per distinct value; null passes none."""
        passed = np.fromiter((bool(test(value)) for value in self.table), np.bool_, len(self.table))
        return np.where(self.codes >= 0, np.append(passed, False)[self.codes], False)

    def series(self, name: str, dtype: Any) -> pl.Series:
        """The column in polars."""
        table = pl.Series(name, list(self.table), dtype=pl.String).cast(dtype)
        return table.gather(pl.Series(self.codes).set(pl.Series(self.codes < 0), None).cast(pl.UInt32))


class Table(dict[Any, int]):
    """Distinct values in the order of their first appearance, each with its code: `table[value]` adds what is new."""

    def __missing__(self, value: Any) -> int:
        code = self[value] = len(self)
        return code


def coded(values: Sequence[str | None]) -> Coded:
    """A column of names from a list of them."""
    table = Table()
    codes = np.fromiter((NO_INDEX if value is None else table[value] for value in values), np.int64, len(values))
    return Coded(codes, list(table))


def distinct(numbers: Integers) -> list[int]:
    """The different values of numbers that are never negative."""
    if not len(numbers):
        return []
    top = int(numbers.max())
    if top > _MOST_FLAGS:
        found: list[int] = np.unique(numbers).tolist()
        return found
    seen = np.zeros(top + 1, np.bool_)
    seen[numbers] = True
    return np.flatnonzero(seen).tolist()


def mapped(numbers: Integers, function: Callable[[int], int]) -> Integers:
    """A function of each number, none of them negative; asked once per different value."""
    values = distinct(numbers)
    if values and values[-1] > _MOST_FLAGS:
        results = np.fromiter(map(function, values), np.int64, len(values))
        return results[np.searchsorted(values, numbers)]
    table = np.zeros(values[-1] + 1 if values else 0, np.int64)
    table[values] = [function(value) for value in values]
    return table[numbers]


def is_kind(kind: Codes, *names: str) -> Mask:
    """Rows of any of these kinds."""
    return np.isin(kind, [KIND[name] for name in names])


def order(device: Coded, lane: Coded, start_ns: Integers, end_ns: Integers) -> tuple[Integers, Integers]:
    """Order of the frame's rows, and in that order one number per lane (of all devices)."""
    width = len(lane.table)
    pairs = device.codes.astype(np.int64) * width + lane.codes
    names = {pair: (device.table[pair // width], lane.table[pair % width]) for pair in distinct(pairs)}
    rank = {pair: place for place, pair in enumerate(sorted(names, key=names.__getitem__))}
    lane_code = mapped(pairs, rank.__getitem__)
    rows = nesting.sort_order(lane_code, start_ns, end_ns)
    return rows, lane_code[rows]


def steps_of(numbers: Integers, start_ns: Integers, end_ns: Integers, lanes: Sequence[str]) -> tuple[Step, ...]:
    """Windows of the marked steps in order of time; the lane that marked most of them counts. A window inside the last one is left
    out; where it reaches beyond, as rounded times make it, the last one ends where it begins.
    """
    if not len(numbers):
        return ()
    counts = Counter(lanes)
    main = max(counts, key=lambda lane: (counts[lane], lane))
    marks = [
        (int(start), int(end), int(number))
        for number, start, end, lane in zip(numbers, start_ns, end_ns, lanes, strict=True)
        if lane == main
    ]
    steps: list[Step] = []
    for start, end, number in sorted(marks, key=lambda mark: (mark[0], -mark[1])):
        if not steps or end > steps[-1].end_ns:
            if steps and start < steps[-1].end_ns:
                steps[-1] = replace(steps[-1], end_ns=start)
            steps.append(Step(number=number, start_ns=start, end_ns=end, lane=main))
    return tuple(steps)


def step_index(steps: Sequence[Step], moments_ns: Integers) -> Integers:
    """Index of the step whose window [start, end) holds each moment; -1 outside of all."""
    if not steps:
        return np.full(len(moments_ns), NO_INDEX, np.int64)
    starts = np.array([step.start_ns for step in steps], np.int64)
    ends = np.array([step.end_ns for step in steps], np.int64)
    place = np.searchsorted(starts, moments_ns, side="right") - 1
    inside = (place >= 0) & (moments_ns < ends[np.maximum(place, 0)])
    return np.where(inside, place, NO_INDEX)


def step_numbers(steps: Sequence[Step], moments_ns: Integers) -> pl.Series:
    """The number of the step that holds each moment, null outside of all."""
    numbers = np.array([*(step.number for step in steps), 0], np.int64)
    index = step_index(steps, moments_ns)
    return nullable("step", numbers[index], pl.Int32, index < 0)


def nullable(name: str, values: NDArray[Any], dtype: Any, null: Mask | None = None) -> pl.Series:
    """A column whose `null` rows are null; those below zero where that is not given."""
    series = pl.Series(name, values).cast(dtype, strict=False)
    empty = values < 0 if null is None else null
    return series.set(pl.Series(empty), None) if empty.any() else series


def linked(index: Integers, values: NDArray[Any], otherwise: Any) -> NDArray[Any]:
    """`values[index]`, and `otherwise` where the index is none."""
    return np.where(index >= 0, values[np.maximum(index, 0)], otherwise) if len(values) else np.full(len(index), otherwise)


def operator_self_time(is_operator: Mask, lane: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """`self_ns` of every row: operators without the operators in them, `NO_INDEX` for everything else."""
    rows = np.flatnonzero(is_operator)
    result = np.full(len(is_operator), NO_INDEX, np.int64)
    result[rows] = nesting.self_time(lane[rows], start_ns[rows], end_ns[rows])
    return result


@dataclass(kw_only=True)
class Columns:
    """Columns of the frame in its final order, before the classes are known; one that a recording has nothing for is None."""

    start_ns: Integers
    duration_ns: Integers
    name: Coded
    kind: Codes
    """Places in KINDS."""
    device: Coded
    lane: Coded
    rank: int | None = None
    self_ns: Integers | None = None
    step: pl.Series | None = None
    correlation: Integers | None = None
    operator: Integers | None = None
    launch: Integers | None = None
    layer: Coded | None = None
    phase: Codes | None = None
    """Places in PHASES."""
    scope: Coded | None = None
    input_shapes: Coded | None = None
    bytes: Integers | None = None
    flops: Integers | None = None
    blocks: Integers | None = None
    threads_per_block: Integers | None = None
    blocks_per_sm: NDArray[np.floating[Any]] | None = None
    """Not a number: null; so with the occupancy."""
    occupancy_percent: NDArray[np.floating[Any]] | None = None
    class_name: Coded | None = None
    """What to take the class from where the name does not tell, as an HLO instruction's does not."""


def frame_of(columns: Columns) -> pl.DataFrame:
    """The frame in `EVENT_SCHEMA`, classes filled in."""
    size = len(columns.start_ns)
    made: dict[str, pl.Series] = {
        "row": pl.Series("row", np.arange(size, dtype=np.uint32)),
        "rank": pl.Series("rank", [columns.rank], dtype=pl.Int32).new_from_index(0, size),
        "kind": _enum("kind", columns.kind, KINDS),
        "op_class": _enum("op_class", classes(columns), OP_CLASSES),
    }
    if columns.phase is not None:
        made["phase"] = _enum("phase", columns.phase, PHASES)
    for name, dtype in EVENT_SCHEMA.items():
        if name in made:
            continue
        values = getattr(columns, name)
        if values is None:
            made[name] = pl.Series(name, [None], dtype=dtype).new_from_index(0, size)
        elif isinstance(values, Coded):
            made[name] = values.series(name, dtype)
        elif isinstance(values, pl.Series):
            made[name] = values
        elif values.dtype.kind == "f":
            made[name] = pl.Series(name, values, dtype=dtype).fill_nan(None)
        else:
            made[name] = nullable(
                name, values, dtype, None if name not in ("start_ns", "duration_ns") else np.zeros(size, np.bool_)
            )
    return pl.DataFrame([made[name] for name in EVENT_SCHEMA.names()], schema_overrides=dict(EVENT_SCHEMA))


def _enum(name: str, codes: Codes, values: Sequence[str]) -> pl.Series:
    return Coded(codes, values).series(name, pl.Enum(values))


def classes(columns: Columns) -> Codes:
    """Op class of every row as a place in OP_CLASSES; `NO_INDEX` for what has none."""
    of_name = _known(columns.name.table)[columns.name.codes]
    if columns.class_name is not None:
        # An opcode such as `custom-call` says less than the name of the kernel behind it.
        own = np.append(_known(columns.class_name.table), CLASS["other"])[columns.class_name.codes]
        of_name = np.where(own != CLASS["other"], own, of_name)
    phase = columns.phase if columns.phase is not None else np.full(len(of_name), PHASE["other"])
    operator = columns.operator if columns.operator is not None else np.full(len(of_name), NO_INDEX, np.int64)

    found = np.where(is_kind(columns.kind, *_CLASSIFIED), of_name, NO_INDEX)
    found = np.where(columns.kind == KIND["operator"], _IN_PHASE[of_name, phase], found)
    of_operator = _IN_PHASE[linked(operator, of_name, CLASS["other"]), phase]
    found = np.where((columns.kind == KIND["kernel"]) & (operator >= 0), _REFINED[of_operator, of_name], found)
    for name in ("memset", "communication"):
        found = np.where(columns.kind == KIND[name], CLASS[name], found)
    return found


def _known(names: Sequence[str]) -> Codes:
    return np.array([*(CLASS[opclass.op_class(name)] for name in names)], np.int64)


#: The rules of `core.traces.opclass` for two classes, or a class and a phase, as tables.
_IN_PHASE = np.array([[CLASS[opclass.in_phase(found, phase)] for phase in PHASES] for found in OP_CLASSES])
_REFINED = np.array([[CLASS[opclass.refined_by_kernel(operator, kernel)] for kernel in OP_CLASSES] for operator in OP_CLASSES])


@dataclass(kw_only=True)
class MemoryColumns:
    """Columns of the memory frame in any order; -1 is null in every column but `time_ns` and `delta_bytes`."""

    time_ns: Integers
    device: Coded
    address: NDArray[Any]
    """uint64; 0 is null."""
    delta_bytes: Integers
    allocated_bytes: Integers
    reserved_bytes: Integers
    operator: Integers


def memory_frame_of(memory: MemoryColumns, events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """The frame in `MEMORY_SCHEMA`: by device and time; layer and phase are those of the operator."""
    frame = pl.DataFrame(
        {
            "time_ns": memory.time_ns,
            "device": memory.device.series("device", pl.Categorical),
            "address": nullable("address", memory.address, pl.UInt64, memory.address == 0),
            "delta_bytes": memory.delta_bytes,
            "allocated_bytes": nullable("allocated_bytes", memory.allocated_bytes, pl.Int64),
            "reserved_bytes": nullable("reserved_bytes", memory.reserved_bytes, pl.Int64),
            "operator": nullable("operator", memory.operator, pl.UInt32),
            "step": step_numbers(steps, memory.time_ns),
        }
    )
    chosen = events.select("layer", "phase")[pl.Series(np.maximum(memory.operator, 0))] if len(events) else None
    none = pl.Series(memory.operator < 0)
    frame = frame.with_columns(
        *(
            (chosen[name].set(none, None) if chosen is not None else pl.Series(name, [None] * len(frame)))
            .cast(MEMORY_SCHEMA[name])
            .alias(name)
            for name in ("layer", "phase")
        )
    )
    return frame.select(MEMORY_SCHEMA.names()).sort(pl.col("device").cast(pl.String), "time_ns", maintain_order=True)


def no_memory() -> pl.DataFrame:
    """The memory frame of a recording without allocations."""
    return pl.DataFrame(schema=MEMORY_SCHEMA)


def is_host(device: Coded) -> Mask:
    return device.where(lambda label: label == HOST)
