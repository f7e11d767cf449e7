"""The planes of an XPlane file as whole columns: what was recorded when, on which thread or stream, and what was said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.traces import xplane_wire
from core.traces.building import NO_INDEX, Mask, Table
from core.traces.hlo import Modules
from core.traces.nesting import Integers
from core.traces.schema import HOST
from core.traces.xplane_lines import Batch, Lanes
from core.traces.xplane_messages import XLine, XPlane, text
from core.traces.xplane_names import OPERATIONS, Meaning, Said, meaning_of
from core.traces.xplane_stats import PlaneStats, StatColumns, distinct, distinct_rows
from core.traces.xplane_wire import Events

_LONGEST_PS = 86_400 * 10**12
_LARGEST_BYTES = 2**50
#: Far more than a profiler writes; each costs something however little it holds.
MOST_PLANES = 1024
MOST_LINES = 2**16

_DETAILS = ("kernel_details", "memcpy_details", "memset_details", "Memset_details")
_STATS = frozenset((
    "step_num", "correlation_id", "hlo_op", "hlo_module", "program_id", "tf_op", "tensor_shapes", "flops", "bytes_accessed", *_DETAILS,
    "allocator_name", "allocation_bytes", "requested_bytes", "bytes_allocated", "bytes_reserved", "addr",
))  # fmt: skip
_MEMORY = {b"MemoryAllocation": 1, b"MemoryDeallocation": -1}

#: Why an event is left out: the first that applies.
_NO_TIME, _NO_CLOCK, _BEFORE, _NEGATIVE, _TOO_LATE, _NO_NAME, _NO_SIZE = range(1, 8)
_REASONS = {
    _NO_TIME: "sum of events without times",
    _NO_CLOCK: "line without a clock",
    _BEFORE: "begins before its line",
    _NEGATIVE: "negative duration",
    _TOO_LATE: "ends more than a day after its line begins",
    _NO_NAME: "no name",
    _NO_SIZE: "memory without a size",
}


class ExcessError(ValueError):
    """More of something than is read; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is read of a recording: events and what allocators told, in the order of recording, codes with their tables."""

    events: dict[str, Integers]
    """`start_ns`, `end_ns`, `lane`, `meaning`, `correlation`."""
    steps: dict[str, Integers]
    """`row` of an event that marks a step, and the step's `number`."""
    memory: dict[str, Integers]
    """`time_ns`, `lane`, `delta_bytes`, `total_bytes`, `reserved_bytes`, `address` (the bits of a uint64), `allocator`."""
    lanes: Sequence[tuple[str, str]]
    """Device and lane."""
    meanings: Sequence[Meaning]
    texts: Sequence[str]
    """What `allocator` points into."""
    found: int
    """Events in the file, of whatever kind."""
    skipped: dict[str, int]
    """Reason -> events."""
    planes: dict[str, str]
    """Device -> the plane that it is."""
    hosts: int
    notes: tuple[str, ...]


def read_planes(planes: Sequence[bytes], *, modules: Modules, profile_start_ns: int, most_events: int) -> Recorded:
    """Read every plane of a host or a device; those of other kinds are counted.

    Picoseconds become the nanosecond that holds them, at both ends, so that nesting survives.

    Raises DecodeError or DamagedError for bytes that are none, ExcessError for more than can be read.
    """
    reader = _Reader(modules, profile_start_ns, most_events)
    for plane in planes:
        reader.add(XPlane.FromString(plane))
    return reader.recorded()


class _Columns:
    """Columns in the making, an array per batch."""

    def __init__(self, *names: str) -> None:
        self._parts: dict[str, list[Integers]] = {name: [] for name in names}

    def add(self, *columns: Integers) -> None:
        for parts, column in zip(self._parts.values(), columns, strict=True):
            parts.append(column)

    def whole(self) -> dict[str, Integers]:
        return {name: np.concatenate(parts) if parts else np.zeros(0, np.int64) for name, parts in self._parts.items()}


class _Reader:
    def __init__(self, modules: Modules, profile_start_ns: int, most_events: int) -> None:
        self._modules = modules
        self._most_events = most_events
        self._lanes = Lanes(profile_start_ns)
        self._texts = Table()
        self._meanings = Table()
        self._events = _Columns("start_ns", "end_ns", "lane", "meaning", "correlation")
        self._steps = _Columns("row", "number")
        self._memory = _Columns("time_ns", "lane", "delta_bytes", "total_bytes", "reserved_bytes", "address", "allocator")
        self._skipped: Counter[str] = Counter()
        self._found = self._rows = self._lines = 0

    def add(self, plane: Any) -> None:
        self._lines += len(plane.lines)
        if self._lines > MOST_LINES:
            raise ExcessError(f"more than {MOST_LINES:,} threads and streams")
        name = text(plane.name)
        place = self._lanes.place(name)
        if place is None:
            count = sum(len(XLine.FromString(line).events) for line in plane.lines)
            self._found += count
            if count:
                self._skipped[f"plane {name}"] += count
            return
        stats = PlaneStats(plane, _STATS, self._texts)
        for batch in self._lanes.batches(plane, place):
            self._found += len(batch.messages)
            if self._found > self._most_events:
                raise ExcessError(f"more than {self._most_events:,} events")
            self._take(plane, stats, batch, on_host=place.label == HOST)

    def _take(self, plane: Any, stats: PlaneStats, batch: Batch, *, on_host: bool) -> None:
        events = xplane_wire.decode(batch.messages)
        ids, name = distinct(events.metadata_id)
        metadata = [plane.event_metadata.get(number) for number in ids.tolist()]
        columns = StatColumns(stats, events.stats, (ids, name))
        reason = _reasons(events, batch, np.array([one is None for one in metadata], np.bool_)[name])
        start_ns = batch.base_ns + events.offset_ps // 1000
        end_ns = batch.base_ns + (events.offset_ps + np.where(reason == 0, events.duration_ps, 0)) // 1000
        sign = np.array([_MEMORY.get(one.name, 0) if on_host and one is not None else 0 for one in metadata], np.int64)[name]
        if sign.any():
            self._take_memory(columns, batch, start_ns, sign, reason)
        kept = np.flatnonzero((reason == 0) & (sign == 0))
        steps = self._take_steps(columns, kept) if on_host else np.full(len(reason), NO_INDEX, np.int64)
        correlation = columns.numbers("correlation_id")
        calls = np.where(on_host & (correlation > 0), 0, NO_INDEX)
        said = (self._names(metadata, name, batch), batch.role, steps, calls, *_said(columns, on_host))
        self._events.add(start_ns[kept], end_ns[kept], batch.lane[kept], self._meaning([column[kept] for column in said]), correlation[kept])
        self._rows += len(kept)
        self._skipped.update({_REASONS[code]: count for code, count in enumerate(np.bincount(reason).tolist()) if code and count})

    def _take_memory(self, columns: StatColumns, batch: Batch, start_ns: Integers, sign: Integers, reason: Integers) -> None:
        """Take the events of an allocator (`sign` 1 or -1), and fill in the reason of those that do not say how much."""
        size = columns.numbers("allocation_bytes")
        size = np.where(size > 0, size, columns.numbers("requested_bytes"))
        reason[(reason == 0) & (sign != 0) & ((size < 0) | (size > _LARGEST_BYTES))] = _NO_SIZE
        taken = np.flatnonzero((reason == 0) & (sign != 0))
        totals = (columns.numbers(own)[taken] for own in ("bytes_allocated", "bytes_reserved", "addr"))
        self._memory.add(start_ns[taken], batch.lane[taken], (sign * size)[taken], *totals, columns.texts("allocator_name")[taken])

    def _take_steps(self, columns: StatColumns, kept: Integers) -> Integers:
        """Take the numbers of the kept events that mark a step; 0 for every event with such a stat, else NO_INDEX."""
        owner, number = columns.with_number("step_num")
        values = np.zeros(columns.size, np.int64)
        marks = np.full(columns.size, NO_INDEX, np.int64)
        marks[owner], values[owner] = 0, number
        rows = np.flatnonzero(marks[kept] == 0)
        self._steps.add(self._rows + rows, values[kept[rows]])
        return marks

    def _names(self, metadata: Sequence[Any], name: Integers, batch: Batch) -> Integers:
        def codes(own: Callable[[Any], bytes]) -> Integers:
            return np.array([NO_INDEX if one is None else self._texts[text(own(one))] for one in metadata], np.int64)[name]

        names = codes(lambda one: one.name or one.display_name)
        operations = batch.role == OPERATIONS
        # There the name is the whole instruction.
        return np.where(operations, codes(lambda one: one.display_name or one.name), names) if operations.any() else names

    def _meaning(self, columns: Sequence[Integers]) -> Integers:
        """Place of each event's meaning, worked out once per combination of what was said."""
        rows, place = distinct_rows(columns)
        known = [self._meanings[combination] for combination in zip(*(column[rows].tolist() for column in columns), strict=True)]
        return np.array(known, np.int64)[place] if known else place

    def recorded(self) -> Recorded:
        texts = list(self._texts)
        meanings = [meaning_of(_said_of(combination, texts), self._modules) for combination in self._meanings]
        return Recorded(
            events=self._events.whole(), steps=self._steps.whole(), memory=self._memory.whole(), lanes=list(self._lanes.table),
            meanings=meanings, texts=texts, found=self._found, skipped=dict(self._skipped),
            planes=self._lanes.planes, hosts=self._lanes.hosts, notes=tuple(self._lanes.notes),
        )  # fmt: skip


def _reasons(events: Events, batch: Batch, unnamed: Mask) -> Integers:
    """Why each event is left out; 0 for one that is not."""
    late = (events.offset_ps > _LONGEST_PS) | (events.duration_ps > _LONGEST_PS - np.clip(events.offset_ps, 0, _LONGEST_PS))
    tests = (events.aggregated, batch.base_ns < 0, events.offset_ps < 0, events.duration_ps < 0, late, unnamed)
    return np.select(tests, range(1, len(tests) + 1), 0)


def _said(columns: StatColumns, on_host: bool) -> list[Integers]:
    """What tells events apart besides name, line and marks, in the order of `Said`; what is not read of a host's is null there."""
    hlo_op = columns.texts("hlo_op")
    names = [columns.texts("hlo_module"), columns.numbers("program_id")]
    shapes = columns.texts("tensor_shapes")
    none = np.full(len(hlo_op), NO_INDEX, np.int64)
    if on_host:
        # A thread's `tf_op` says for whom memory was taken, not what runs.
        return [hlo_op, *(np.where(hlo_op >= 0, column, NO_INDEX) for column in names), none, none, shapes, none, none]
    details = none
    for stat in _DETAILS:
        details = np.where(details < 0, columns.texts(stat), details)
    return [hlo_op, *names, columns.texts("tf_op"), details, shapes, columns.numbers("bytes_accessed"), columns.numbers("flops")]


def _said_of(combination: tuple[int, ...], texts: Sequence[str]) -> Said:
    name, role, step, call, hlo_op, module, program, tf_op, details, shapes, size, flops = combination

    def written(code: int) -> str | None:
        return texts[code] if code >= 0 else None

    return Said(
        name=texts[name],
        role=role,
        marks_step=step >= 0,
        calls_device=call >= 0,
        hlo_op=written(hlo_op),
        module=written(module),
        # A program's number may be a hash of 64 bits.
        program=program % 2**64 if program != NO_INDEX else None,
        tf_op=written(tf_op),
        details=written(details),
        shapes=written(shapes),
        bytes_accessed=size if size >= 0 else None,
        flops=flops if flops >= 0 else None,
    )
