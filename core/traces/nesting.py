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
    """Index of the innermost event on the same lane that holds the whole of each event; -1 where there is none."""
    result: list[int] = []
    stack: list[int] = []
    ends = end.tolist()
    current = None
    for index, (own_lane, own_start, own_end) in enumerate(zip(lane.tolist(), start.tolist(), ends, strict=True)):
        if own_lane != current:
            stack.clear()
            current = own_lane
        # What ended, and what will end before this one does: whatever both hold later, this one, begun later, is the inner one.
        while stack and (ends[stack[-1]] <= own_start or ends[stack[-1]] < own_end):
            stack.pop()
        result.append(stack[-1] if stack else -1)
        stack.append(index)
    return np.array(result, np.int64)


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
    owner, first, last = exclusive_segments(lane, start, end)
    result = np.zeros(len(start), np.int64)
    np.add.at(result, owner, last - first)
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
