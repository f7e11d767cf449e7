"""Recordings as one Chrome trace, which ui.perfetto.dev and chrome://tracing open: TensorFlow and PyTorch on one clock.

A process per recording and device, a thread per lane; slices with what we know of them, arrows from launch to kernel, steps, memory
as counters. Categories are Kineto's words, so that tools which read torch.profiler's files read an XPlane this way too. Times are
microseconds with three decimals, exact to the nanosecond; the first event is at 0, since Perfetto drops what is before.
The format: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
from isal import isal_zlib

from core.analysis.memory import memory_devices, over_time
from core.report.nested_rows import NO_ROW, nested_rows
from core.traces.building import Mask
from core.traces.nesting import Integers
from core.traces.schema import HOST, KINDS, Trace

#: Events made into text at a time: what bounds the memory.
_CHUNK = 100_000
#: A clock's origin after this (2001) counts from 1970; profilers that do not say so count from when the machine was started.
_SINCE_1970_NS = 10**18
#: Numbers of threads begin here, out of the way of those of processes: viewers show a thread of its process's number as the main one.
_FIRST_THREAD = 1001
#: Kineto's word for each kind, where it is not ours; kinds that mean another thing on a device have a second one.
_CATEGORIES = {
    "operator": "cpu_op", "memcpy": "gpu_memcpy", "memset": "gpu_memset", "communication": "user_annotation", "runtime call": "cuda_runtime",
    "synchronisation": "cuda_runtime", "annotation": "user_annotation", "input": "user_annotation", "python function": "python_function",
    "layer": "python_function",
}  # fmt: skip
_DEVICE_CATEGORIES = {
    **_CATEGORIES, "communication": "kernel", "annotation": "gpu_user_annotation", "input": "gpu_user_annotation",
    "synchronisation": "cuda_sync",
}  # fmt: skip
_NUMBER = re.compile(r"(\d{1,9})(?!\d)")
#: What zlib's `wbits` calls gzip.
_GZIP_FORMAT = 31


def chrome_trace(recordings: Sequence[tuple[str, Trace]], *, together_ns: Sequence[int] | None = None) -> bytes:
    """The whole file, gzip: for each recording what to call it, and its trace. See `pieces`."""
    packer = isal_zlib.compressobj(wbits=_GZIP_FORMAT)
    return b"".join([*(packer.compress(piece) for piece in pieces(recordings, together_ns=together_ns)), packer.flush()])


def pieces(recordings: Sequence[tuple[str, Trace]], *, together_ns: Sequence[int] | None = None) -> Iterator[bytes]:
    """The file's text (JSON, UTF-8), piece by piece.

    `together_ns` is a moment of each recording, such as the start of a step, that are put at the same time. Without it recordings
    that know the time since 1970 lie as they happened; where one does not, all begin together.
    """
    traces = [trace for _, trace in recordings]
    shifts, zero_ns = clock(traces, together_ns)
    # No displayTimeUnit: versions of Perfetto took it for the unit of the times.
    yield f'{{"baseTimeNanoseconds":{zero_ns or 0},"traceEvents":[\n'.encode()
    separator = b""
    places = _Places()
    for (label, trace), shift_ns in zip(recordings, shifts, strict=True):
        for lines in _recording(label, trace, shift_ns, places):
            if lines:
                yield separator + lines.encode()
                separator = b",\n"
    yield b"\n]}\n"


def clock(traces: Sequence[Trace], together_ns: Sequence[int] | None = None) -> tuple[list[int], int | None]:
    """What to add to each recording's times, and nanoseconds since 1970 at 0: None where that is not known of all of them."""
    first = [_first_ns(trace) for trace in traces]
    if together_ns is not None:
        common_ns = max(moment - own for moment, own in zip(together_ns, first, strict=True))
        return [common_ns - moment for moment in together_ns], None
    origins = [trace.facts.origin_ns for trace in traces]
    if origins and min(origins) > _SINCE_1970_NS:
        zero_ns = min(origin + own for origin, own in zip(origins, first, strict=True))
        return [origin - zero_ns for origin in origins], zero_ns
    return [-own for own in first], None


def _first_ns(trace: Trace) -> int:
    moments = [column.to_numpy().min() for column in (trace.events["start_ns"], trace.memory["time_ns"]) if len(column)]
    return min(map(int, (*moments, *(step.start_ns for step in trace.facts.steps))), default=0)


class _Places:
    """Hands out numbers that no other process, thread or arrow of the file has: Perfetto names threads by number alone."""

    def __init__(self) -> None:
        self.processes, self.threads, self.arrows = 1, _FIRST_THREAD, 1


@dataclass(kw_only=True)
class _Lanes:
    """Where each event goes."""

    process: Integers
    thread: Integers
    row: Integers
    on_device: Mask
    device: Integers
    """Number of the device; -1 for the host, and where its name has none. So with the stream."""
    stream: Integers
    named: list[str]
    """Metadata events with the threads' names."""


def _recording(label: str, trace: Trace, shift_ns: int, places: _Places) -> Iterator[str]:
    processes = _processes(trace, places)
    yield ",\n".join(_process_names(label, trace, processes))
    if trace.facts.steps:
        yield ",\n".join(_steps(trace, shift_ns, processes[HOST], places))
    lanes = _lanes(trace.events, processes, places)
    yield ",\n".join(lanes.named)
    yield from _slices(trace.events, shift_ns, lanes, places)
    for device in memory_devices(trace.memory):
        yield from _counters(over_time(trace.memory, device), shift_ns, processes[device])


def _processes(trace: Trace, places: _Places) -> dict[str, int]:
    """Number of the process of every device; the host's first, then in the devices' own order."""
    found = {*trace.events["device"].unique().cast(pl.String), *memory_devices(trace.memory), *([HOST] if trace.facts.steps else [])}
    labels = sorted(found, key=lambda label: (label != HOST, len(label), label))
    begin, places.processes = places.processes, places.processes + len(labels)
    return {label: begin + number for number, label in enumerate(labels)}


def _process_names(label: str, trace: Trace, processes: dict[str, int]) -> Iterator[str]:
    known = {device.label: device.name for device in trace.facts.devices}
    for device, process in processes.items():
        name = " · ".join(part for part in (label, device, known.get(device, "")) if part)
        yield _line({"ph": "M", "name": "process_name", "pid": process, "args": {"name": name}})
        yield _line({"ph": "M", "name": "process_sort_index", "pid": process, "args": {"sort_index": process}})


def _thread_names(process: int, thread: int, name: str) -> Iterator[str]:
    yield _line({"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": {"name": name}})
    yield _line({"ph": "M", "name": "thread_sort_index", "pid": process, "tid": thread, "args": {"sort_index": thread}})


def _line(event: dict[str, object]) -> str:
    return msgspec.json.encode(event).decode()


def _steps(trace: Trace, shift_ns: int, process: int, places: _Places) -> Iterator[str]:
    """The steps as slices of a thread of their own, so that every lane can be read against them."""
    thread, places.threads = places.threads, places.threads + 1
    yield from _thread_names(process, thread, "steps")
    for step in trace.facts.steps:
        start, length = _microseconds(step.start_ns + shift_ns), _microseconds(step.end_ns - step.start_ns)
        yield _line({"ph": "X", "cat": "step", "name": f"step {step.number}", "pid": process, "tid": thread, "ts": start, "dur": length})


def _microseconds(ns: int) -> msgspec.Raw:
    return msgspec.Raw(f"{ns // 1000}.{ns % 1000:03}".encode())


def _lanes(events: pl.DataFrame, processes: dict[str, int], places: _Places) -> _Lanes:
    """Rows of the frame are sorted by device and lane, so a lane is where neither changes."""
    pair = events.select("device", "lane")
    first = pair.select(pl.any_horizontal(pl.all() != pl.all().shift()).fill_null(True)).to_series().to_numpy()
    lane = np.cumsum(first) - 1
    names = pair.filter(pl.Series(first)).cast(pl.String).rows()
    start_ns = events["start_ns"].to_numpy()
    row = nested_rows(lane, start_ns, start_ns + events["duration_ns"].to_numpy())
    rows = np.zeros(len(names), np.int64)
    np.maximum.at(rows, lane, row + 1)

    threads = places.threads + np.cumsum(rows) - rows
    places.threads += int(rows.sum())
    named = [
        line
        for (device, name), thread, count in zip(names, threads.tolist(), rows.tolist(), strict=True)
        for extra in range(count)
        for line in _thread_names(processes[device], thread + extra, name if not extra else f"{name} ({extra + 1})")
    ]
    process = np.array([processes[device] for device, _ in names], np.int64)
    device, stream = (np.array([_number(pair[half]) if pair[0] != HOST else -1 for pair in names], np.int64) for half in (0, 1))
    return _Lanes(
        process=process[lane], thread=threads[lane] + np.maximum(row, 0), row=row, named=named,
        on_device=np.array([device != HOST for device, _ in names], np.bool_)[lane], device=device[lane], stream=stream[lane],
    )  # fmt: skip


def _number(name: str) -> int:
    found = _NUMBER.search(name)
    return int(found[1]) if found else -1


def _slices(events: pl.DataFrame, shift_ns: int, lanes: _Lanes, places: _Places) -> Iterator[str]:
    """A line per event; an arrow's head and tail follow the slices that they bind to."""
    texts = {name: _Texts(events[name]) for name in ("name", "layer", "phase", "op_class", "input_shapes")}
    launches = np.zeros(len(events), np.bool_)
    launches[events["launch"].drop_nulls().to_numpy()] = True
    arrow, places.arrows = places.arrows, places.arrows + len(events)
    for begin in range(0, len(events), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        chunk = events[part].with_columns(
            *(table[events[name][part]].alias(name) for name, table in texts.items()),
            texts["name"][events["name"].gather(events["operator"][part])].alias("operator"),
            *(pl.Series(name, getattr(lanes, name)[part]) for name in ("process", "thread", "device", "stream")),
            pl.Series("overlaps", lanes.row[part] == NO_ROW),
            pl.Series("launches", launches[part]),
            _category(events["kind"][part], lanes.on_device[part]),
            (pl.col("row").cast(pl.Int64) + arrow).alias("tail"),
            (pl.col("launch").cast(pl.Int64) + arrow).alias("head"),
            _us(pl.col("start_ns") + shift_ns).alias("start"),
            _us(pl.col("start_ns") + pl.col("duration_ns") + shift_ns).alias("end"),
            _us(pl.col("duration_ns")).alias("length"),
        )
        yield chunk.select(_LINE.str.join(",\n")).item()


class _Texts:
    """A column of names as JSON texts, each made once."""

    def __init__(self, column: pl.Series) -> None:
        known = column.unique().drop_nulls()
        codes = known.to_physical().to_numpy()
        texts = np.full(int(codes.max()) + 1 if len(codes) else 1, "", object)
        texts[codes] = [_json(text) for text in known.cast(pl.String)]
        self._texts = pl.Series(texts, dtype=pl.String)

    def __getitem__(self, column: pl.Series) -> pl.Series:
        return self._texts.gather(column.to_physical())


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _category(kind: pl.Series, on_device: Mask) -> pl.Series:
    words = [_json(categories.get(name, name)) for categories in (_CATEGORIES, _DEVICE_CATEGORIES) for name in KINDS]
    return pl.Series("category", words).gather(kind.to_physical().to_numpy() + on_device * len(KINDS))


def _us(ns: pl.Expr) -> pl.Expr:
    return (ns // 1000).cast(pl.String) + "." + (ns % 1000).cast(pl.String).str.zfill(3)


def _text(*parts: str | pl.Expr) -> pl.Expr:
    """Parts one after another; null where any is."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def _argument(name: str, column: str) -> pl.Expr:
    return _text(f',"{name}":', pl.col(column))


_ARGUMENTS = pl.concat_str(
    [
        _argument("operator", "operator"), _argument("layer", "layer"), _argument("phase", "phase"), _argument("op class", "op_class"),
        _argument("shapes", "input_shapes"), _argument("step", "step"), _argument("bytes", "bytes"), _argument("flops", "flops"),
        _argument("correlation", "correlation"),
        pl.when(pl.col("device") >= 0).then(_argument("device", "device")), pl.when(pl.col("stream") >= 0).then(_argument("stream", "stream")),
        _argument("blocks per SM", "blocks_per_sm"), _argument("est. achieved occupancy %", "occupancy_percent"),
    ],
    ignore_nulls=True,
).str.strip_prefix(",")  # fmt: skip
_PLACE = _text(',"pid":', pl.col("process"), ',"tid":', pl.col("thread"), ',"ts":')
_WHAT = _text(',"cat":', pl.col("category"), ',"name":', pl.col("name"), _PLACE)
_SLICE = _text('{"ph":"X"', _WHAT, pl.col("start"), ',"dur":', pl.col("length"), ',"args":{', _ARGUMENTS, "}}")
#: What no row of its lane has room for: an asynchronous pair, which viewers put where they find room.
_PAIR = _text(
    '{"ph":"b"', _WHAT, pl.col("start"), ',"id":', pl.col("tail"), ',"args":{', _ARGUMENTS, "}},\n",
    '{"ph":"e"', _WHAT, pl.col("end"), ',"id":', pl.col("tail"), "}",
)  # fmt: skip
_ARROW = _text(',"cat":"launch","name":"launch"', _PLACE, pl.col("start"), ',"id":')
_LINE = pl.concat_str(
    [
        pl.when(pl.col("overlaps")).then(_PAIR).otherwise(_SLICE),
        pl.when(pl.col("launches")).then(_text(',\n{"ph":"s"', _ARROW, pl.col("tail"), "}")),
        _text(',\n{"ph":"f","bp":"e"', _ARROW, pl.col("head"), "}"),
    ],
    ignore_nulls=True,
)


def _counters(series: pl.DataFrame, shift_ns: int, process: int) -> Iterator[str]:
    """Each total whenever it changes."""
    for name, column in (("allocated memory", "allocated_bytes"), ("reserved memory", "reserved_bytes")):
        changes = series.filter(pl.col(column).is_not_null()).filter((pl.col(column) != pl.col(column).shift()).fill_null(True))
        time = _us((pl.col("time_ns") + shift_ns).clip(0))  # what stood there before the first row may be put before everything
        line = _text(f'{{"ph":"C","name":"{name}","pid":{process},"ts":', time, ',"args":{"bytes":', pl.col(column), "}}")
        for begin in range(0, len(changes), _CHUNK):
            yield changes[begin : begin + _CHUNK].select(line.str.join(",\n")).item()
