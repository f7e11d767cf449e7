"""Conditions: what they say, and what a comparison says to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.analysis.baseline import Against, Beside, SideAgainst
from core.analysis.condition import METRICS, Condition, ConditionError, judge, parse_condition
from core.model.comparison import ComparisonResult, SideSummary
from core.store.comparisons import ComparisonStore
from tests.pages import samples

RESULT = ComparisonResult(
    id="20260101-000000-abcdef", state="finished", workload="mlp", verdict="cannot_tell", sentence="Nobody knows.", ratio=1.1,
    interval_95=(1.02, 1.2), cpu_ratio=1.3, noise_floor=0.01,
    sides={"a": SideSummary(variant=samples.TENSORFLOW, step_ms=20.0, peak_memory_bytes=100 * 2**20, peak_memory_kind="host_resident",
                            test_accuracy=0.94),
           "b": SideSummary(variant=samples.PYTORCH, step_ms=22.0, peak_memory_bytes=150 * 2**20, peak_memory_kind="host_resident")},
)  # fmt: skip


def against(low: float, high: float, *doubts: str) -> Beside:
    found = Against(ratio=(low * high) ** 0.5, low=low, high=high, outcome="above", delta=0.05)
    side = SideAgainst(side="b", baseline_side="b", label="PyTorch eager", baseline_label="PyTorch eager", same_variant=True, unit="step",
                       time=found, memory=None)  # fmt: skip
    return Beside(sides=(side,), doubts=doubts)


def outcome(text: str, result: ComparisonResult = RESULT, beside: Beside | None = None) -> str:
    return judge(parse_condition(text, baseline=beside is not None), result, beside).outcome


@pytest.mark.parametrize("text", ["ratio > 1.05", "ratio>1.05", "  ratio  >  1.05 ", "ratio > 105e-2", "ratio > .105e1"])
def test_a_condition_is_metric_operator_and_number(text: str):
    assert parse_condition(text) == Condition(metric="ratio", operator=">", bound=1.05)
    assert parse_condition(text).text == "ratio > 1.05"


@pytest.mark.parametrize("text", ["", "ratio", "ratio >", "> 1", "ratio == 1", "ratio => 1", "ratio > -", "ratio > 1 and b_step_ms > 2",
                                  "ratio > 1.05x", "ratio > nan", "ratio > inf", "ratio > 1e999", "ratio > .", "Ratio > 1"])  # fmt: skip
def test_what_is_no_condition_is_told_with_an_example(text: str):
    with pytest.raises(ConditionError, match=r"is no condition; write METRIC OPERATOR NUMBER, such as 'ratio > 1\.05'"):
        parse_condition(text)


def test_an_unknown_metric_is_told_with_those_there_are():
    with pytest.raises(ConditionError, match="'speed' in 'speed > 1' is no metric; choose ratio, cpu_ratio, memory_ratio"):
        parse_condition("speed > 1")


def test_a_baseline_is_needed_to_speak_of_one():
    with pytest.raises(ConditionError, match="needs a baseline"):
        parse_condition("a_vs_baseline > 1.05")
    assert parse_condition("a_vs_baseline > 1.05", baseline=True).metric == "a_vs_baseline"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratio > 1.0", "met"),
        ("ratio > 1.02", "undecided"),
        ("ratio >= 1.02", "met"),
        ("ratio > 1.1", "undecided"),
        ("ratio > 1.2", "not_met"),
        ("ratio >= 1.2", "undecided"),
        ("ratio > 1.3", "not_met"),
        ("ratio < 1.3", "met"),
        ("ratio < 1.2", "undecided"),
        ("ratio <= 1.2", "met"),
        ("ratio < 1.1", "undecided"),
        ("ratio < 1.02", "not_met"),
    ],
)
def test_an_interval_decides_as_a_whole(text: str, expected: str):
    assert outcome(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu_ratio > 1.2", "met"),
        ("cpu_ratio > 1.3", "not_met"),
        ("memory_ratio >= 1.5", "met"),
        ("a_step_ms > 20", "not_met"),
        ("b_step_ms > 20", "met"),
        ("a_peak_mib <= 100", "met"),
        ("b_peak_mib < 100", "not_met"),
        ("a_accuracy < 0.95", "met"),
        ("b_accuracy < 0.95", "undecided"),
    ],
)
def test_a_number_alone_is_compared_as_it_is(text: str, expected: str):
    assert outcome(text) == expected


def test_every_metric_can_be_asked_for():
    everything = replace(RESULT, sides={**RESULT.sides, "b": replace(RESULT.sides["b"], test_accuracy=0.95)})
    both = Beside(sides=(replace(against(1.1, 1.2).sides[0], side="a"), against(1.1, 1.2).sides[0]), doubts=())
    assert {metric: outcome(f"{metric} > 0.5", everything, both) for metric in METRICS} == dict.fromkeys(METRICS, "met")


def test_what_was_not_measured_or_is_of_two_kinds_is_undecided_and_says_so():
    found = judge(parse_condition("b_accuracy < 0.95"), RESULT)
    assert (found.outcome, found.value, found.reason) == ("undecided", None, "This comparison has no test accuracy of B.")
    gpu = replace(RESULT, sides={**RESULT.sides, "b": replace(RESULT.sides["b"], peak_memory_kind="device_allocator")})
    assert outcome("memory_ratio > 1", gpu) == "undecided"
    assert outcome("ratio > 1", replace(RESULT, ratio=None, interval_95=None)) == "undecided"


def test_a_ratio_without_an_interval_decides_nothing():
    found = judge(parse_condition("ratio > 1"), replace(RESULT, interval_95=None))
    assert (found.outcome, found.reason) == ("undecided", "This comparison has no interval of its ratio.")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_pass_and_no_failure(value: float):
    assert outcome("cpu_ratio > 1.2", replace(RESULT, cpu_ratio=value)) == "undecided"
    assert outcome("cpu_ratio < 1.2", replace(RESULT, cpu_ratio=value)) == "undecided"


def test_a_bound_is_told_as_it_was_given():
    assert parse_condition("a_step_ms > 1234567.25").text == "a_step_ms > 1234567.25"


def test_nothing_is_met_by_what_is_not_comparable():
    crowded = replace(RESULT, verdict="not_comparable", reasons=("The machine was crowded.",))
    found = judge(parse_condition("ratio > 1.0"), crowded)
    assert (found.outcome, found.reason) == ("undecided", "The comparison is not comparable: The machine was crowded.")
    assert outcome("a_accuracy < 0.95", crowded) == "undecided"


@pytest.mark.parametrize(("low", "high", "expected"), [(1.06, 1.2, "met"), (1.0, 1.2, "undecided"), (0.9, 1.04, "not_met")])
def test_a_side_is_held_against_its_baseline(low: float, high: float, expected: str):
    assert outcome("b_vs_baseline > 1.05", beside=against(low, high)) == expected


def test_doubts_about_a_baseline_leave_it_undecided():
    found = judge(parse_condition("b_vs_baseline > 1.05", baseline=True), RESULT, against(1.1, 1.2, "The two did not do the same work."))
    assert (found.outcome, found.reason) == ("undecided", "The two did not do the same work.")
    few = Beside(sides=(replace(against(1.1, 1.2).sides[0], time=None),), doubts=())
    assert "fewer than two runs" in judge(parse_condition("b_vs_baseline > 1.05", baseline=True), RESULT, few).reason


def test_the_outcome_carries_its_numbers():
    found = judge(parse_condition("ratio > 1.1"), RESULT)
    assert (found.condition, found.value, found.low, found.high) == ("ratio > 1.1", 1.1, 1.02, 1.2)
    assert "more pairs" in found.reason
    assert judge(parse_condition("cpu_ratio > 1.1"), RESULT).low is None


def test_a_condition_on_a_real_result(tmp_path: Path):
    store = ComparisonStore(tmp_path)
    assert outcome("ratio > 1.05", samples.finish(store, samples.new(store))) == "met"
