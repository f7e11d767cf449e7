"""From factors to verdicts, by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from core.claims.judging import (
    CANNOT_TELL,
    DOES_NOT_HOLD,
    HOLDS,
    Factor,
    all_of,
    judge_about,
    judge_factor,
    judge_growth,
    judge_up_to,
    mean_interval,
    memory_factor,
    time_factor,
    trend,
)
from tests.claims.made import GIB, compared, failed


def factor(low: float, high: float, noise: float = 0.0) -> Factor:
    return Factor(value=math.sqrt(low * high), low=low, high=high, noise=noise)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (factor(1.12, 1.18), HOLDS),
        (factor(1.05, 1.30), HOLDS),
        (factor(0.95, 1.15), CANNOT_TELL),  # reaches the claim, but 1 too
        (factor(1.02, 1.12, noise=0.05), CANNOT_TELL),  # beyond 1, but not beyond what the machine shows against itself
        (factor(0.80, 0.90), DOES_NOT_HOLD),
        (factor(1.30, 1.50), DOES_NOT_HOLD),
        (factor(1.25, 1.50, noise=0.10), CANNOT_TELL),  # noise alone could hide the claimed factor
        (factor(0.99, 1.01), DOES_NOT_HOLD),
    ],
)
def test_a_claimed_factor(measured: Factor, verdict: str):
    assert judge_factor(measured, (1.10, 1.20)) == verdict


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(factor(1.05, 1.20), HOLDS), (factor(1.40, 1.60), DOES_NOT_HOLD), (factor(0.95, 0.99), DOES_NOT_HOLD), (factor(0.98, 1.04), CANNOT_TELL)],
)
def test_a_claimed_limit(measured: Factor, verdict: str):
    assert judge_up_to(measured, 1.30) == verdict


def test_a_claim_of_several_parts_holds_where_all_do():
    assert all_of([HOLDS, HOLDS]) == HOLDS
    assert all_of([HOLDS, CANNOT_TELL]) == CANNOT_TELL
    assert all_of([HOLDS, CANNOT_TELL, DOES_NOT_HOLD]) == DOES_NOT_HOLD
    assert all_of([]) == CANNOT_TELL


def test_the_inverse_swaps_the_ends():
    assert factor(0.5, 0.8).inverse().low == pytest.approx(1.25)
    assert factor(0.5, 0.8).inverse().high == pytest.approx(2.0)


def test_a_comparison_that_was_not_fit_gives_no_factor():
    assert time_factor(compared(ratio=1.4).result) == Factor(value=1.4, low=1.4 * 0.98, high=1.4 * 1.02, noise=0.01)
    assert time_factor(compared(ratio=1.4, verdict="not_comparable").result) is None
    assert time_factor(failed().result) is None


def test_peak_memory_is_compared_pair_by_pair():
    peaks = ([4 * GIB] * 6, [5 * GIB, 6 * GIB, 5 * GIB, 5 * GIB, 5 * GIB, 4 * GIB])
    found = memory_factor(compared(peaks=peaks).result)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.25, 1.0, 1.5))  # six pairs: minimum to maximum
    assert memory_factor(compared(peaks=(peaks[0][:5], peaks[1][:5])).result) is None


def test_a_mean_has_students_interval():
    mean = mean_interval([98.0, 98.2, 98.4])
    # t(0.975, 2) = 4.3027, standard error 0.2 / sqrt(3)
    assert mean.value == pytest.approx(98.2)
    assert mean.interval_95[1] - mean.value == pytest.approx(4.3027 * 0.2 / math.sqrt(3), rel=1e-4)


def test_about_a_value_means_within_the_margin():
    assert judge_about(mean_interval([98.1, 98.2, 98.3, 98.2]), 98.2, 0.3) == HOLDS
    assert judge_about(mean_interval([98.9, 99.0, 98.95, 99.0]), 98.2, 0.3) == DOES_NOT_HOLD
    assert judge_about(mean_interval([97.5, 98.9]), 98.2, 0.3) == CANNOT_TELL


def test_a_ratio_that_doubles_with_each_tenfold_of_work_has_that_slope():
    found = trend([1e6, 1e7, 1e8, 1e9], [1.0, 2.0, 4.0, 8.0])
    assert found.per_tenfold.value == pytest.approx(2.0)
    assert judge_growth(found, 0.05) == HOLDS


def test_one_workload_alone_makes_no_trend():
    assert judge_growth(trend([1e6, 1e7, 1e8, 1e9, 1e10], [1.0, 1.0, 3.0, 1.0, 1.0]), 0.05) == CANNOT_TELL


def test_a_ratio_that_falls_or_stays_does_not_widen():
    assert judge_growth(trend([1e6, 1e7, 1e8, 1e9], [8.0, 4.1, 2.0, 1.0]), 0.05) == DOES_NOT_HOLD
    assert judge_growth(trend([1e6, 1e7, 1e8, 1e9], [1.2, 1.201, 1.199, 1.2]), 0.05) == DOES_NOT_HOLD
