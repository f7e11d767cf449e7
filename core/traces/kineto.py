"""The reader of `torch.profiler`'s recordings: Kineto's Chrome JSON, from torch 1.8 to today."""

from __future__ import annotations

import gc
import re
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from core.traces import building, kineto_links
from core.traces.nesting import Integers
from core.traces.schema import HOST, Coverage, Device, Facts, Trace, TraceError

#: Category, lower case, of every version -> kind. A category that is not here is read too, as `other`.
_KINDS = {
    "cpu_op": "operator", "operator": "operator",
    "kernel": "kernel",
    "gpu_memcpy": "memcpy", "memcpy": "memcpy",
    "gpu_memset": "memset", "memset": "memset",
    "cuda_runtime": "runtime call", "cuda_driver": "runtime call", "runtime": "runtime call", "hip_runtime": "runtime call",
    "xpu_runtime": "runtime call", "xpu_driver": "runtime call", "privateuse1_runtime": "runtime call",
    "user_annotation": "annotation", "gpu_user_annotation": "annotation",
    "python_function": "python function",
    "cuda_sync": "synchronisation",
}  # fmt: skip
_DEVICE_CATEGORIES = {"kernel", "gpu_memcpy", "memcpy", "gpu_memset", "memset", "gpu_user_annotation", "cuda_sync"}
_ANNOTATION = re.compile(r"ProfilerStep#|Optimizer\.|enumerate\(DataLoader\)")
_LIST = re.compile(rb"\s*\[")
_STEP = re.compile(r"ProfilerStep#(\d+)$")
_COMMUNICATION = re.compile(r"nccl|rccl", re.IGNORECASE)

#: Events that are no stretch of time, by `ph`; a `[memory]` instant has its own name.
_NOT_A_STRETCH = {"M": "metadata", "s": "flow arrow", "t": "flow arrow", "f": "flow arrow", "C": "counter", "i": "instant", "I": "instant"}

#: A float64 of microseconds below this is less than half a nanosecond from the three decimals it was written with.
_EXACT_BELOW_US = 2**43


class _Args(msgspec.Struct, gc=False):
    external_id: int | str | None = msgspec.field(name="External id", default=None)
    old_external_id: int | str | None = msgspec.field(name="external id", default=None)
    correlation: int | str | None = None
    sequence: int | str | None = msgspec.field(name="Sequence number", default=None)
    forward_thread: int | str | None = msgspec.field(name="Fwd thread id", default=None)
    device: int | str | None = None
    stream: int | str | None = None
    bytes: int | float | str | None = None
    input_dims: msgspec.Raw = msgspec.field(name="Input Dims", default=msgspec.Raw(b""))
    labels: str | None = None


class _Event(msgspec.Struct, gc=False):
    ph: str = ""
    ts: int | float | None = None
    dur: int | float | None = None
    name: str = ""
    cat: str | None = None
    pid: int | str | None = None
    tid: int | str | None = None
    args: _Args | None = None


class _Times(msgspec.Struct, gc=False):
    """The same event's times alone, digit by digit."""

    ts: Decimal | None = None
    dur: Decimal | None = None


class _Gpu(msgspec.Struct):
    id: int = 0
    name: str = ""


class _Distributed(msgspec.Struct):
    rank: int | None = None
    world_size: int | None = None


class _Recording(msgspec.Struct):
    trace_events: list[_Event] | None = msgspec.field(name="traceEvents", default=None)
    base_ns: int = msgspec.field(name="baseTimeNanoseconds", default=0)
    schema: int | None = msgspec.field(name="schemaVersion", default=None)
    gpus: list[_Gpu] = msgspec.field(name="deviceProperties", default_factory=list)
    distributed: _Distributed | None = msgspec.field(name="distributedInfo", default=None)
    cuda_runtime_version: int | str | None = None
    cuda_driver_version: int | str | None = None
    hip_runtime_version: int | str | None = None
    hip_driver_version: int | str | None = None


class _ExactTimes(msgspec.Struct):
    trace_events: list[_Times] = msgspec.field(name="traceEvents", default_factory=list)


def read(data: bytes, source: str) -> Trace:
    """Read a recording from its JSON; `source` is what an error calls the file.

    Raises TraceError.
    """
    collecting = gc.isenabled()
    # Millions of objects that are all kept: looking for garbage among them costs more than making them.
    gc.disable()
    try:
        return _read(data, source)
    finally:
        if collecting:
            gc.enable()


def _decode(data: bytes, kind: Any, source: str) -> Any:
    # Chrome also allows the bare array of events.
    if _LIST.match(data):
        data = b'{"traceEvents":' + data + b"}"
    try:
        try:
            return msgspec.json.decode(data, type=kind, strict=False)
        except UnicodeDecodeError:
            # The names of kernels and files are not always UTF-8.
            return msgspec.json.decode(data.decode("utf-8", "replace").encode(), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise TraceError(f"{source} is JSON, but not a profiler's trace: {error}.") from error
    except msgspec.DecodeError as error:
        if "truncated" in str(error):
            raise TraceError(f"{source} is cut off: its JSON ends in the middle; record or copy it again.") from error
        raise TraceError(f"{source} is not valid JSON ({error}); record or copy it again.") from error


def _nanoseconds(values: list[int | float]) -> Integers:
    """Exact nanoseconds of microseconds below `_EXACT_BELOW_US`, or whole ones."""
    array = np.array(values)
    if array.dtype.kind == "i":
        return array.astype(np.int64) * 1000
    whole = np.floor(array)
    return whole.astype(np.int64) * 1000 + np.rint((array - whole) * 1000).astype(np.int64)


def _times(data: bytes, source: str, events: list[_Event], kept: list[int]) -> tuple[Integers, Integers]:
    """Start and duration of the kept events in nanoseconds."""
    starts: list[Any] = [events[index].ts for index in kept]
    durations: list[Any] = [events[index].dur for index in kept]
    if not any(isinstance(value, float) and value >= _EXACT_BELOW_US for value in starts):
        if any(isinstance(value, float) for value in starts):
            starts = [float(value) for value in starts]
        return _nanoseconds(starts), _nanoseconds(durations)
    exact = _decode(data, _ExactTimes, source).trace_events
    return tuple(
        np.array([int(value.scaleb(3).to_integral_value()) for value in values], np.int64)
        for values in ([exact[index].ts for index in kept], [exact[index].dur for index in kept])
    )  # type: ignore[return-value]


def _choose(events: list[_Event]) -> tuple[list[int], dict[str, int]]:
    """Indices of the stretches of time, and what the others are."""
    kept: list[int] = []
    skipped: dict[str, int] = {}
    for index, event in enumerate(events):
        if event.ph == "X":
            if event.ts is not None and event.dur is not None and event.dur >= 0:
                kept.append(index)
                continue
            reason = "no start or duration"
        elif event.name == "[memory]":
            reason = "memory event"
        else:
            reason = _NOT_A_STRETCH.get(event.ph, f"phase {event.ph or 'missing'}")
        skipped[reason] = skipped.get(reason, 0) + 1
    return kept, skipped


def _kind(event: _Event, category: str) -> str:
    kind = _KINDS.get(category, "other")
    name = event.name
    if kind == "operator" and _ANNOTATION.match(name):
        kind = "annotation"  # torch 1.8 had one category for both
    if kind == "annotation":
        if name.startswith("enumerate(DataLoader)"):
            return "input"
        return "communication" if name.startswith("gloo:") else "annotation"
    if kind == "kernel" and _COMMUNICATION.search(name):
        return "communication"
    if kind == "runtime call" and "Synchronize" in name:
        return "synchronisation"
    return "layer" if kind == "python function" and name.startswith("nn.Module: ") else kind


def _whole(value: int | float | str | None) -> int | None:
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def _place(event: _Event, category: str) -> tuple[str, str]:
    """Device and lane."""
    args = event.args
    if category not in _DEVICE_CATEGORIES:
        return HOST, str(event.tid)
    device = event.pid if args is None or args.device is None else args.device
    # torch 1.8 wrote "stream 7" where later versions write 7.
    stream = event.tid if args is None or args.stream is None else args.stream
    return f"gpu:{device}", str(stream) if str(stream).startswith("stream") else f"stream {stream}"


def _read(data: bytes, source: str) -> Trace:
    recording = _decode(data, _Recording, source)
    events: list[_Event] | None = recording.trace_events
    if events is None:
        raise TraceError(f"{source} is JSON, but not a profiler's trace: it has no traceEvents.")
    kept, skipped = _choose(events)
    if not kept:
        raise TraceError(f"{source} holds no event that lasts; the profiler was stopped before anything ran.")
    start, duration = _times(data, source, events, kept)
    origin = int(start.min())
    start -= origin
    chosen = [events[index] for index in kept]
    categories = [(event.cat or "").lower() for event in chosen]
    places = [_place(event, category) for event, category in zip(chosen, categories, strict=True)]
    rows, lane_code = building.order([place[0] for place in places], [place[1] for place in places], start, start + duration)
    listed = rows.tolist()
    chosen = [chosen[row] for row in listed]
    start, duration = start[rows], duration[rows]
    args = [event.args or _Args() for event in chosen]
    distributed = recording.distributed or _Distributed()
    columns = building.Columns(
        start_ns=start,
        duration_ns=duration,
        self_ns=[],
        name=[event.name for event in chosen],
        kind=[_kind(event, categories[row]) for event, row in zip(chosen, listed, strict=True)],
        device=[places[row][0] for row in listed],
        lane=[places[row][1] for row in listed],
        rank=distributed.rank,
        step=[],
        correlation=[_whole(own.correlation) for own in args],
        operator=[],
        layer=[],
        phase=[],
        scope=[None] * len(chosen),
        input_shapes=[bytes(own.input_dims).decode("utf-8", "replace") or None for own in args],
        bytes=[_whole(own.bytes) for own in args],
    )
    marks = [(index, match) for index, name in enumerate(columns.name) if columns.device[index] == HOST and (match := _STEP.match(name))]
    places_of_marks = np.array([index for index, _ in marks], np.int64)
    steps = building.steps_of(
        np.array([int(match[1]) for _, match in marks], np.int64),
        start[places_of_marks],
        (start + duration)[places_of_marks],
        [columns.lane[index] for index, _ in marks],
    )
    linked = kineto_links.fill(
        columns,
        lane_code=lane_code,
        steps=steps,
        external=[_whole(own.external_id if own.old_external_id is None else own.old_external_id) for own in args],
        sequence=[_whole(own.sequence) for own in args],
        forward_thread=[_whole(own.forward_thread) for own in args],
    )
    facts = Facts(
        source="kineto",
        framework="pytorch" if recording.schema is not None or set(categories) & set(_KINDS) else None,
        versions={name: str(value) for name in _VERSIONS if (value := getattr(recording, name)) is not None},
        devices=_devices(columns.device, recording.gpus),
        rank=distributed.rank,
        world_size=distributed.world_size,
        origin_ns=origin + recording.base_ns,
        steps=steps,
        coverage=Coverage(
            events_found=len(events),
            events_read=len(kept),
            events_skipped=skipped,
            device_events=linked.device_events,
            device_events_linked=linked.device_events_linked,
        ),
    )
    return Trace(events=building.frame_of(columns), facts=facts)


_VERSIONS = ("cuda_runtime_version", "cuda_driver_version", "hip_runtime_version", "hip_driver_version")


def _devices(labels: list[str], gpus: list[_Gpu]) -> tuple[Device, ...]:
    names = {f"gpu:{gpu.id}": gpu.name for gpu in gpus}
    return tuple(Device(label=label, name=names.get(label, "")) for label in sorted(set(labels)))
