"""What belongs to what, as far as it is the same in every profiler's recording: launches by number, enclosing events by time."""

from __future__ import annotations

import numpy as np

from core.traces import nesting
from core.traces.building import NO_INDEX, Columns, Mask, is_host, is_kind, linked
from core.traces.nesting import Integers


def launches(columns: Columns, calls: Mask) -> Integers:
    """Row of the call on the host that launched each device event, the one of `calls` with its correlation; -1 for everything
    else.

    Where recordings of several processes were put into one file a number may be of several calls: then the last begun before.
    """
    number, start_ns = columns.correlation, columns.start_ns
    assert number is not None
    wanted = ~is_host(columns.device) & (number > 0)
    found = last_with(number, calls, wanted)
    rows = np.flatnonzero(calls & (number > 0))
    rows = rows[np.lexsort((start_ns[rows], number[rows]))]
    shared = np.unique(number[rows[1:]][np.diff(number[rows]) == 0])
    if len(shared):
        rows, asking = rows[np.isin(number[rows], shared)], np.flatnonzero(wanted & np.isin(number, shared))
        both = np.concatenate([rows, asking])
        is_call = np.arange(len(both)) < len(rows)
        order = np.lexsort((~is_call, start_ns[both], number[both]))
        # How many calls come before, in the order of `rows`; at least the first with the number.
        place = np.maximum(np.cumsum(is_call[order]) - 1, np.searchsorted(number[rows], number[both[order]]))
        asked = ~is_call[order]
        found[both[order][asked]] = rows[place[asked]]
    return found


def last_with(number: Integers, owners: Mask, wanted: Mask) -> Integers:
    """For each wanted row the last row among the owners that has the same positive number; -1 for none, and for every other row."""
    found = np.full(len(number), NO_INDEX, np.int64)
    rows, asking = np.flatnonzero(owners & (number > 0)), np.flatnonzero(wanted)
    if len(rows) and len(asking):
        rows = rows[np.argsort(number[rows], kind="stable")]
        place = np.searchsorted(number[rows], number[asking], side="right") - 1
        hit = (place >= 0) & (number[rows[np.maximum(place, 0)]] == number[asking])
        found[asking[hit]] = rows[place[hit]]
    return found


def enclosing(rows: Integers, lane: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """Innermost enclosing event among `rows` of each of them, whose lanes `lane` numbers; -1 for every other."""
    order = rows[nesting.sort_order(lane[rows], start_ns[rows], end_ns[rows])]
    inner = nesting.parents(lane[order], start_ns[order], end_ns[order])
    parent = np.full(len(lane), NO_INDEX, np.int64)
    parent[order] = linked(inner, order, NO_INDEX)
    return parent


def innermost_operators(columns: Columns, lane_code: Integers, thread: Integers, time_ns: Integers) -> Integers:
    """Row of the innermost operator open on a thread (a number as in `lane_code`; -1: none known) at each moment; -1 for none."""
    rows = np.flatnonzero(is_kind(columns.kind, "operator"))
    lane = np.concatenate([lane_code[rows], thread])
    start = np.concatenate([columns.start_ns[rows], time_ns])
    end = np.concatenate([columns.start_ns[rows] + columns.duration_ns[rows], time_ns])
    order = nesting.sort_order(lane, start, end)
    # Moments do not hold anything: of two at one time the later is not inside the earlier, and neither asks the other.
    moment = order >= len(rows)
    parent = nesting.parents(lane[order], start[order], end[order])
    found = nesting.nearest(parent, ~moment)
    result = np.full(len(time_ns), NO_INDEX, np.int64)
    result[order[moment] - len(rows)] = linked(found[moment], np.append(rows, [NO_INDEX] * len(time_ns))[order], NO_INDEX)
    return np.where(thread >= 0, result, NO_INDEX)
