"""Order and length of the runs."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench.plan import SpecError, pair_orders, run_length
from core.model.comparison import PRESETS
from core.workloads.registry import workload_spec

SPEC = workload_spec("mnist_cnn")


def test_orders_are_abba_baab_from_either_start():
    starts = {tuple(pair_orders(8, np.random.default_rng(seed))) for seed in range(20)}
    ab = ("ab", "ba", "ba", "ab") * 2
    assert starts == {ab, tuple("ba" if order == "ab" else "ab" for order in ab)}


def test_both_sides_get_the_same_length_from_the_slower_and_the_faster_pilot():
    pilots = {"a": np.full(40, 10.0), "b": np.full(40, 20.0)}
    length = run_length(PRESETS["quick"], SPEC, 64, pilots)
    assert length.block_steps == 8  # 75 ms by the pilot, so surely 50 ms, on the faster side
    assert length.warmup_steps == 16  # at least 10, in whole blocks
    steady = length.steps - 1 - length.warmup_steps
    assert steady % length.block_steps == 0
    assert steady // length.block_steps >= 20
    assert length.evaluate_every_steps == length.steps


def test_epochs_that_are_over_before_anything_is_measured_are_refused():
    with pytest.raises(SpecError, match="3 epochs of 3 steps are over before 20 blocks"):
        run_length(PRESETS["article"], SPEC, 20_000, {"a": np.full(40, 10.0), "b": np.full(40, 10.0)})


def test_steps_asked_for_are_measured_in_whole_blocks():
    preset = replace(PRESETS["quick"], steps=500, steady_seconds=None)
    length = run_length(preset, SPEC, 64, {"a": np.full(40, 10.0), "b": np.full(40, 10.0)})
    assert length.steps == 1 + length.warmup_steps + 504


def test_article_preset_trains_three_whole_epochs_and_evaluates_after_each():
    length = run_length(PRESETS["article"], SPEC, 64, {"a": np.full(40, 10.0), "b": np.full(40, 10.0)})
    assert length.steps == 3 * 937
    assert length.evaluate_every_steps == 937
