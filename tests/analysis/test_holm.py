"""What survives among several comparisons, on numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from core.analysis.holm import ALPHA, holm, pairs_for, sign_test

MARGIN = math.log(1.05)


def test_six_pairs_all_beyond_the_margin_are_the_exact_interval_from_minimum_to_maximum():
    assert sign_test([0.3] * 6, MARGIN) == pytest.approx(2 / 64)
    assert sign_test([-0.3] * 6, MARGIN) == pytest.approx(2 / 64)


def test_a_pair_within_the_margin_counts_against():
    """2 (C(8,7) + C(8,8)) / 2^8."""
    assert sign_test([0.3] * 7 + [0.01], MARGIN) == pytest.approx(18 / 256)
    assert sign_test([0.01] * 8, MARGIN) == 1.0


def test_holm_multiplies_by_what_is_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_one_changes_nothing_and_stops_at_one():
    assert holm([0.03]) == [0.03]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("comparisons", [1, 2, 6, 25, 200])
def test_with_so_many_pairs_every_one_of_the_comparisons_can_survive_and_with_one_fewer_none_of_the_first(comparisons: int):
    pairs = pairs_for(comparisons)
    p_value = sign_test([1.0] * pairs, MARGIN)
    assert max(holm([p_value] * comparisons)) <= ALPHA
    assert min(holm([2 * p_value] * comparisons)) > ALPHA


def test_one_comparison_needs_the_six_pairs_of_the_quick_preset():
    assert pairs_for(1) == 6
