"""What each claim made of comparisons concludes, from comparisons made up to come out either way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.claims.experiments import article_times, checkpointing, code_same, loading, precision, resnet, synchronising, widening
from core.claims.experiments.comparing import refused_row
from core.model.parity import ParityStage
from tests.claims.made import GIB, PYTORCH, TENSORFLOW, compared, failed

FAILING = (ParityStage(stage="forward", measure="relative L2", error=0.7, allowed=1e-6, passed=False, tensor="dense2"),)
SAME_PEAKS = ([4 * GIB] * 6, [4 * GIB] * 6)


@pytest.mark.parametrize(("ratio", "verdict"), [(10.6 / 12.3, "holds"), (1.3, "does_not_hold"), (1.0, "does_not_hold"), (0.94, "cannot_tell")])
def test_mnist_time_is_about_pytorchs_edge(ratio: float, verdict: str):
    result = article_times.judge_time(compared(ratio=ratio, spread=0.04, noise=0.05 if verdict == "cannot_tell" else 0.01))
    assert result.verdict == verdict
    assert result.estimate == pytest.approx(1 / ratio)
    assert result.interval is not None
    assert len(result.comparisons) == 1


def test_mnist_time_of_an_unfit_machine_cannot_tell():
    result = article_times.judge_time(compared(verdict="not_comparable", sentence="Not comparable: the machine was crowded."))
    assert (result.verdict, result.reason, result.interval) == ("cannot_tell", "Not comparable: the machine was crowded.", None)


@pytest.mark.parametrize(("level", "verdict"), [(0.982, "holds"), (0.99, "does_not_hold")])
def test_mnist_accuracy_is_held_against_98_2_percent(level: float, verdict: str):
    seeds = [level + 0.0002 * step for step in (-2, -1, 0, 0, 1, 2)]
    result = article_times.judge_accuracy(compared(accuracies=(seeds, list(reversed(seeds)))))
    assert result.verdict == verdict
    assert result.estimate == pytest.approx(level * 100)
    assert [row["seeds"] for row in result.rows] == [6, 6]
    assert "equivalent within 0.3 points" in result.reason


def test_mnist_accuracy_needs_three_pairs():
    assert article_times.judge_accuracy(compared(accuracies=([0.98] * 2, [0.98] * 2))).verdict == "cannot_tell"


def test_programs_that_do_not_compute_the_same_are_not_the_same_model():
    printed = compared("as printed", ratio=0.8, identical=False, parity=FAILING)
    equal = compared("training loop", ratio=1.25)
    result = code_same.judge([printed, compared("metrics", ratio=0.9, identical=False), equal])
    assert result.verdict == "does_not_hold"
    assert "as printed the gate 'forward pass' fails (relative L2 7.0e-01, allowed 1e-06)" in result.reason
    assert "goes from 0.80 [0.78, 0.82] as printed to 1.25" in result.reason
    assert [(row["knob"], row["ratio"]) for row in result.rows] == [("as printed", 0.8), ("metrics", 0.9), ("training loop", 1.25)]
    assert result.comparisons[-1] == equal.result.id


def test_a_gate_that_could_not_be_passed_through_proves_nothing():
    unnamed = (replace(FAILING[0], error=None, detail="fc1.bias is not in the weight map"),)
    printed = compared("as printed", ratio=0.8, identical=False, parity=unnamed)
    same_time = code_same.judge([printed, compared("training loop", ratio=0.81)])
    assert same_time.verdict == "cannot_tell"
    later = compared("metrics", ratio=0.8, identical=False, parity=FAILING)
    found = code_same.judge([printed, later, compared("training loop", ratio=0.81)])
    assert found.verdict == "does_not_hold"
    assert "with everything equal up to 'metrics' the gate 'forward pass' fails" in found.reason


def test_a_step_that_failed_leaves_a_gap_and_not_a_number():
    result = code_same.judge([compared("as printed", ratio=0.8), failed("metrics"), compared("training loop", ratio=0.81)])
    assert [row["ratio"] for row in result.rows] == [0.8, None, 0.81]
    assert result.verdict == "holds"


def test_nothing_is_said_where_the_last_step_failed():
    result = code_same.judge([compared("as printed", identical=None), failed("training loop")])
    assert (result.verdict, result.estimate) == ("cannot_tell", None)
    assert "No C++ compiler" in result.reason


def test_resnet_on_a_cpu_says_nothing_about_a_gpu():
    on_cpu = resnet.judge_step(compared(ratio=0.89), "cpu")
    assert on_cpu.verdict == "needs_gpu"
    assert on_cpu.estimate == pytest.approx(1 / 0.89)
    assert resnet.judge_step(compared(ratio=0.89), "gpu").verdict == "holds"
    assert resnet.judge_step(compared(ratio=1.2), "gpu").verdict == "does_not_hold"


def test_memory_on_a_cpu_says_nothing_about_a_gpu():
    claimed = compared(peaks=([int(4.2 * GIB)] * 6, [int(4.7 * GIB)] * 6))
    assert resnet.judge_memory(claimed, "cpu").verdict == "needs_gpu"
    assert resnet.judge_memory(claimed, "gpu").verdict == "holds"
    assert resnet.judge_memory(compared(peaks=SAME_PEAKS), "gpu").verdict == "does_not_hold"


def test_widening_is_a_slope_over_networks():
    # Time of PyTorch over time of TensorFlow falls with the work: the claimed direction.
    growing = [(compared(ratio=0.9 / 2**place), 10 ** (6 + place)) for place in range(5)]
    assert widening.judge(growing).verdict == "holds"
    assert widening.judge([(one, 10 ** (10 - place)) for place, (one, _) in enumerate(growing)]).verdict == "does_not_hold"
    few = widening.judge([*growing[:3], (failed(), 10**9), (failed(), 10**10)])
    assert few.verdict == "cannot_tell"
    assert "Only 3 of 5" in few.reason


def test_checkpointing_is_needed_by_one_framework_only_where_the_other_fits():
    def on(fits: dict[str, bool]) -> str:
        both = []
        for variant in (TENSORFLOW, PYTORCH):
            peak = 3 * GIB if fits[variant.framework] else 5 * GIB
            both.append(compared(a=variant, b=replace(variant, checkpointing="on"), ratio=1.3, peaks=([peak] * 6, [2 * GIB] * 6)))
        return checkpointing.judge(both, "gpu").verdict

    assert on({"tensorflow": True, "pytorch": False}) == "holds"
    assert on({"tensorflow": False, "pytorch": False}) == "does_not_hold"
    assert on({"tensorflow": True, "pytorch": True}) == "does_not_hold"


def test_checkpointing_on_a_cpu_shows_what_it_saves_and_needs_a_gpu():
    pair = compared(a=PYTORCH, b=replace(PYTORCH, checkpointing="on"), ratio=1.3, peaks=([4 * GIB] * 6, [2 * GIB] * 6))
    result = checkpointing.judge([pair], "cpu")
    assert result.verdict == "needs_gpu"
    assert "leaves 0.50 [0.50, 0.50] of the peak and takes 1.30" in result.reason


def test_reading_the_loss_at_each_step():
    each = replace(PYTORCH, sync=1)
    assert synchronising.judge([compared(a=replace(PYTORCH, sync=100), b=each, ratio=1.2)], "gpu").verdict == "holds"
    assert synchronising.judge([compared(ratio=1.6)], "gpu").verdict == "does_not_hold"
    assert synchronising.judge([compared(ratio=0.9)], "gpu").verdict == "does_not_hold"
    assert synchronising.judge([compared(ratio=1.0)], "cpu").verdict == "needs_gpu"
    assert synchronising.judge([failed()], "gpu").verdict == "cannot_tell"


def test_mixed_precision_is_judged_by_speed_and_memory():
    mixed = replace(PYTORCH, precision="bf16")
    claimed = compared(a=PYTORCH, b=mixed, ratio=1 / 1.3, peaks=([10 * GIB] * 6, [7 * GIB] * 6))
    assert precision.judge([claimed], "gpu").verdict == "holds"
    faster = compared(a=PYTORCH, b=mixed, ratio=1 / 3.2, peaks=([10 * GIB] * 6, [7 * GIB] * 6))
    assert precision.judge([faster], "gpu").verdict == "does_not_hold"
    assert precision.judge([failed(a=PYTORCH, b=mixed)], "gpu").verdict == "cannot_tell"
    assert precision.judge([claimed], "cpu").verdict == "needs_gpu"


def test_workers_are_judged_where_a_sample_costs_something():
    def worked(kind: str, ratio: float):
        a = replace(PYTORCH, input=kind)
        return compared(f"{kind}, 0 against 1 worker", a=a, b=replace(a, workers=1), ratio=ratio, measure="epoch")

    helped = loading.judge([worked("png", 0.6), worked("loader", 3.3)], [])
    assert helped.verdict == "holds"
    assert "with samples from memory 3.30" in helped.reason
    assert "This machine has cores for 1 worker, not 4." in helped.reason
    assert loading.judge([worked("png", 1.4), worked("loader", 3.3)], []).verdict == "does_not_hold"


def test_a_number_of_workers_that_was_refused_is_in_the_evidence():
    b = replace(PYTORCH, input="png", workers=4)
    refused = {**refused_row("4 workers", PYTORCH, b, "workers=4 is more than the 2 cores."), "workers": 4, "input": "png"}
    result = loading.judge([], [refused])
    assert (result.verdict, result.rows) == ("cannot_tell", (refused,))
