"""Order and length of the runs."""

from typing import Any

import numpy as np
import pytest

from core.bench.plan import MIN_BATCHES, RunLength, SpecError, pair_orders, profile_steps, run_length
from core.bench.start import make_spec
from core.model.variant import parse_variant
from core.workloads.registry import workload_spec

SPEC = workload_spec("mnist_cnn")
A, B = parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1)


def length_of(preset: str, pilots: dict[str, np.ndarray], **asked: Any) -> RunLength:
    return run_length(make_spec("mnist_cnn", A, B, preset=preset, **asked), SPEC, pilots)


def steps_of(ms: float, count: int = 40) -> dict[str, np.ndarray]:
    return {"a": np.full(count, ms), "b": np.full(count, ms)}


def test_orders_are_abba_baab_from_either_start():
    starts = {tuple(pair_orders(8, np.random.default_rng(seed))) for seed in range(20)}
    ab = ("ab", "ba", "ba", "ab") * 2
    assert starts == {ab, tuple("ba" if order == "ab" else "ab" for order in ab)}


def test_both_sides_get_the_same_length_from_the_slower_and_the_faster_pilot():
    pilots = {"a": np.full(40, 10.0), "b": np.full(40, 20.0)}
    length = length_of("quick", pilots)
    assert length.block_steps == 8  # 75 ms by the pilot, so surely 50 ms, on the faster side
    assert length.warmup_steps == 16  # at least 10, in whole blocks
    steady = length.steps - 1 - length.warmup_steps
    assert steady % length.block_steps == 0
    assert steady // length.block_steps >= 20
    assert length.evaluate_every_steps == length.steps


def test_epochs_that_are_over_before_anything_is_measured_are_refused():
    with pytest.raises(SpecError, match="3 epochs of 3 steps are over before 20 blocks"):
        length_of("article", steps_of(10), batch_size=20_000)


def test_steps_asked_for_are_measured_in_whole_blocks():
    length = length_of("quick", steps_of(10), steps=500)
    assert length.steps == 1 + length.warmup_steps + 504


def test_article_preset_trains_three_whole_epochs_and_evaluates_after_each():
    length = length_of("article", steps_of(10))
    assert length.steps == 3 * 937
    assert length.evaluate_every_steps == 937


def test_slow_steps_are_measured_with_fewer_blocks_but_never_with_fewer_than_five():
    quick = length_of("quick", steps_of(1_000, 6))
    assert quick.steps == 1 + 9 + 9  # 9 s, six times the 1.5 s of the preset, for each of warm-up and measurement
    very_slow = length_of("quick", steps_of(60_000, 6))
    assert (very_slow.warmup_steps, very_slow.steps) == (2, 1 + 2 + 5)


def test_inference_is_timed_batch_by_batch_and_often_enough_for_a_99th_percentile():
    length = length_of("quick", steps_of(2), task="inference")
    assert length.block_steps == 1
    assert length.steps - 1 - length.warmup_steps >= MIN_BATCHES


def test_epochs_are_blocks_behind_one_that_warms_up():
    length = length_of("quick", steps_of(5), measure="epoch", train_samples=6_400)
    assert (length.block_steps, length.warmup_steps) == (100, 100)
    assert length.steps == 100 * (1 + 3)  # 1.5 s are three epochs of 100 steps of 5 ms


def test_slow_steps_are_profiled_less_often():
    assert profile_steps(10, steps_of(20)) == 10
    assert profile_steps(10, steps_of(4_000)) == 5
    assert profile_steps(10, steps_of(90_000)) == 3
