"""Which event lies in which, and whose each nanosecond is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.traces import nesting


def _arrays(intervals):
    rows = np.array(intervals, np.int64).reshape(-1, 3)
    order = nesting.sort_order(rows[:, 0], rows[:, 1], rows[:, 1] + rows[:, 2])
    lane, start, length = rows[order].T
    return lane, start, start + length


def test_a_call_owns_what_the_calls_in_it_do_not():
    lane, start, end = _arrays([(0, 0, 100), (0, 10, 30), (0, 15, 5), (0, 60, 40), (1, 0, 7)])
    assert nesting.parents(lane, start, end).tolist() == [-1, 0, 1, 0, -1]
    assert nesting.self_time(lane, start, end).tolist() == [30, 25, 5, 40, 7]


def test_what_touches_is_not_nested():
    lane, start, end = _arrays([(0, 0, 10), (0, 10, 10), (0, 20, 0)])
    assert nesting.parents(lane, start, end).tolist() == [-1, -1, -1]
    assert nesting.self_time(lane, start, end).tolist() == [10, 10, 0]


def test_of_two_that_cross_neither_holds_the_other_and_no_moment_counts_twice():
    lane, start, end = _arrays([(0, 0, 10), (0, 5, 10)])
    assert nesting.parents(lane, start, end).tolist() == [-1, -1]
    assert nesting.self_time(lane, start, end).tolist() == [5, 10]


def test_the_nearest_marked_one_is_found_at_any_depth():
    lane, start, end = _arrays([(0, 0, 100), (0, 1, 50), (0, 2, 40), (0, 3, 30), (0, 70, 5)])
    parent = nesting.parents(lane, start, end)
    marked = np.array([True, False, True, False, False])
    assert nesting.nearest(parent, marked).tolist() == [0, 0, 2, 2, 0]
    assert nesting.nearest(parent, np.zeros(5, np.bool_)).tolist() == [-1] * 5


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40), st.integers(0, 25)), max_size=25))
def test_a_parent_is_the_last_begun_that_holds_the_whole(intervals):
    lane, start, end = _arrays(intervals)
    for index, parent in enumerate(nesting.parents(lane, start, end).tolist()):
        holders = [
            i for i in range(index) if lane[i] == lane[index] and start[i] <= start[index] < end[i] and end[i] >= end[index]
        ]
        assert parent == max(holders, default=-1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 25)), max_size=25))
def test_pieces_of_a_lane_are_its_union_exactly_once(intervals):
    lane, start, end = _arrays(intervals)
    owner, first, last = nesting.exclusive_segments(lane, start, end)
    assert (last > first).all()
    for number in set(lane.tolist()):
        covered = [moment for a, b in zip(start[lane == number], end[lane == number], strict=True) for moment in range(a, b)]
        mine = lane[owner] == number
        owned = [moment for a, b in zip(first[mine], last[mine], strict=True) for moment in range(a, b)]
        assert sorted(owned) == sorted(set(covered))
        assert nesting.union_length(start[lane == number], end[lane == number]) == len(set(covered))
    # The owner is open, and none that is open began after it.
    for index, a, b in zip(owner, first, last, strict=True):
        for moment in range(a, b):
            open_ones = [i for i in range(len(lane)) if lane[i] == lane[index] and start[i] <= moment < end[i]]
            assert index == max(open_ones)
