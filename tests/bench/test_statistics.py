"""Estimates, intervals and verdicts on hand-made numbers and on simulated comparisons."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.statistics import judge, median_interval, noise_floor, paired_equivalence, pairs_needed


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def logs(*ratios: float) -> np.ndarray:
    return np.log(np.array(ratios))


QUIET = logs(0.995, 1.005, 1.002, 0.998, 1.001, 0.999)


def test_six_pairs_at_95_percent_run_from_minimum_to_maximum():
    assert median_interval(np.array([0.3, 0.1, 0.2, 0.6, 0.5, 0.4]), 0.95, generator()) == (0.1, 0.6)


def test_seven_pairs_at_90_percent_drop_neither_end_and_at_85_percent_drop_both():
    values = np.arange(7.0)
    assert median_interval(values, 0.90, generator()) == (0.0, 6.0)
    # Coverage of (x2, x6) is 1 - 2 (1 + 7) / 128 = 87.5 %.
    assert median_interval(values, 0.85, generator()) == (1.0, 5.0)


def test_five_pairs_cannot_give_a_95_percent_interval():
    with pytest.raises(ValueError, match="5 pairs"):
        median_interval(np.arange(5.0), 0.95, generator())


def test_bootstrap_interval_of_many_pairs_holds_the_median_and_narrows_with_n():
    draw = np.random.default_rng(1).normal(0.1, 0.05, 200)
    low, high = median_interval(draw, 0.95, generator())
    few_low, few_high = median_interval(draw[:20], 0.95, generator())
    assert low < np.median(draw) < high
    assert high - low < few_high - few_low


def test_bootstrap_interval_of_equal_values_is_that_value():
    assert median_interval(np.full(12, 0.25), 0.95, generator()) == (0.25, 0.25)


def test_bootstrap_interval_where_all_but_one_are_equal_is_finite():
    low, high = median_interval(np.array([0.0] * 11 + [0.5]), 0.95, generator())
    assert math.isfinite(low)
    assert math.isfinite(high)


def test_noise_floor_of_ratios_that_are_all_two_is_one():
    assert noise_floor(np.full(6, math.log(2)), 6, generator()) == pytest.approx(1.0)


def test_noise_floor_shrinks_with_the_number_of_pairs():
    noise = np.random.default_rng(3).normal(0, 0.05, 40)
    assert noise_floor(noise, 30, generator()) < noise_floor(noise, 6, generator())


def test_clear_difference_is_faster_on_the_side_that_takes_less_time():
    slow_b = judge(logs(1.3, 1.32, 1.28, 1.31, 1.29, 1.3), QUIET, 0.05, generator())
    assert (slow_b.verdict, slow_b.faster_side) == ("faster", "a")
    assert slow_b.ratio == pytest.approx(1.3, abs=0.01)
    slow_a = judge(logs(0.7, 0.72, 0.71, 0.69, 0.7, 0.73), QUIET, 0.05, generator())
    assert (slow_a.verdict, slow_a.faster_side) == ("faster", "b")


def test_equal_sides_have_no_practical_difference():
    assert judge(QUIET, QUIET, 0.05, generator()).verdict == "no_practical_difference"


def test_small_but_sure_difference_is_measurable_under_the_threshold():
    result = judge(logs(1.02, 1.021, 1.019, 1.022, 1.018, 1.02), QUIET, 0.05, generator())
    assert (result.verdict, result.faster_side) == ("measurable_under_threshold", "a")


def test_wide_interval_cannot_tell_and_says_how_many_pairs_would():
    result = judge(logs(0.9, 1.3, 1.1, 1.2, 0.95, 1.25), QUIET, 0.05, generator())
    assert result.verdict == "cannot_tell"
    assert result.faster_side is None
    assert result.pairs_needed is not None
    assert result.pairs_needed > 6


def test_noise_floor_above_the_threshold_takes_its_place():
    noisy = logs(1.2, 0.83, 1.25, 0.8, 1.2, 0.82)
    result = judge(logs(1.12, 1.13, 1.11, 1.12, 1.14, 1.12), noisy, 0.05, generator())
    assert result.delta == result.noise_floor > 0.12
    assert result.verdict == "cannot_tell"


def test_equality_within_the_noise_is_no_finding():
    noisy = logs(1.2, 0.83, 1.25, 0.8, 1.2, 0.82)
    blind = judge(QUIET, noisy, 0.05, generator())
    assert (blind.verdict, blind.pairs_needed) == ("cannot_tell", None)
    assert judge(QUIET, QUIET, 0.05, generator()).verdict == "no_practical_difference"


def test_pairs_needed_is_none_without_spread_or_when_hopeless():
    assert pairs_needed(np.full(6, 0.2), 0.05) is None
    assert pairs_needed(np.array([-2.0, 2.0, -2.0, 2.05, 0.049, 0.051]), 0.05) is None


@given(st.lists(st.floats(-0.5, 0.5), min_size=6, max_size=7), st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=6))
def test_exchanging_the_sides_mirrors_the_verdict(values: list[float], noise: list[float]):
    forward = judge(np.array(values), np.array(noise), 0.05, generator())
    backward = judge(-np.array(values), np.array(noise), 0.05, generator())
    assert backward.verdict == forward.verdict
    assert backward.ratio == pytest.approx(1 / forward.ratio)
    assert backward.interval_95 == pytest.approx((1 / forward.interval_95[1], 1 / forward.interval_95[0]))
    assert {forward.faster_side, backward.faster_side} in ({None}, {"a", "b"})


def test_accuracies_within_the_margin_are_equivalent_and_far_ones_are_not():
    close = paired_equivalence(np.array([0.0005, -0.0004, 0.0002, -0.0001, 0.0003, 0.0]), 0.003)
    assert close.equivalent
    assert close.interval_90[0] < close.mean_difference < close.interval_90[1]
    assert not paired_equivalence(np.array([0.004, 0.005, 0.0045, 0.0042]), 0.003).equivalent
