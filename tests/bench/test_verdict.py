"""What the machine did to a comparison, and how its verdict reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.bench.start import make_spec
from core.bench.statistics import judge
from core.bench.verdict import (
    ProfiledSteps,
    compare_accuracy,
    machine_reasons,
    noise_reasons,
    page_fault_notes,
    parity_reasons,
    sentence,
    summarise_side,
)
from core.model.comparison import ComparisonSpec, SideSummary
from core.model.parity import ParityStage
from core.model.run import MachineLoad, RunResult
from core.model.variant import parse_variant

SPEC = make_spec("mnist_cnn", parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1))
GPU_SPEC = replace(SPEC, b=parse_variant("pytorch:device=gpu", threads=1))
QUIET = np.log([0.995, 1.005, 1.002, 0.998, 1.001, 0.999])


def run(side: str, *, other: float = 0.0, steal: float = 0.0, settled: bool | None = True, throttle: tuple[str, ...] = (), **more: Any) -> RunResult:
    load = MachineLoad(own_cores=1.0, other_cores=other, steal_cores=steal, samples=5, gpu_throttle_reasons=throttle, gpu_energy_j=90.0)
    return RunResult(index=0, role="pair", side=side, pair=0, seed=1, ok=True, load=load, settled=settled, **more)


def test_quiet_runs_give_no_reason():
    assert machine_reasons(SPEC, [run("a"), run("b", other=0.3)], 2) == []


@pytest.mark.parametrize(("other", "steal"), [(0.9, 0.0), (0.1, 0.8)])
def test_one_side_that_is_crowded_in_most_of_its_runs_is_enough(other: float, steal: float):
    runs = [run("a")] * 6 + [run("b", other=other, steal=steal)] * 4 + [run("b")] * 2
    [reason] = machine_reasons(SPEC, runs, 2)
    assert "crowded in 4 of 6 runs of side B" in reason
    assert machine_reasons(SPEC, runs, 4) == []


def test_throttling_counts_for_a_side_that_uses_the_gpu_only():
    runs = [run("a"), run("b", throttle=("thermal slowdown",))]
    assert machine_reasons(SPEC, runs, 2) == []
    assert "thermal slowdown" in machine_reasons(GPU_SPEC, runs, 2)[0]


def test_more_than_a_fifth_of_unsettled_runs_is_too_much():
    assert machine_reasons(SPEC, [run("a")] * 8 + [run("b", settled=False)] * 2, 2) == []
    assert "3 of 10 runs never reached a steady state" in machine_reasons(SPEC, [run("a")] * 7 + [run("b", settled=False)] * 3, 2)[0]
    assert machine_reasons(SPEC, [run("a", settled=None)] * 10, 2) == []


def test_a_machine_that_differs_from_itself_by_more_than_half_compares_nothing():
    wild = judge(QUIET, np.log([2.0, 0.5, 2.1, 0.4, 2.2, 0.5]), 0.05, np.random.default_rng(0))
    assert "differs from itself" in noise_reasons(wild)[0]
    assert noise_reasons(judge(QUIET, QUIET, 0.05, np.random.default_rng(0))) == []


def test_the_first_failed_gate_is_named_with_its_tensor():
    stages = (
        ParityStage(stage="parameters", measure="difference", error=0, allowed=0, passed=True),
        ParityStage(stage="gradients", measure="relative L2, worst tensor", error=0.7, allowed=1e-5, passed=False, tensor="dense1/kernel"),
        ParityStage(stage="one_step", measure="largest absolute difference", error=0.1, allowed=1e-6, passed=False),
    )
    [reason] = parity_reasons(stages)
    assert "gradients fails in dense1/kernel: relative L2, worst tensor 7.0e-01, allowed 1e-05" in reason


def test_the_sentence_names_the_faster_side_with_a_factor_above_one():
    slow_a = judge(np.log([0.5] * 6), QUIET, 0.05, np.random.default_rng(0))
    words = sentence(SPEC, slow_a)
    assert words.startswith("PyTorch eager is faster than TensorFlow graph (tf.function) on this machine: 2.00x")
    unknown = judge(np.log([0.8, 1.4, 1.1, 1.2, 0.9, 1.3]), QUIET, 0.05, np.random.default_rng(0))
    assert "PyTorch eager takes 1.15 times as long as TensorFlow graph" in sentence(SPEC, unknown)


def test_slowdown_is_within_one_process_and_energy_is_for_gpu_sides_only():
    runs = [run("a", step_ms=20.0), run("b", step_ms=30.0)]
    a = summarise_side(GPU_SPEC, "a", runs, ProfiledSteps(with_profiler_ms=33.0, without_ms=30.0))
    b = summarise_side(GPU_SPEC, "b", runs, None)
    assert a.profiler_slowdown == pytest.approx(1.1)
    assert (a.energy_per_run_j, b.energy_per_run_j) == (None, 90.0)
    assert (a.samples_per_s, b.profiler_slowdown) == (3200.0, None)


def test_accuracies_need_three_seeds_and_are_compared_pair_by_pair():
    pairs = [(run("a", test_accuracy=0.98 + i / 1000), run("b", test_accuracy=0.9801 + i / 1000)) for i in range(6)]
    equal = compare_accuracy(pairs)
    assert equal is not None
    assert equal.equivalent
    assert equal.mean_difference == pytest.approx(1e-4)
    assert compare_accuracy(pairs[:2]) is None


def with_faults(spec: ComparisonSpec, **faults: float) -> dict[str, SideSummary]:
    return {side: SideSummary(variant=spec.variant(side), step_ms=20.0, page_faults_per_step=faults.get(side)) for side in "ab"}


def test_a_side_that_asks_for_its_memory_at_each_step_is_named_with_what_it_may_cost():
    assert page_fault_notes(SPEC, with_faults(SPEC)) == []  # recorded before they were counted
    assert page_fault_notes(SPEC, with_faults(SPEC, a=900, b=900)) == []
    (note,) = page_fault_notes(SPEC, with_faults(SPEC, a=900, b=5_200))
    assert note.startswith("Side B gives memory back to the system and asks for it anew at each step: 5,200 page faults, roughly 5.2 ms of 20.0.")
    assert note.endswith("with malloc=keep it does not.")
    kept = replace(SPEC, b=parse_variant("pytorch:malloc=keep", threads=1))
    assert "malloc=keep" not in page_fault_notes(kept, with_faults(kept, b=5_200))[0]
    assert page_fault_notes(GPU_SPEC, with_faults(GPU_SPEC, b=5_200)) == []  # the host is ahead of the device
