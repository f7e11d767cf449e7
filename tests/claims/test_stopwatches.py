"""One program under four stopwatches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.processes import Processes
from core.claims.experiments.stopwatches import STOPWATCHES, judge_stopwatches
from tests.claims.here import context

NOISE = (0.99, 1.0, 1.01, 1.0, 0.99, 1.01, 1.0)


def pairs(noise: tuple[float, ...] = NOISE, **tensorflow_s: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Seven pairs: PyTorch takes a second by every stopwatch, TensorFlow a second or what is said, with some noise."""
    losses = {"losses": [1.0, 0.25]}
    pytorch = {**dict.fromkeys(STOPWATCHES, 1.0), **losses}
    return [({name: tensorflow_s.get(name, 1.0) * factor for name in STOPWATCHES} | losses, pytorch) for factor in noise]


def test_a_ratio_that_moves_with_the_stopwatch_is_no_answer():
    result = judge_stopwatches(pairs(process_s=1.5), where="here")
    assert result.verdict == "does_not_hold"
    assert "but `time`: whole process 1.50 [" in result.reason
    assert result.interval == pytest.approx((1.485, 1.515))  # the exact interval of seven pairs is their smallest to their largest
    assert "0.25 (TensorFlow)" in result.reason


def test_a_ratio_that_stays_is_one():
    assert judge_stopwatches(pairs(), where="here").verdict == "holds"


def test_noise_between_the_stopwatches_leaves_it_open():
    noisy = pairs()
    for i, (tensorflow, _) in enumerate(noisy):
        tensorflow["process_s"] *= 1.5 if i % 2 else 0.7
    assert judge_stopwatches(noisy, where="here").verdict == "cannot_tell"


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_every_stopwatch_of_a_real_process(framework: str, tmp_path: Path):
    settings = {"steps": 4, "batch_size": 32, "repeats": 2, "blocks": 2, "seed": 1}
    measured = Processes(context(tmp_path), limit_s=120).run("stopwatches", framework, settings)
    assert measured["process_s"] > measured["first_s"] > 0  # the process includes its first training
    assert len(measured["losses"]) >= 3
    assert measured["losses"][-1] < measured["losses"][0]  # it goes on with the same weights
