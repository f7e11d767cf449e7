"""Rows on which slices nest, for viewers that can draw nothing else: a slice that only partly overlaps another moves to a row below."""

from __future__ import annotations

import numpy as np

from core.traces import nesting
from core.traces.nesting import Integers

#: Of one lane. More rows nobody looks at, and each makes the search for a free one longer.
MOST_ROWS = 32
#: What found no place on any of them.
NO_ROW = -1


def nested_rows(lane: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """A row of its lane for each slice, from 0, such that any two slices of a row nest or are apart; `NO_ROW` where MOST_ROWS do not do.

    Arrays of one length, int64, sorted by lane, then start, then longest first. A lane whose slices all nest has one row.
    """
    rows = np.zeros(len(start_ns), np.int64)
    parent = nesting.parents(lane, start_ns, end_ns)
    crossing = nesting.crossing(lane, start_ns, end_ns, parent)
    if not len(crossing):
        return rows
    stretch = _stretches(lane, start_ns, end_ns)
    troubled = np.zeros(stretch[-1] + 1, np.bool_)
    troubled[stretch[crossing]] = True
    chosen = np.flatnonzero(troubled[stretch])
    rows[chosen] = _placed(stretch[chosen], start_ns[chosen], end_ns[chosen])
    return rows


def _stretches(lane: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """A number for each slice: the same for those that overlap, directly or by way of others, rising along the rows."""
    first = np.diff(lane, prepend=lane[:1] - 1) != 0
    reach = np.empty_like(end_ns)
    for begin, stop in zip(np.flatnonzero(first), [*np.flatnonzero(first)[1:], len(lane)], strict=True):
        reach[begin:stop] = np.maximum.accumulate(end_ns[begin:stop])
    return np.cumsum(first | (start_ns >= np.concatenate([start_ns[:1], reach[:-1]]))) - 1


def _placed(stretch: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """The first row each slice fits on. Only stretches with a crossing come here, so it may go slice by slice."""
    placed = []
    current = None
    open_ends: list[list[int]] = []
    for own, start, end in zip(stretch.tolist(), start_ns.tolist(), end_ns.tolist(), strict=True):
        if own != current:
            current, open_ends = own, []
        row = next((row for row, ends in enumerate(open_ends) if _fits(ends, start, end)), len(open_ends))
        if row == len(open_ends):
            open_ends.append([])
        if row < MOST_ROWS:
            open_ends[row].append(end)
        else:
            open_ends.pop()
            row = NO_ROW
        placed.append(row)
    return np.array(placed, np.int64)


def _fits(ends: list[int], start: int, end: int) -> bool:
    while ends and ends[-1] <= start:
        ends.pop()
    return not ends or end <= ends[-1]
