"""Two comparisons beside each other, with times that are easy to compute by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.analysis.baseline import Measured, beside, differing, environment_changes, match_sides, ratio_intervals, welch_interval
from core.model.comparison import ComparisonSpec
from core.store.comparisons import ComparisonStore
from tests.pages import samples

EAGER, COMPILED, GRAPH = samples.PYTORCH, replace(samples.PYTORCH, execution="compile"), samples.TENSORFLOW
RATIOS = (1.5, 1.52, 1.48, 1.51, 1.5, 1.49)
SLOWER = tuple(1.2 * ratio for ratio in RATIOS)


def measure(folder: Path, *, ratios: tuple[float, ...] = RATIOS, noise: float = 0.01, reasons: tuple[str, ...] = (), **fields: Any) -> Measured:
    """A comparison whose A takes 20 ms a step, and B so many times as long."""
    store = ComparisonStore(folder)
    spec = samples.new(store, **fields)
    result = samples.finish(store, spec, ratios=ratios, noise=noise, reasons=reasons)
    return Measured(spec=spec, result=result, environment=result.environment)


def with_memory(one: Measured, side: str, factor: float, kind: str = "host_resident") -> Measured:
    """The same, with other peaks on one side."""
    runs = tuple(
        replace(run, peak_memory_bytes=round((run.peak_memory_bytes or 0) * factor), peak_memory_kind=kind) if run.side == side else run
        for run in one.result.runs
    )
    return replace(one, result=replace(one.result, runs=runs))


def test_the_interval_is_that_of_welch():
    # Variances 0.02 and 0, two runs each: one degree of freedom, whose 97.5th percentile is 12.706.
    difference, low, high = welch_interval(np.array([0.1, 0.3]), np.array([0.0, 0.0]))
    assert (difference, low, high) == pytest.approx((0.2, 0.2 - 1.2706, 0.2 + 1.2706), abs=1e-4)
    generator = np.random.default_rng(3)
    now, before = generator.normal(0.1, 0.02, 7), generator.normal(0.0, 0.05, 10)
    expected = stats.ttest_ind(now, before, equal_var=False).confidence_interval(0.95)
    assert welch_interval(now, before)[1:] == pytest.approx((expected.low, expected.high))
    assert welch_interval(np.zeros(3), np.zeros(4)) == (0.0, 0.0, 0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(1)
    held = sum(low <= 0.05 <= high for _ in range(1000)
               for _, low, high in [welch_interval(generator.normal(0.05, 0.01, 6), generator.normal(0.0, 0.04, 10))])  # fmt: skip
    assert 925 <= held <= 972


def test_what_got_slower_is_slower_and_what_stayed_is_the_same(tmp_path: Path):
    found = beside(measure(tmp_path, ratios=SLOWER), measure(tmp_path))
    a, b = found.side("a"), found.side("b")
    assert a is not None
    assert b is not None
    assert a.time is not None
    assert b.time is not None
    assert (a.time.outcome, a.same_variant) == ("no_practical_difference", True)
    assert a.time.ratio == pytest.approx(1.0)
    assert b.time.outcome == "above"
    assert b.time.ratio == pytest.approx(1.2)
    assert 1.18 < b.time.low < 1.2 < b.time.high < 1.22
    assert b.sentences()[0].startswith("B (PyTorch eager): slower than in the baseline, 1.200 times its time per step, 95 % interval 1.1")
    other_way = beside(measure(tmp_path), measure(tmp_path, ratios=SLOWER)).side("b")
    assert other_way is not None
    assert other_way.time is not None
    assert other_way.time.outcome == "below"
    assert other_way.time.ratio == pytest.approx(1 / 1.2)


@pytest.mark.parametrize(
    ("noise", "threshold", "outcome"), [(0.01, 0.05, "above"), (0.3, 0.05, "cannot_tell"), (0.01, 0.3, "no_practical_difference")]
)
def test_a_difference_counts_beyond_noise_and_threshold_alone(tmp_path: Path, noise: float, threshold: float, outcome: str):
    this = measure(tmp_path, ratios=SLOWER, threshold=threshold)
    baseline = measure(tmp_path, noise=noise, threshold=threshold)
    assert [side.time.outcome for side in beside(this, baseline).sides if side.time][1] == outcome
    assert [side.time.outcome for side in beside(replace(this, result=replace(this.result, noise_floor=baseline.result.noise_floor)),
                                                 measure(tmp_path, threshold=threshold)).sides if side.time][1] == outcome  # fmt: skip


def test_memory_is_held_against_memory_of_the_same_kind(tmp_path: Path):
    baseline, this = measure(tmp_path), with_memory(measure(tmp_path), "b", 1.5)
    found = beside(this, baseline).sides
    assert [side.memory.outcome for side in found if side.memory] == ["no_practical_difference", "above"]
    assert any("more memory than in the baseline, 1.500 times its peak memory" in sentence for sentence in found[1].sentences())
    assert beside(with_memory(this, "b", 1.0, kind="device_allocator"), baseline).sides[1].memory is None


@pytest.mark.parametrize(
    ("sides", "baseline", "expected"),
    [
        ((GRAPH, EAGER), (GRAPH, EAGER), [("a", "a", True), ("b", "b", True)]),
        ((EAGER, GRAPH), (GRAPH, EAGER), [("a", "b", True), ("b", "a", True)]),
        ((EAGER, EAGER), (EAGER, EAGER), [("a", "a", True), ("b", "b", True)]),
        ((GRAPH, COMPILED), (GRAPH, EAGER), [("a", "a", True), ("b", "b", False)]),
        ((EAGER, COMPILED), (GRAPH, EAGER), [("a", "b", True), ("b", "a", False)]),
        ((EAGER, EAGER), (GRAPH, EAGER), [("a", "a", False), ("b", "b", True)]),
        ((COMPILED, COMPILED), (GRAPH, EAGER), [("a", "a", False), ("b", "b", False)]),
    ],
)
def test_each_side_finds_its_like(tmp_path: Path, sides: tuple[Any, Any], baseline: tuple[Any, Any], expected: list[tuple[str, str, bool]]):
    def spec(pair: tuple[Any, Any]) -> ComparisonSpec:
        return samples.new(ComparisonStore(tmp_path), a=pair[0], b=pair[1])

    assert match_sides(spec(sides), spec(baseline)) == expected


def test_a_side_that_was_run_in_another_way_says_so(tmp_path: Path):
    found = beside(measure(tmp_path, b=COMPILED), measure(tmp_path)).side("b")
    assert found is not None
    assert not found.same_variant
    assert found.sentences()[0].startswith("B (PyTorch torch.compile), held against PyTorch eager, side B there: ")


def test_other_work_has_no_ratio(tmp_path: Path):
    found = beside(measure(tmp_path, batch_size=32), measure(tmp_path))
    assert found.sides == ()
    assert found.doubts == ("The two did not do the same work: batch size is 32 here and 64 in the baseline.",)
    assert "task is inference here and train" in beside(measure(tmp_path, task="inference"), measure(tmp_path)).doubts[0]


def test_epochs_are_held_against_epochs(tmp_path: Path):
    fields: dict[str, Any] = {"measure": "epoch", "train_samples": 6400}
    found = beside(measure(tmp_path, ratios=SLOWER, **fields), measure(tmp_path, **fields)).side("b")
    assert found is not None
    assert found.time is not None
    assert found.unit == "epoch"
    assert found.time.ratio == pytest.approx(1.2)


def test_epochs_of_other_lengths_are_other_work_and_their_steps_are_not(tmp_path: Path):
    found = beside(measure(tmp_path, measure="epoch", train_samples=6400), measure(tmp_path, measure="epoch"))
    assert found.sides == ()
    assert found.doubts == ("The two did not do the same work: train samples is 6400 here and all in the baseline.",)
    assert len(beside(measure(tmp_path, train_samples=6400), measure(tmp_path)).sides) == 2


def test_nothing_is_concluded_from_what_is_not_comparable(tmp_path: Path):
    crowded = measure(tmp_path, ratios=SLOWER, reasons=("The machine was crowded.",))
    found = beside(crowded, measure(tmp_path))
    assert found.doubts == ("This comparison is not comparable itself: The machine was crowded.",)
    assert {side.time.outcome for side in found.sides if side.time} == {"cannot_tell"}
    assert beside(measure(tmp_path), crowded).doubts[0].startswith("The baseline is not comparable itself")


def test_one_run_is_too_few(tmp_path: Path):
    this = measure(tmp_path)
    few = replace(this, result=replace(this.result, runs=this.result.runs[:2]))
    assert [(side.time, side.memory) for side in beside(few, measure(tmp_path)).sides] == [(None, None)] * 2


def test_both_ratios_and_each_side_are_one_table(tmp_path: Path):
    this, baseline = measure(tmp_path, ratios=SLOWER), measure(tmp_path)
    table = ratio_intervals(this, baseline, beside(this, baseline))
    assert table["what"].to_list() == ["B ÷ A, this comparison", "B ÷ A, baseline", "A: time", "A: peak memory", "B: time", "B: peak memory"]
    assert table["ratio"].to_list() == pytest.approx([1.8, 1.5, 1.0, 1.0, 1.2, 1.0], abs=1e-3)
    assert (table["low"] <= table["ratio"]).all()
    assert (table["ratio"] <= table["high"]).all()
    assert table["verdict"].to_list()[:2] == ["faster", "faster"]
    assert table["verdict"].to_list()[4] == "slower"
    empty = replace(this, result=replace(this.result, ratio=None, interval_95=None, runs=()))
    assert ratio_intervals(empty, baseline, beside(empty, baseline))["what"].to_list() == ["B ÷ A, baseline"]


def test_what_else_differs_is_listed_with_where(tmp_path: Path):
    baseline = measure(tmp_path)
    machine = samples.machine(cpu_model="Another CPU", memory_total_bytes=16 * 2**30, memory_available_bytes=1, gpus=[{"name": "H100"}])
    environment = {**baseline.environment, "machine": machine,
                   "b": {"framework": "pytorch", "tf32": True, "framework_version": "2.14.1",
                         "packages": ["numpy==2.4.5", "torch==2.14.1"]}}  # fmt: skip
    this = replace(measure(tmp_path, learning_rate=0.5, preset="standard"), environment=environment)
    rows = {(of, fact): (before, now) for of, fact, before, now in environment_changes(this, baseline).rows()}
    assert rows["settings", "preset"] == ("quick", "standard")
    assert rows["settings", "learning rate"][1] == "0.5"
    assert rows["machine", "cpu model"] == ("Example CPU", "Another CPU")
    assert rows["machine", "memory total"] == ("8.0 GiB", "16.0 GiB")
    assert rows["machine", "gpus"] == ("none", "H100")
    assert rows["B", "framework version"] == ("—", "2.14.1")
    assert rows["B", "packages: torch"] == ("—", "2.14.1")
    assert ("machine", "memory available") not in rows
    assert not [of for of, _ in rows if of == "A"]
    assert environment_changes(baseline, baseline).is_empty()


def test_a_setting_of_a_side_is_among_what_differs(tmp_path: Path):
    this, baseline = measure(tmp_path, b=replace(EAGER, threads=2)), measure(tmp_path)
    assert ("B", "threads", "1", "2") in environment_changes(this, baseline).rows()


def test_another_length_of_runs_is_among_what_differs(tmp_path: Path):
    this, baseline = measure(tmp_path, steps=500), measure(tmp_path)
    assert environment_changes(this, baseline).rows() == [("settings", "steps", "—", "500")]


def test_packages_that_one_of_the_two_does_not_list_are_no_difference():
    assert differing({"packages": ["a==1"], "tf32": False}, {"tf32": True}) == [("tf32", "False", "True")]
    assert differing({"variables": {"X": "1"}}, {"variables": {"X": "2"}}) == [("variables: X", "1", "2")]
    assert differing({}, {}) == []
