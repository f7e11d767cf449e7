"""From Kineto's JSON to whole columns: decoded piece by piece, kept as numbers and codes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.traces import kineto_messages as messages
from core.traces.building import NO_INDEX, Table
from core.traces.kineto_messages import EMPTY, NO_ARGS, Args, Event, Scalar, Text
from core.traces.kineto_pieces import Pieces
from core.traces.kineto_values import FARTHEST_US, addresses, exact, real, volume, whole
from core.traces.schema import HOST, TraceError
from core.traces.sources import Limits

#: Events that are no stretch of time, by `ph`; a `[memory]` instant has its own columns.
_NOT_A_STRETCH = {
    "M": "metadata",
    "s": "flow arrow",
    "t": "flow arrow",
    "f": "flow arrow",
    "C": "counter",
    "i": "instant",
    "I": "instant",
}
#: Categories, in lower case, of what happens on a device.
DEVICE_CATEGORIES = {"kernel", "gpu_memcpy", "memcpy", "gpu_memset", "memset", "gpu_user_annotation", "cuda_sync", "cuda_event"}
_DTYPE_BYTES = {"float": 4, "float32": 4, "half": 2, "float16": 2, "bfloat16": 2, "double": 8, "long": 8, "int": 4, "short": 2, "byte": 1,
                "char": 1, "bool": 1, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
                "complexfloat": 8, "complexdouble": 16, "uint16": 2, "uint32": 4, "uint64": 8}  # fmt: skip
_PATH = re.compile(r" - at `\$\.?(.*?)`$")

#: Columns of codes, by the table of their values.
STRETCH_CODES = {"name": "names", "category": "categories", "lane": "lanes", "input_shapes": "shapes"}
INSTANT_CODES = {"lane": "lanes", "device": "devices"}


@dataclass
class Parts:
    """Arrays of a set of columns, a part per piece; -1 is null, NaN in a column of floats, 0 in one of addresses."""

    columns: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, **arrays: NDArray[Any]) -> None:
        for name, array in arrays.items():
            self.columns.setdefault(name, []).append(array)

    def whole(self) -> dict[str, NDArray[Any]]:
        """Each column in one array; none at all where nothing was added."""
        return {name: parts[0] if len(parts) == 1 else np.concatenate(parts) for name, parts in self.columns.items()}


class _Remembered(dict[Any, int]):
    """What a function makes of a value, worked out once per value."""

    def __init__(self, function: Callable[[Any], int]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, value: Any) -> int:
        found = self[value] = self._function(value)
        return found


class Decoder:
    """Takes the events of one recording, or of a part of it, and keeps columns."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.source, self.limits = source, limits
        self.names, self.categories, self.lanes, self.shapes, self.devices = Table(), Table(), Table(), Table(), Table()
        # A thread is the same, written as a number or as a text.
        self._threads = _Remembered(lambda thread: self.lanes[HOST, _text(thread)])
        self._streams = _Remembered(lambda place: self.lanes[_stream(*place)])
        self._memories = _Remembered(lambda place: self.devices[_memory_device(*place)])
        self._volumes = _Remembered(volume)
        self.stretches, self.instants = Parts(), Parts()
        self.found = 0
        self.skipped: Counter[str] = Counter()
        self.around: dict[str, msgspec.Raw] = {}
        """The fields of the recording beside its events."""
        self.cut = ""
        """Why the recording is cut off; empty where it is whole."""

    def run(self, chunks: Iterator[bytes], *, begun: bool = False, ends: bool = True) -> None:
        """Read text; `begun`: it starts at an event, not at the recording's head; not `ends`: it stops after an event, before a
        comma.

        Raises TraceError, RecursionError.
        """
        pieces = Pieces(self.source, self._events, messages.read_object)
        for piece in pieces(chunks, begun=begun, ends=ends):
            self._take(*piece)
        rest = pieces.rest or {}
        last = rest.pop("traceEvents", None)
        if last is not None:
            try:
                self._take(*self._events(bytes(last)))
            except msgspec.DecodeError as error:
                raise TraceError(f"{self.source} is JSON, but not a profiler's trace: its traceEvents are no list.") from error
        self.cut = pieces.cut
        if self.cut:
            self.found += 1
            self.skipped["cut off at the end"] = 1
        self.around = {**(messages.read_object(pieces.head) if pieces.head else {}), **rest}

    def _events(self, text: Text) -> tuple[list[Event], Text]:
        """Decode an array; an event with a value of the wrong type is left out and counted. Raises DecodeError for what is not
        JSON.
        """
        try:
            return self._events_of(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not messages.may_be_mended(text, error):
                raise
            return self._events_of(messages.mended(text))

    def _events_of(self, text: Text) -> tuple[list[Event], Text]:
        try:
            return messages.EVENTS_DECODER.decode(text), text
        except msgspec.ValidationError:
            return self._events_one_by_one(text)

    def _events_one_by_one(self, text: Text) -> tuple[list[Event], Text]:
        good, texts = [], []
        for raw in messages.RAW_DECODER.decode(bytes(text).decode("utf-8", "replace").encode()):
            try:
                good.append(messages.EVENT_DECODER.decode(raw))
                texts.append(bytes(raw))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                path = _PATH.search(str(error))
                self.found += 1
                self.skipped[f"{path[1].partition('[')[0]} of the wrong type" if path and path[1] else "not an object"] += 1
        return good, b"[" + b",".join(texts) + b"]"

    def _take(self, events: list[Event], text: Text) -> None:
        """Turn one piece into columns."""
        self.found += len(events)
        if self.found > self.limits.events:
            raise TraceError(f"{self.source} holds more than {self.limits.events:,} events; record fewer steps, or cut it.")
        phases = list(map(messages.PH, events))
        counts = Counter(phases)
        if counts.pop("X", 0):
            self._take_stretches(list(compress(events, map("X".__eq__, phases))), text, phases)
        if "i" in counts:
            chosen = [event.name == "[memory]" if event.ph == "i" else False for event in events]
            instants = list(compress(events, chosen))
            counts["i"] -= len(instants)
            if instants:
                self._take_instants(instants, text, chosen)
        for ph, count in counts.items():
            if count:
                self.skipped[_NOT_A_STRETCH.get(ph, f"phase {ph[:8] or 'missing'}")] += count

    def _take_stretches(self, chosen: list[Event], text: Text, phases: list[str]) -> None:
        start, duration = real(map(messages.TS, chosen), len(chosen)), real(map(messages.DUR, chosen), len(chosen))
        start_ns, duration_ns = exact(start, duration, text, map("X".__eq__, phases))
        good = self._judge(start, duration)
        if not good.all():
            start_ns, duration_ns = start_ns[good], duration_ns[good]
            chosen = list(compress(chosen, good.tolist()))
        args = [event.args or NO_ARGS for event in chosen]
        size = len(chosen)
        category = self._codes(self.categories, map(messages.CAT, chosen), size)
        on_device = np.array([(name or "").lower() in DEVICE_CATEGORIES for name in self.categories], np.bool_)[category]
        lane = self._codes(self._threads, map(messages.TID, chosen), size)
        rows = np.flatnonzero(on_device)
        device_events = list(compress(chosen, on_device.tolist()))
        device_args = (
            list(map(messages.ARGS, device_events))
            if None not in map(messages.ARGS, device_events)
            else [event.args or NO_ARGS for event in device_events]
        )
        places = zip(
            map(messages.DEVICE, device_args),
            map(messages.STREAM, device_args),
            map(messages.PID, device_events),
            map(messages.TID, device_events),
            strict=True,
        )
        lane[rows] = self._codes(self._streams, places, len(rows))
        old_external, external = whole(map(messages.OLD_EXTERNAL, args), size), whole(map(messages.EXTERNAL, args), size)

        def of_device(values: NDArray[Any], null: Any = NO_INDEX) -> NDArray[Any]:
            spread = np.full(size, null, values.dtype)
            spread[rows] = values
            return spread

        moved = whole(map(messages.BYTES, device_args), len(rows))
        self.stretches.add(
            start_ns=start_ns,
            duration_ns=duration_ns,
            name=self._codes(self.names, map(messages.NAME, chosen), size),
            category=category,
            lane=lane,
            external=np.where(old_external >= 0, old_external, external),
            correlation=whole(map(messages.CORRELATION, args), size),
            sequence=whole(map(messages.SEQUENCE, args), size),
            forward_thread=whole(map(messages.FORWARD_THREAD, args), size),
            input_shapes=self._shapes(args),
            bytes=of_device(np.where(moved >= 0, moved, [_message_bytes(own) for own in device_args]) if len(rows) else moved),
            blocks=of_device(self._codes(self._volumes, map(bytes, map(messages.GRID, device_args)), len(rows), np.int64)),
            threads_per_block=of_device(
                self._codes(self._volumes, map(bytes, map(messages.BLOCK, device_args)), len(rows), np.int64)
            ),
            blocks_per_sm=of_device(real(map(messages.BLOCKS_PER_SM, device_args), len(rows)), np.nan),
            occupancy_percent=of_device(real(map(messages.OCCUPANCY, device_args), len(rows)), np.nan),
        )

    def _judge(self, start: NDArray[np.float64], duration: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Stretches whose times can be; the others are counted."""
        missing = np.isnan(start) | np.isnan(duration)
        negative = ~missing & (duration < 0)
        far = ~missing & ~negative & ((np.abs(start) > FARTHEST_US) | (duration > FARTHEST_US))
        for reason, rows in (("no start or duration", missing), ("negative duration", negative), ("a time out of range", far)):
            if count := int(rows.sum()):
                self.skipped[reason] += count
        return ~(missing | negative | far)

    def _take_instants(self, instants: list[Event], text: Text, chosen: list[bool]) -> None:
        size = len(instants)
        time = real(map(messages.TS, instants), size)
        time_ns, _ = exact(time, np.zeros(size), text, chosen)
        args = [event.args or NO_ARGS for event in instants]
        good = ~np.isnan(time) & (np.abs(time) <= FARTHEST_US)
        if not good.all():
            self.skipped["memory event without a time"] += int((~good).sum())
        columns: dict[str, NDArray[Any]] = {
            "time_ns": time_ns,
            "lane": self._codes(self._threads, map(messages.TID, instants), size),
            "device": self._codes(
                self._memories, zip(map(messages.DEVICE_TYPE, args), map(messages.DEVICE_ID, args), strict=True), size
            ),
            "address": addresses(map(messages.ADDRESS, args)),
            "delta_bytes": whole(map(messages.DELTA, args), size, null=0),
            "allocated_bytes": whole(map(messages.ALLOCATED, args), size),
            "reserved_bytes": whole(map(messages.RESERVED, args), size),
        }
        self.instants.add(**{name: column[good] for name, column in columns.items()})

    @staticmethod
    def _codes(table: dict[Any, int], values: Iterable[Any], size: int, dtype: Any = np.int32) -> NDArray[Any]:
        return np.fromiter(map(table.__getitem__, values), dtype, size)

    def _shapes(self, args: list[Args]) -> NDArray[np.int32]:
        codes = np.full(len(args), NO_INDEX, np.int32)
        raws = list(map(messages.INPUT_DIMS, args))
        rows = [row for row, raw in enumerate(raws) if raw is not EMPTY]
        codes[rows] = self._codes(self.shapes, [bytes(raws[row]) for row in rows], len(rows))
        return codes


def _stream(device: Scalar, stream: Scalar, pid: Scalar, tid: Scalar) -> tuple[str, str]:
    """Device and lane."""
    # torch 1.8 wrote "stream 7" where later versions write 7.
    name = _text(tid if stream is None else stream)
    return f"gpu:{_text(pid if device is None else device)}", name if name.startswith("stream") else f"stream {name}"


def _text(value: Scalar) -> str:
    return str(value)[:80]


def _memory_device(device_type: Scalar, device_id: Scalar) -> str:
    # c10::DeviceType 0 is the CPU; its id is -1.
    return HOST if device_type in (0, "0", None) else f"gpu:{_text(device_id)}"


def _message_bytes(args: Args) -> int:
    """Bytes of a collective's input."""
    if args.message_elements is None or not isinstance(args.message_elements, int):
        return NO_INDEX
    size = _DTYPE_BYTES.get(str(args.dtype).lower(), 0)
    return args.message_elements * size if 0 < args.message_elements * size < 2**63 else NO_INDEX
