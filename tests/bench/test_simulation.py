"""What the verdict gets wrong, over a thousand comparisons with noise that was measured."""

import numpy as np
import pytest

from bench.power import recorded_noise
from core.bench.simulation import simulate_verdicts
from core.model.comparison import PRESETS

NOISE = recorded_noise()


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_a_variant_against_itself_is_called_faster_in_at_most_5_percent(name: str):
    preset = PRESETS[name]
    counts = simulate_verdicts(NOISE.self_log_ratios, true_ratio=1.0, pairs=preset.pairs, self_pairs=preset.noise_pairs + preset.pairs // 2,
                               threshold=0.05, comparisons=1000, seed=11)  # fmt: skip
    assert counts.total() == 1000
    assert counts["faster"] <= 50


def test_without_the_noise_floor_the_same_noise_would_fool_it_more():
    """The floor is what protects: a machine that hides its noise from the referee is believed too much."""
    kwargs = {"true_ratio": 1.0, "pairs": 6, "threshold": 0.01, "comparisons": 400, "seed": 3}
    noisy = np.random.default_rng(1).normal(0, 0.08, 40)
    honest = simulate_verdicts(noisy, self_pairs=6, **kwargs)  # type: ignore[arg-type]
    # Many pairs of a variant against itself find the same floor; a single one often finds none.
    blind = simulate_verdicts(noisy, self_pairs=1, **kwargs)  # type: ignore[arg-type]
    assert blind["faster"] > honest["faster"]


def test_a_large_difference_is_found_on_the_right_side():
    counts = simulate_verdicts(np.random.default_rng(2).normal(0, 0.01, 30), true_ratio=1.1, pairs=6, self_pairs=6, threshold=0.05,
                               comparisons=200, seed=4)  # fmt: skip
    assert counts["faster"] >= 190
    assert counts["wrong"] == 0
