"""Steady state and warm-up on hand-made step times."""

import numpy as np
import pytest

from core.bench.settle import block_variation, changepoints, is_settled, warmup_steps

NOISE = np.random.default_rng(5).normal(0, 0.03, 40)


def test_flat_noise_is_settled():
    assert is_settled(10 * (1 + NOISE))


def test_a_run_that_is_still_getting_slower_is_not_settled():
    assert is_settled(np.concatenate([np.full(18, 10.0), np.full(22, 13.0)]) * (1 + NOISE)) is False


@pytest.mark.parametrize("slow_blocks", [22, 28])
def test_a_run_that_warmed_up_late_is_not_settled_because_its_median_is_not_its_end(slow_blocks: int):
    times = np.concatenate([np.full(slow_blocks, 13.0), np.full(40 - slow_blocks, 10.0)]) * (1 + NOISE)
    assert is_settled(times) is False
    assert any(abs(place - slow_blocks) <= 1 for place in changepoints(times))


def test_a_run_that_gets_faster_all_the_time_is_not_settled():
    assert is_settled(np.linspace(20, 10, 40)) is False


def test_a_short_disturbance_at_the_end_does_not_unsettle():
    assert is_settled(np.concatenate([np.full(33, 10.0), np.full(7, 14.0)]) * (1 + NOISE))


def test_single_disturbed_blocks_do_not_unsettle():
    times = 10 * (1 + NOISE)
    times[[4, 17, 33]] *= 4
    assert is_settled(times)
    assert changepoints(times) == []


def test_too_few_blocks_tell_nothing():
    assert is_settled(np.full(9, 10.0)) is None
    assert block_variation(np.full(4, 10.0)) is None


def test_variation_is_that_of_the_last_ten_blocks():
    assert block_variation(np.concatenate([np.full(20, 99.0), np.full(10, 10.0)])) == 0


def test_warm_up_covers_the_slow_start_with_room_to_spare():
    assert warmup_steps(np.concatenate([np.full(12, 30.0), np.full(28, 10.0)])) >= 12
    assert warmup_steps(np.full(40, 10.0)) == 10
