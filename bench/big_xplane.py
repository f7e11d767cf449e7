"""An XPlane file of any number of events, made by repeating a real one: what its reader is timed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import igzip

from core.traces.xplane_messages import XLine, XPlane, XSpace, message_classes

_GZIP = b"\x1f\x8b"
_PAUSE_PS = 10**9

_XEvent: Any = message_classes(
    "showdown.bench",
    {
        "XEvent": (
            (1, "int64", "metadata_id"),
            (2, "int64", "offset_ps"),
            (3, "int64", "duration_ps"),
            (4, "repeated bytes", "stats"),
        )
    },
)["XEvent"]


def make_big_xplane(source: Path, events: int) -> bytes:
    """A space of at least `events` events: every line of the source, plain or gzip, holds its events again and again, each time
    later by the length of the recording and a pause. Names, stats, correlations and durations stay as they are.
    """
    data = source.read_bytes()
    space = XSpace.FromString(igzip.decompress(data) if data.startswith(_GZIP) else data)
    planes = [XPlane.FromString(plane) for plane in space.planes]
    lines = [[XLine.FromString(line) for line in plane.lines] for plane in planes]
    all_lines = [line for of_plane in lines for line in of_plane]
    count = sum(len(line.events) for line in all_lines)
    length_ps = _PAUSE_PS + max(event.offset_ps + event.duration_ps for line in all_lines for event in _events(line))
    for line in all_lines:
        once = list(_events(line))
        for repetition in range(1, -(-events // count)):
            line.events.extend(_later(event, repetition * length_ps) for event in once)
    for plane, of_plane in zip(planes, lines, strict=True):
        plane.lines[:] = [line.SerializeToString() for line in of_plane]
    space.planes[:] = [plane.SerializeToString() for plane in planes]
    made: bytes = space.SerializeToString()
    return made


def _events(line: Any) -> Iterator[Any]:
    return (_XEvent.FromString(event) for event in line.events)


def _later(event: Any, shift_ps: int) -> bytes:
    moved = _XEvent(
        metadata_id=event.metadata_id, offset_ps=event.offset_ps + shift_ps, duration_ps=event.duration_ps, stats=event.stats
    )  # fmt: skip
    made: bytes = moved.SerializeToString()
    return made
