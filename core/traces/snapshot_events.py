"""What a memory snapshot says of the time before it: the trace of each device, and the spans that the program marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.traces.building import nullable
from core.traces.nesting import Integers
from core.traces.snapshot_entries import (
    MAX_ADDRESS,
    MAX_BLOCK_BYTES,
    MAX_DEVICES,
    MAX_NUMBER,
    Entries,
    device_label,
    is_whole,
    whole,
)
from core.traces.snapshot_schema import ACTIONS, ANNOTATION_SCHEMA, SNAPSHOT_EVENT_SCHEMA

_ACTIONS = frozenset(ACTIONS)
#: Actions on a block or a segment; without an address and a size they say nothing.
_ON_MEMORY = frozenset(ACTIONS[:7])
#: In µs; more than a hundred years after 1970.
_MAX_TIME_US = 1 << 52
_MAX_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The traces of all devices."""

    events: pl.DataFrame
    """In `SNAPSHOT_EVENT_SCHEMA`."""
    events_found: int
    origin_us: int
    """Microseconds since 1970 at `time_ns` 0; 0 where no event has a time."""
    notes: tuple[str, ...]


def read_events(traces: Any, read: Entries) -> Recording:
    """The traces, a list per device in order of their numbers."""
    notes = []
    if not isinstance(traces, list):
        notes.append("The traces of the devices are no list and were left out.")
        traces = []
    if len(traces) > MAX_DEVICES:
        notes.append(f"The traces of the devices beyond the {MAX_DEVICES}th were left out.")
    found = [(device_label(number), trace) for number, trace in enumerate(traces[:MAX_DEVICES]) if trace != []]
    parts = [(device, *_device_events(trace, read)) for device, trace in found]
    origin_us = min((int(times_us[0]) for _, _, times_us in parts if times_us is not None), default=0)
    frames = [pl.DataFrame(schema=SNAPSHOT_EVENT_SCHEMA)]
    for device, frame, times_us in parts:
        if times_us is not None:
            after_origin_ns = (times_us - origin_us) * 1000
        else:
            after_origin_ns = np.arange(len(frame), dtype=np.int64) * 1000
            notes.append(f"The events of {device} have no times; they stand 1 µs apart, in their order.")
        times = pl.Series("time_ns", _apart(after_origin_ns), dtype=pl.Int64)
        placed = frame.with_columns(times, pl.lit(device, pl.Categorical).alias("device"))
        frames.append(placed.select(SNAPSHOT_EVENT_SCHEMA.names()))
    return Recording(
        events=pl.concat(frames),
        events_found=sum(len(trace) if isinstance(trace, list) else 1 for _, trace in found),
        origin_us=origin_us,
        notes=tuple(notes),
    )


def _device_events(trace: Any, read: Entries) -> tuple[pl.DataFrame, Integers | None]:
    """A device's events without time and device, and their times in µs; None where there are none."""
    entries = read.dictionaries(trace, "event", read.events_skipped)
    action = [name if type(name) is str and name in _ACTIONS else None for name in (entry.get("action") for entry in entries)]
    address, size = whole(entries, "addr", MAX_ADDRESS), whole(entries, "size", MAX_NUMBER)
    time_us = whole(entries, "time_us", _MAX_TIME_US)
    timed = any(time is not None for time in time_us)
    reasons = [
        "an event whose action is not known" if name is None
        else "an event without a time" if timed and time is None
        else "an event without address and size" if name in _ON_MEMORY and (place is None or length is None)
        else "an event larger than any device" if name in _ON_MEMORY and length > MAX_BLOCK_BYTES
        else None
        for name, place, length, time in zip(action, address, size, time_us, strict=True)
    ]  # fmt: skip
    read.events_skipped.update(reason for reason in reasons if reason is not None)
    columns = {
        "action": action,
        "address": address,
        "size_bytes": size,
        "stream": whole(entries, "stream", MAX_NUMBER),
        "device_free_bytes": whole(entries, "device_free", MAX_NUMBER),
        "time_us": time_us,
    }
    schema = {"time_us": pl.Int64(), **SNAPSHOT_EVENT_SCHEMA}
    frame = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    stacks = nullable("stack", read.stacks.numbers([entry.get("frames") for entry in entries]), pl.UInt32)
    kept = frame.with_columns(stacks).filter(pl.Series([reason is None for reason in reasons], dtype=pl.Boolean))
    return kept.drop("time_us"), kept["time_us"].to_numpy() if timed and len(kept) else None


def _apart(times_ns: Integers) -> Integers:
    """Times in the order of the recording, each at least 1 ns after the one before."""
    place = np.arange(len(times_ns), dtype=np.int64)
    return np.maximum.accumulate(times_ns - place) + place


def read_annotations(found: Any, origin_us: int, read: Entries) -> pl.DataFrame:
    """Spans in `ANNOTATION_SCHEMA`: a mark of an end closes the last open start of its name on its device."""
    open_spans: dict[tuple[int, str], list[int]] = {}
    rows: list[list[Any]] = []
    for mark in read.dictionaries(found, "annotation", read.parts_skipped):
        stage, name, device, time_us = (mark.get(key) for key in ("stage", "name", "device", "time_us"))
        known = stage in ("START", "END") and type(name) is str
        if not known or not is_whole(device, MAX_DEVICES - 1) or not is_whole(time_us, _MAX_TIME_US):
            read.parts_skipped["an annotation without stage, name, device and time"] += 1
            continue
        name, time_ns = str(name)[:_MAX_CHARACTERS], (time_us - origin_us) * 1000
        begun = open_spans.setdefault((device, name), [])
        if stage == "START":
            begun.append(len(rows))
            rows.append([device_label(device), name, time_ns, None])
        elif begun:
            rows[begun.pop()][3] = time_ns
        else:
            rows.append([device_label(device), name, None, time_ns])
    return pl.DataFrame(rows, schema=ANNOTATION_SCHEMA, orient="row")
