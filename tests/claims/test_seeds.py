"""Is a seed enough to repeat a training bit by bit?"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.claims.experiments.processes import Processes
from core.claims.experiments.seeds import Repeated, judge_seeds
from core.claims.judging import Factor
from tests.claims.here import context

COSTS = {"pytorch": Factor(value=1.2, low=1.1, high=1.3)}


def repeated(*digests: str, seeded: bool = True, switches: bool = False, threads: int = 1) -> Repeated:
    results = [{"digest": digest, "final_loss": 1.0 + i, "seconds": 1.0} for i, digest in enumerate(digests)]
    return Repeated(framework="pytorch", threads=threads, seeded=seeded, switches=switches, results=results)


CONTROL = repeated("x", "y", seeded=False)


def test_equal_bits_with_a_seed_and_different_ones_without():
    result = judge_seeds([repeated("a", "a", "a"), CONTROL], COSTS, where="on this CPU with 1 thread", gpu=False)
    assert result.verdict == "holds"
    assert "a GPU, whose order varies, were not tested" in result.reason
    assert "1.20 [1.10, 1.30]" in result.reason


@pytest.mark.parametrize(("switched", "helped"), [("aaa", "the switches make them equal"), ("aab", "the switches do not make them equal")])
def test_one_different_bit_refutes_and_the_switches_may_help(switched: str, helped: str):
    found = [repeated("a", "a", "b"), repeated(*switched, switches=True), CONTROL]
    result = judge_seeds(found, COSTS, where="here", gpu=True)
    assert result.verdict == "does_not_hold"
    assert "2 different results of 3 runs" in result.reason
    assert helped in result.reason
    assert result.rows[0]["largest_loss_difference"] == 2.0


def test_runs_that_are_equal_without_a_seed_prove_nothing():
    assert judge_seeds([repeated("a", "a"), repeated("a", "a", seeded=False)], COSTS, where="here", gpu=False).verdict == "cannot_tell"


def test_results_that_depend_on_the_threads_are_told():
    found = [repeated("a", "a"), repeated("b", "b", threads=2), CONTROL]
    result = judge_seeds(found, COSTS, where="here", gpu=False)
    assert result.verdict == "holds"
    assert "Between one and two threads PyTorch differ" in result.reason


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_a_seed_repeats_a_real_training_and_its_absence_does_not(framework: str, tmp_path: Path):
    processes = Processes(context(tmp_path), limit_s=120)
    settings = {"steps": 4, "batch_size": 16}
    # The switches only with a seed: TensorFlow refuses to draw random numbers without one then.
    choices = ({"seed": 1, "deterministic": True}, {"seed": 1, "deterministic": True}, {"seed": None, "deterministic": False})
    one, same, free = (processes.run("repeated_seed", framework, {**settings, **choice})["digest"] for choice in choices)
    assert one == same
    assert one != free
