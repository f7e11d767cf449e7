"""Where an event of an XPlane lies: planes become devices, their lines become lanes, each with a name of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.traces.building import Table
from core.traces.nesting import Integers
from core.traces.schema import HOST
from core.traces.xplane_messages import XLine, text
from core.traces.xplane_names import DERIVED, OPERATIONS, STREAM, THREAD

#: A clock beyond this counts from 1970, one below from the profiler's start.
_SINCE_1970_NS = 10**15
#: No recording is from later than this, in the year 2116, and differences of times have room.
_LATEST_NS = 2**62
_BATCH_EVENTS = 2**17
_BATCH_BYTES = 2**24

_DEVICE = re.compile(r"/device:([A-Za-z]+)[^:]*:(\d{1,6})(?!\d) *([^\n]*)$")
_ON_HOST = re.compile(r"/host:(?:CPU|CUPTI|ROCTRACER|python-tracer|TPU-runtime)")
_STREAM = "Stream"
_OPERATIONS = ("XLA Ops", "Async XLA Ops")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A plane that is read: one of a host's or of a device's."""

    label: str
    """The device, as in the frame's column."""
    number: int
    """0, or how many planes of the same name came before it: those of a host of its own each."""
    part: str
    """What its lines have before their names: a part of the device, such as a TPU's `SparseCore 0`."""
    joins: bool
    """Its lines are threads that another plane of the host may have too, under the same id."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Events of one or several lines of a plane, still as bytes, each with its line's values."""

    messages: list[bytes]
    lane: Integers
    """Place in `Lanes.table`."""
    role: Integers
    """What the line holds, as in `core.traces.xplane_names`."""
    base_ns: Integers
    """The clock at offset 0; -1 where the line does not say."""


class Lanes:
    """The devices and lanes of a recording, as its planes come in."""

    def __init__(self, profile_start_ns: int) -> None:
        self.table = Table()
        """(device, lane) -> code, in the order of codes."""
        self.hosts = 0
        self.planes: dict[str, str] = {}
        """Device -> the plane that it is."""
        self.notes: list[str] = []
        self._profile_start_ns = profile_start_ns
        self._seen: Counter[str] = Counter()
        self._alike: Counter[tuple[str, str]] = Counter()
        self._threads: dict[tuple[int, int], int] = {}

    def place(self, name: str) -> Place | None:
        """Where a plane's events belong; None for a plane that is neither a host's nor a device's."""
        device, host = _DEVICE.match(name), _ON_HOST.match(name)
        if device is None and host is None:
            return None
        number = self._seen[name]
        self._seen[name] += 1
        if device is None:
            self.hosts = max(self.hosts, number + 1)
            return Place(label=HOST, number=number, part="", joins=not name.startswith("/host:CPU"))
        kind, index = device[1].lower(), int(device[2])
        label = f"{kind}:{index}"
        if number:
            while label in self.planes:
                index += 1
                label = f"{kind}:{index}"
            self.notes.append(f"{name} comes more than once, once per host: that of host {number + 1} is called {label} here.")
        self.planes.setdefault(label, name)
        return Place(label=label, number=number, part=device[3], joins=False)

    def batches(self, plane: Any, place: Place) -> Iterator[Batch]:
        """The plane's events in pieces of bounded size; raises DecodeError."""
        names: Counter[str] = Counter()
        for raw in plane.lines:
            names[text(XLine.FromString(raw).name)] += 1
        streams = any(name.startswith(_STREAM) for name in names)
        pending = _Pending()
        for raw in plane.lines:
            line = XLine.FromString(raw)
            name = text(line.name)
            lane = self._lane(line.id, name if names[name] == 1 else f"{name}/{line.id}", place)
            role = THREAD if place.label == HOST else _role(name, streams)
            base_ns = self._base_ns(line.timestamp_ns)
            messages = list(line.events)
            for first in range(0, len(messages), _BATCH_EVENTS):
                pending.add(messages[first : first + _BATCH_EVENTS], lane, role, base_ns)
                if pending.full:
                    yield pending.batch()
                    pending = _Pending()
        if pending.messages:
            yield pending.batch()

    def _lane(self, thread: int, name: str, place: Place) -> int:
        if place.joins and (place.number, thread) in self._threads:
            return self._threads[place.number, thread]
        wanted = " ".join(filter(None, (place.part, name)))
        if place.label == HOST and place.number:
            wanted = f"{wanted} (host {place.number + 1})"
        lane = wanted
        while (place.label, lane) in self.table:
            self._alike[place.label, wanted] += 1
            lane = f"{wanted} #{self._alike[place.label, wanted] + 1}"
        code = self.table[place.label, lane]
        if place.label == HOST:
            self._threads.setdefault((place.number, thread), code)
        return code

    def _base_ns(self, timestamp_ns: int) -> int:
        if not 0 <= timestamp_ns < _LATEST_NS:
            return -1
        return timestamp_ns + (self._profile_start_ns if timestamp_ns < _SINCE_1970_NS else 0)


def _role(name: str, streams: bool) -> int:
    if streams:
        return STREAM if name.startswith(_STREAM) else DERIVED
    return OPERATIONS if name in _OPERATIONS else DERIVED


class _Pending:
    """Lines' events on their way into a batch."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self._counts: list[int] = []
        self._values: list[tuple[int, int, int]] = []
        self._size_bytes = 0

    def add(self, messages: list[bytes], lane: int, role: int, base_ns: int) -> None:
        self.messages += messages
        self._counts.append(len(messages))
        self._values.append((lane, role, base_ns))
        self._size_bytes += sum(map(len, messages))

    @property
    def full(self) -> bool:
        return len(self.messages) >= _BATCH_EVENTS or self._size_bytes >= _BATCH_BYTES

    def batch(self) -> Batch:
        lane, role, base_ns = np.repeat(np.array(self._values, np.int64), self._counts, axis=0).T
        return Batch(messages=self.messages, lane=lane, role=role, base_ns=base_ns)
