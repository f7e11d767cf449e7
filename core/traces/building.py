"""From a reader's raw columns to the frame: what is worked out the same way for every profiler's recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.traces import nesting, opclass
from core.traces.nesting import Integers
from core.traces.schema import EVENT_SCHEMA, HOST, Step

#: In an array of indices: none.
NO_INDEX = -1


def order(device: Sequence[str], lane: Sequence[str], start_ns: Integers, end_ns: Integers) -> tuple[Integers, Integers]:
    """Order of the frame's rows, and in that order one number per lane (of all devices)."""
    keys = pl.DataFrame({"device": device, "lane": lane}, schema={"device": pl.String, "lane": pl.String})
    lane_code = keys.select(pl.struct("device", "lane").rank("dense")).to_series().to_numpy().astype(np.int64)
    rows = nesting.sort_order(lane_code, start_ns, end_ns)
    return rows, lane_code[rows]


def steps_of(numbers: Integers, start_ns: Integers, end_ns: Integers, lanes: Sequence[str]) -> tuple[Step, ...]:
    """Windows of the marked steps in order of time; the lane that marked most of them counts, and a window inside the last one
    is left out.
    """
    if not len(numbers):
        return ()
    main = max(set(lanes), key=lambda lane: (list(lanes).count(lane), lane))
    marks = sorted(
        (int(start), int(end), int(number))
        for number, start, end, lane in zip(numbers, start_ns, end_ns, lanes, strict=True)
        if lane == main
    )
    steps: list[Step] = []
    for start, end, number in marks:
        if not steps or start >= steps[-1].end_ns:
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


def operator_self_time(is_operator: NDArray[np.bool_], lane: Integers, start_ns: Integers, end_ns: Integers) -> list[int | None]:
    """`self_ns` of every row: operators without the operators in them, None for everything else."""
    rows = np.flatnonzero(is_operator)
    result: list[int | None] = [None] * len(is_operator)
    own = nesting.self_time(lane[rows], start_ns[rows], end_ns[rows])
    for row, value in zip(rows.tolist(), own.tolist(), strict=True):
        result[row] = value
    return result


@dataclass
class Columns:
    """Columns of the frame in its final order, before the classes are known; None in a list is null."""

    start_ns: Integers
    duration_ns: Integers
    self_ns: list[int | None]
    name: list[str]
    kind: list[str]
    device: list[str]
    lane: list[str]
    rank: int | None
    step: list[int | None]
    correlation: list[int | None]
    operator: list[int | None]
    layer: list[str | None]
    phase: list[str]
    scope: list[str | None]
    input_shapes: list[str | None]
    bytes: list[int | None]
    class_name: list[str | None] | None = None
    """What to take the class from where the name does not tell, as an HLO instruction's does not."""


def frame_of(columns: Columns) -> pl.DataFrame:
    """The frame in `EVENT_SCHEMA`, classes filled in."""
    size = len(columns.name)
    data = {name: values for name, values in vars(columns).items() if name not in ("class_name", "rank")}
    frame = pl.DataFrame(
        {
            "row": np.arange(size, dtype=np.uint32),
            **data,
            "rank": pl.Series([columns.rank], dtype=pl.Int32).new_from_index(0, size),
            "op_class": pl.Series(_classes(columns), dtype=EVENT_SCHEMA["op_class"]),
        },
        schema_overrides=dict(EVENT_SCHEMA),
        strict=True,
    )
    return frame.select(EVENT_SCHEMA.names())


def _classes(columns: Columns) -> list[str | None]:
    named = columns.name
    if columns.class_name is not None:
        # An opcode such as `custom-call` says less than the name of the kernel behind it.
        named = [own if own and opclass.op_class(own) != "other" else name for own, name in zip(columns.class_name, columns.name, strict=True)]
    classified = ("operator", "kernel", "memcpy", "memset", "communication")
    known = opclass.op_classes({name for name, kind in zip(named, columns.kind, strict=True) if kind in classified})
    result: list[str | None] = []
    for kind, name, phase, operator in zip(columns.kind, named, columns.phase, columns.operator, strict=True):
        if kind not in classified:
            result.append(None)
        elif kind == "operator":
            result.append(opclass.in_phase(known[name], phase))
        elif kind == "kernel" and operator is not None:
            of_operator = opclass.in_phase(known.get(named[operator], "other"), phase)
            result.append(opclass.refined_by_kernel(of_operator, known[name]))
        elif kind == "memset":
            result.append("memset")
        elif kind == "communication":
            result.append("communication")
        else:
            result.append(known[name])
    return result


def is_host(device: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter((name == HOST for name in device), np.bool_, len(device))
