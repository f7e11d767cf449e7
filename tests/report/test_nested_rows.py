"""Rows for slices, such that on each they nest: by hand, and on anything."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.report.nested_rows import MOST_ROWS, NO_ROW, nested_rows
from core.traces.nesting import sort_order

Slices = list[tuple[int, int, int]]


def rows_of(slices: Slices) -> dict[tuple[int, int, int], int]:
    """Row of each slice, (lane, start, end); they are given in any order."""
    lane, start, end = (np.array([one[part] for one in slices], np.int64) for part in range(3))
    order = sort_order(lane, start, end)
    return dict(zip([slices[place] for place in order], nested_rows(lane[order], start[order], end[order]).tolist(), strict=True))


def crosses(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Of one lane, one begins in the other and outlasts it."""
    return one[0] == other[0] and (one[1] < other[1] < one[2] < other[2] or other[1] < one[1] < other[2] < one[2])


def test_what_nests_or_is_apart_shares_a_row():
    assert set(rows_of([(0, 0, 10), (0, 0, 10), (0, 2, 5), (0, 5, 9), (0, 9, 9), (0, 10, 12), (1, 3, 11)]).values()) == {0}


def test_who_outlasts_what_it_began_in_moves_down_and_takes_along_what_only_it_holds():
    assert rows_of([(0, 0, 10), (0, 5, 15), (0, 6, 8), (0, 11, 13), (0, 20, 30)]) == {
        (0, 0, 10): 0, (0, 5, 15): 1, (0, 6, 8): 0, (0, 11, 13): 0, (0, 20, 30): 0,
    }  # fmt: skip


def test_a_row_is_free_again_so_a_chain_needs_two():
    chain = [(0, 10 * number, 10 * number + 15) for number in range(100)]
    assert list(rows_of(chain).values()) == [0, 1] * 50


def test_another_lane_at_the_same_time_is_no_trouble():
    assert set(rows_of([(0, 0, 10), (1, 5, 15)]).values()) == {0}


def test_beyond_the_last_row_there_is_none():
    fan = [(0, number, 1000 + number) for number in range(MOST_ROWS + 2)]
    assert list(rows_of(fan).values()) == [*range(MOST_ROWS), NO_ROW, NO_ROW]


def test_no_slices():
    assert rows_of([]) == {}


SLICE = st.tuples(st.integers(0, 1), st.integers(0, 40), st.integers(0, 12)).map(lambda one: (one[0], one[1], one[1] + one[2]))


@settings(max_examples=300)
@given(st.lists(SLICE, max_size=24, unique=True))
def test_no_two_slices_of_a_row_cross_and_rows_are_there_for_a_reason(slices: Slices):
    rows = rows_of(slices)
    assert not any(crosses(one, other) for one in slices for other in slices if rows[one] == rows[other])
    for one in slices:
        for row in range(rows[one]):
            assert any(crosses(one, other) for other in slices if rows[other] == row), (one, row)
