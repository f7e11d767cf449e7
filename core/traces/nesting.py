"""Which event lies in which, and whose each nanosecond is: sweeps over intervals that nest, as calls on a thread do.

All arrays are int64 of one length, sorted by lane, then start, then longest first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def sort_order(lane: Integers, start: Integers, end: Integers) -> Integers:
    """The order in which an event follows the one it lies in; equal intervals keep the order they were recorded in."""
    return np.lexsort((-end, start, lane)).astype(np.int64)


def parents(lane: Integers, start: Integers, end: Integers) -> Integers:
    """Index of the innermost event on the same lane that holds the whole of each event; -1 where there is none.

    That is the nearest one before it that ends after its start and not before its end. Everyone asks the event before; who is
    refused goes on to whom the refused one asks at that moment: what lies between cannot hold what came later either. The
    distance doubles from round to round.
    """
    size = len(start)
    first = np.flatnonzero(np.diff(lane, prepend=lane[:1] - 1)) if size else np.empty(0, np.int64)
    asked = np.arange(-1, size - 1)
    asked[first] = -1
    rows = np.flatnonzero(asked >= 0)
    while len(rows):
        above = asked[rows]
        refused = (end[above] < end[rows]) | (end[above] <= start[rows])
        rows = rows[refused]
        asked[rows] = asked[above[refused]]
        rows = rows[asked[rows] >= 0]
    return asked


def nearest(parent: Integers, marked: NDArray[np.bool_]) -> Integers:
    """Index of the innermost marked event around each event, itself included; -1 where there is none."""
    result = np.where(marked, np.arange(len(parent)), -1)
    # `ancestor` climbs one level a round, so there are at most as many rounds as calls nest deep.
    ancestor = parent.copy()
    open_rows = np.flatnonzero((result < 0) & (ancestor >= 0))
    while len(open_rows):
        above = ancestor[open_rows]
        result[open_rows] = result[above]
        ancestor[open_rows] = parent[above]
        open_rows = open_rows[(result[open_rows] < 0) & (ancestor[open_rows] >= 0)]
    return result


def exclusive_segments(lane: Integers, start: Integers, end: Integers) -> tuple[Integers, Integers, Integers]:
    """Cut every lane's covered time into pieces of one owner each: (owner's index, start, end).

    A moment belongs to the event that began last among those open on the lane: the innermost one, where they nest. So the
    pieces of a lane never overlap, and their lengths sum to the length of the union of its events, whatever overlaps.
    """
    lasting = np.flatnonzero(end > start)
    parent = parents(lane[lasting], start[lasting], end[lasting])
    crossed = np.isin(lane[lasting], lane[lasting][crossing(lane[lasting], start[lasting], end[lasting], parent)])
    nested = _nested_segments(lane[lasting], start[lasting], end[lasting], parent, ~crossed)
    swept = _swept_segments(lane[lasting][crossed], start[lasting][crossed], end[lasting][crossed])
    owner = np.concatenate([lasting[nested[0]], lasting[crossed][swept[0]]])
    first, last = (np.concatenate([nested[part], swept[part]]) for part in (1, 2))
    if crossed.any():
        order = np.lexsort((first, lane[owner]))
        owner, first, last = owner[order], first[order], last[order]
    return owner, first, last


def crossing(lane: Integers, start: Integers, end: Integers, parent: Integers) -> Integers:
    """Indices of events that begin in an earlier one and outlast it: the one just before under the same parent is such a one, if any."""
    beside = np.lexsort((parent, lane))
    alike = (np.diff(parent[beside]) == 0) & (np.diff(lane[beside]) == 0)
    return beside[1:][alike & (end[beside[:-1]] > start[beside[1:]])]


def _nested_segments(
    lane: Integers, start: Integers, end: Integers, parent: Integers, chosen: NDArray[np.bool_]
) -> tuple[Integers, Integers, Integers]:
    """As `exclusive_segments`, where events nest and last: from its start a moment is an event's own, from its end on its
    parent's.
    """
    rows = np.flatnonzero(chosen)
    when = np.concatenate([end[rows], start[rows]])
    then = np.concatenate([parent[rows], rows])
    # At one moment ends come before starts; of ends the inner first, of starts the outer.
    rank = np.concatenate([-rows - 1, rows])
    order = np.lexsort((rank, when, np.concatenate([lane[rows], lane[rows]])))
    when, then = when[order], then[order]
    piece = np.flatnonzero((then[:-1] >= 0) & (when[1:] > when[:-1])) if len(when) else np.empty(0, np.int64)
    return then[piece], when[piece], when[piece + 1]


def _swept_segments(lane: Integers, start: Integers, end: Integers) -> tuple[Integers, Integers, Integers]:
    """As `exclusive_segments`, one event after another, whatever overlaps."""
    owners: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    stack: list[int] = []
    ends = end.tolist()
    current = None
    now = 0

    def give(until: int) -> None:
        nonlocal now
        if until > now:
            owners.append(stack[-1])
            starts.append(now)
            stops.append(until)
            now = until

    for index, (own_lane, own_start) in enumerate(zip(lane.tolist(), start.tolist(), strict=True)):
        if own_lane != current:
            while stack:
                give(ends[stack[-1]])
                stack.pop()
            current = own_lane
        while stack and ends[stack[-1]] <= own_start:
            give(ends[stack[-1]])
            stack.pop()
        if stack:
            give(own_start)
        now = own_start
        stack.append(index)
    while stack:
        give(ends[stack[-1]])
        stack.pop()
    return np.array(owners, np.int64), np.array(starts, np.int64), np.array(stops, np.int64)


def self_time(lane: Integers, start: Integers, end: Integers) -> Integers:
    """Length of each event's own pieces (`exclusive_segments`)."""
    parent = parents(lane, start, end)
    result = (end - start).astype(np.int64)
    child = np.flatnonzero(parent >= 0)
    np.subtract.at(result, parent[child], (end - start)[child])
    crossed = np.unique(lane[crossing(lane, start, end, parent)])
    if len(crossed):
        rows = np.flatnonzero(np.isin(lane, crossed))
        owner, first, last = _swept_segments(lane[rows], start[rows], end[rows])
        result[rows] = 0
        np.add.at(result, rows[owner], last - first)
    return result


def union_length(start: Integers, end: Integers) -> int:
    """Length of the union of intervals in any order."""
    if not len(start):
        return 0
    order = np.argsort(start, kind="stable")
    begins, stops = start[order], end[order]
    reach = np.maximum.accumulate(stops)
    before = np.concatenate([begins[:1], reach[:-1]])
    return int(np.maximum(stops - np.maximum(begins, before), 0).sum())
