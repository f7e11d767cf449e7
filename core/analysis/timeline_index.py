"""An index of a recording's lanes, made once, from which any stretch of time can be looked up without reading the rest.

All times are whole nanoseconds as in the events. A slice is an event as it is drawn on its lane; it touches a window [start, end)
where it has a moment in it, and a slice without length where it begins in it.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.analysis.intervals import Intervals
from core.traces.building import DEVICE_WORK
from core.traces.nesting import Integers
from core.traces.schema import HOST, KINDS, Step

#: What a thread of the host can be asked to show, and the kinds of events that it stands for.
HOST_GROUPS = {
    "operators": ("operator", "input", *DEVICE_WORK),
    "runtime calls": ("runtime call", "synchronisation"),
    "Python functions": ("python function", "layer"),
    "annotations": ("annotation",),
    "other": ("other",),
}
#: What counts as work of the host: what frameworks and drivers do, not the Python around them, which never rests.
_HOST_WORK = (*HOST_GROUPS["operators"], *HOST_GROUPS["runtime calls"])
#: Levels that calls which nest are told apart by; Python nests by the dozen.
LEVELS = 20
#: Slices of a lane whose latest end is kept, so that those which began long ago are found without reading all before them.
_BLOCK = 512


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of time, its end not in it."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.start_ns

    def edges(self, bins: int) -> Integers:
        """`bins` + 1 moments that cut it into bins of equal length, to the nanosecond; fewer where it is shorter than that."""
        bins = max(1, min(bins, self.length_ns))
        whole, rest = divmod(self.length_ns, bins)
        places = np.arange(bins + 1, dtype=np.int64)
        return self.start_ns + places * whole + places * rest // bins


@dataclass(frozen=True, kw_only=True, eq=False)
class Lane:
    """The slices of one thread or stream, sorted by start and longest first, with what a look at a part of them needs."""

    device: str
    name: str
    marks_steps: bool
    """The thread that marked the recording's steps."""
    rows: NDArray[np.uint32]
    """Places of the slices in the events."""
    start_ns: Integers
    end_ns: Integers
    busy: Intervals
    last_ns: Integers
    """The last moment of every slice, in ascending order."""
    block_reach_ns: Integers
    """Latest end in each block of slices."""
    outer: Integers
    """Places of the slices that lie in no earlier one. Their starts and their ends both ascend, and wherever a slice is, one of
    them is that is at least as long.
    """
    outer_start_ns: Integers
    outer_last_ns: Integers
    by_length: Integers
    """Places in `outer`, the shortest first."""
    length_rank: NDArray[np.int32]
    """Of each in `outer`: its place in `by_length`."""
    inner: tuple[Lane, ...] = ()
    """What lies in the outer slices, level by level inwards, `LEVELS` of them with the outer ones at most."""

    @staticmethod
    def of(device: str, name: str, rows: NDArray[np.uint32], start_ns: Integers, end_ns: Integers, *, marks_steps: bool = False) -> Lane:
        """A lane of at least one slice; the slices are sorted by start and longest first."""
        last = np.maximum(end_ns - 1, start_ns)
        outer = np.flatnonzero(np.concatenate([[True], last[1:] > np.maximum.accumulate(last)[:-1]]))
        by_length = np.argsort(end_ns[outer] - start_ns[outer], kind="stable")
        rank = np.empty(len(outer), np.int32)
        rank[by_length] = np.arange(len(outer), dtype=np.int32)
        return Lane(
            device=device,
            name=name,
            marks_steps=marks_steps,
            rows=rows,
            start_ns=start_ns,
            end_ns=end_ns,
            busy=Intervals.union(start_ns[outer], end_ns[outer]),
            last_ns=np.sort(last),
            block_reach_ns=np.maximum.reduceat(end_ns, np.arange(0, len(end_ns), _BLOCK)),
            outer=outer,
            outer_start_ns=start_ns[outer],
            outer_last_ns=last[outer],
            by_length=by_length,
            length_rank=rank,
        )

    def with_levels(self) -> Lane:
        """The lane with its inner levels."""
        # So many began before a slice that had not ended at its start: what it lies in, where slices nest.
        depth = np.arange(len(self.rows)) - np.searchsorted(self.last_ns, self.start_ns, side="left")
        depth = np.maximum(depth, 1)
        depth[self.outer] = 0
        inner = []
        for level in range(1, min(int(depth.max()) + 1, LEVELS)):
            places = np.flatnonzero(depth == level)
            if len(places):
                inner.append(Lane.of(self.device, self.name, self.rows[places], self.start_ns[places], self.end_ns[places]))
        return replace(self, inner=tuple(inner))

    def levels_in(self, window: Window) -> int:
        """How many levels have a slice in the window, those deeper than `LEVELS` counted as one."""
        told = 1 + sum(level.count(window) > 0 for level in self.inner)
        return told + (self.count(window) > len(self.touching_outer(window)) + sum(level.count(window) for level in self.inner))

    def touching_outer(self, window: Window) -> Integers:
        """Places of the outer slices that touch the window, in order."""
        first = int(np.searchsorted(self.outer_last_ns, window.start_ns, side="left"))
        last = int(np.searchsorted(self.outer_start_ns, window.end_ns, side="left"))
        return self.outer[first:last]

    def only(self, matching: NDArray[np.bool_], window: Window) -> Lane | None:
        """The lane with nothing but those slices that touch the window and match; None where there are none.

        `matching` says so of every event (`Index.matching`).
        """
        places = self.touching(window)
        places = places[matching[self.rows[places]]]
        return Lane.of(self.device, self.name, self.rows[places], self.start_ns[places], self.end_ns[places]) if len(places) else None

    @property
    def label(self) -> str:
        """As charts and tables write it."""
        word = "thread" if self.device == HOST else "stream"
        name = f"{word} {self.name}" if re.fullmatch(r"-?\d+", self.name) else self.name
        return name if self.device == HOST else f"{self.device} · {name}"

    def touching(self, window: Window) -> Integers:
        """Places of the slices that touch the window, in order."""
        first = int(np.searchsorted(self.start_ns, window.start_ns, side="left"))
        last = int(np.searchsorted(self.start_ns, window.end_ns, side="left"))
        blocks = np.flatnonzero(self.block_reach_ns[: -(-first // _BLOCK)] > window.start_ns)
        earlier = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        earlier = earlier[earlier < first]
        return np.concatenate([earlier[self.end_ns[earlier] > window.start_ns], np.arange(first, max(last, first))])

    def busy_ns(self, edges_ns: Integers) -> Integers:
        """Time that slices cover in each of the windows between these moments."""
        return np.diff(self.busy.before_ns(edges_ns))

    def longest_idle(self, window: Window) -> tuple[int, int] | None:
        """Start and length of the longest stretch of the window without a slice, the first of equals; None where it is all busy."""
        first = int(np.searchsorted(self.busy.end_ns, window.start_ns, side="right"))
        last = int(np.searchsorted(self.busy.start_ns, window.end_ns, side="left"))
        begins = np.concatenate([[window.start_ns], self.busy.end_ns[first:last]])
        lengths = np.concatenate([self.busy.start_ns[first:last], [window.end_ns]]) - begins
        place = int(np.argmax(lengths))
        return (int(begins[place]), int(lengths[place])) if lengths[place] > 0 else None

    def counts(self, edges_ns: Integers) -> Integers:
        """How many slices touch each of the windows between these moments."""
        begun = np.searchsorted(self.start_ns, edges_ns[1:], side="left")
        over = np.searchsorted(self.last_ns, edges_ns[:-1], side="left")
        return np.asarray(begun - over, np.int64)

    def count(self, window: Window) -> int:
        """How many slices touch the window."""
        return int(self.counts(window.edges(1))[0])

    def longest(self, edges_ns: Integers) -> Integers:
        """Place of the longest slice, by its whole duration, that touches each of the windows between these moments; -1: none."""
        first = np.searchsorted(self.outer_last_ns, edges_ns[:-1], side="left")
        last = np.searchsorted(self.outer_start_ns, edges_ns[1:], side="left")
        some = np.flatnonzero(first < last)
        result = np.full(len(first), -1, np.int64)
        if len(some):
            # Windows follow one another, but a slice across an edge is in both: each range on its own, the ones between dropped.
            ranges = np.column_stack([first[some], last[some]]).ravel()
            ranks = np.maximum.reduceat(np.append(self.length_rank, -1), ranges)[::2]
            result[some] = self.outer[self.by_length[ranks]]
        return result

@dataclass(frozen=True, kw_only=True)
class Index:
    """A whole recording, ready to be looked at."""

    lanes: tuple[Lane, ...]
    """Devices first, stream by stream; then the thread that steps; then the other threads, the busiest first."""
    devices: tuple[Intervals, ...]
    """What is covered on any stream of each device."""
    host: Intervals
    """What operators and runtime calls of any thread cover."""
    whole: Window
    """From the start of the first work of host or device to the end of the last; of all events where there is no work."""
    name_codes: NDArray[np.uint32]
    """Of each event, a place in `names`."""
    names: pl.Series
    """The distinct names."""

    def matching(self, text: str) -> NDArray[np.bool_]:
        """Whether each event has this text in its name, letter by letter, upper and lower case alike."""
        found = self.names.str.to_lowercase().str.contains(text.strip().lower(), literal=True).to_numpy()
        return np.asarray(found[self.name_codes], np.bool_)


def prepare(events: pl.DataFrame, steps: Collection[Step] = (), groups: Collection[str] = ("operators", "runtime calls")) -> Index:
    """Index a recording's events, in `EVENT_SCHEMA` and its order.

    Lanes of devices hold device work alone; those of the host what `groups`, keys of `HOST_GROUPS`, stand for. A lane with
    nothing to show is left out. Takes some tenths of a second and about 50 bytes per event for a million events.
    """
    start = events["start_ns"].to_numpy()
    end = start + events["duration_ns"].to_numpy()
    kind = events["kind"].to_physical().to_numpy()
    on_host = (events["device"].cast(pl.String) == HOST).to_numpy()
    work = ~on_host & _of_kinds(kind, DEVICE_WORK)
    shown = work | on_host & _of_kinds(kind, [name for group in groups for name in HOST_GROUPS[group]])
    stepping = {step.lane for step in steps}
    lanes = [
        Lane.of(device, name, rows.astype(np.uint32), start[rows], end[rows], marks_steps=device == HOST and name in stepping).with_levels()
        for (device, name), rows in _by_lane(events, np.flatnonzero(shown))
    ]
    devices: dict[str, list[Intervals]] = {}
    for lane in lanes:
        if lane.device != HOST:
            devices.setdefault(lane.device, []).append(lane.busy)
    working = on_host & _of_kinds(kind, _HOST_WORK)
    codes, names = _names(events)
    return Index(
        lanes=tuple(sorted(lanes, key=_place)),
        devices=tuple(functools.reduce(operator.or_, devices[label]) for label in sorted(devices)),
        host=Intervals.union(start[working], end[working]),
        whole=_extent(start, end, working | work),
        name_codes=codes,
        names=names,
    )


def _of_kinds(kind: NDArray[np.unsignedinteger], names: Collection[str]) -> NDArray[np.bool_]:
    return np.isin(np.arange(len(KINDS)), [KINDS.index(name) for name in names])[kind]


def _by_lane(events: pl.DataFrame, rows: Integers) -> Iterator[tuple[tuple[str, str], Integers]]:
    """Device and lane, and the rows of each; the rows come sorted by them."""
    codes = [events[name].to_physical().to_numpy()[rows] for name in ("device", "lane")]
    change = np.flatnonzero((np.diff(codes[0]) != 0) | (np.diff(codes[1]) != 0)) + 1
    for part in np.split(rows, change):
        if len(part):
            first = int(part[0])
            yield (str(events["device"][first]), str(events["lane"][first])), part


def _extent(start: Integers, end: Integers, working: NDArray[np.bool_]) -> Window:
    """Around the work, because a profiler's own mark may be much longer than all that it recorded."""
    chosen = working if working.any() else np.ones(len(start), np.bool_)
    if not len(start):
        return Window(start_ns=0, end_ns=1)
    first = int(start[chosen].min())
    return Window(start_ns=first, end_ns=max(int(end[chosen].max()), first + 1))


def _names(events: pl.DataFrame) -> tuple[NDArray[np.uint32], pl.Series]:
    """Each event's name as a place in the distinct ones."""
    known = events["name"].unique(maintain_order=True)
    physical = known.to_physical().to_numpy()
    places = np.zeros(int(physical.max()) + 1 if len(physical) else 1, np.uint32)
    places[physical] = np.arange(len(physical))
    return places[events["name"].to_physical().to_numpy()], known.cast(pl.String)


def _place(lane: Lane) -> tuple[bool, list[tuple[int, str]], bool, int, list[tuple[int, str]]]:
    host = lane.device == HOST
    return host, _natural(lane.device), not lane.marks_steps, -lane.busy.length_ns if host else 0, _natural(lane.name)


def _natural(text: str) -> list[tuple[int, str]]:
    """Sorts `stream 10` behind `stream 9`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
