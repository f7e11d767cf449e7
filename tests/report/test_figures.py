"""The figures of a comparison: which there are, and that each says and tabulates what it draws."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.model.comparison import AccuracyComparison
from core.report.figure import Figure, ReportError
from core.report.figures import comparison_figures
from core.report.material import Material, gather
from core.report.words import timed_steps
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.store.privacy import Redactor
from tests.pages import samples
from tests.pages.test_kernels import profiled


def material(store: ComparisonStore, id: str) -> Material:
    return gather(store.load(id), Redactor())


def drawn(store: ComparisonStore, id: str, **options: float) -> dict[str, Figure]:
    return {one.name: one for one in comparison_figures(material(store, id), **options)}


def test_every_question_of_a_comparison_has_its_figure(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    found = drawn(store, spec.id)
    assert list(found) == ["ratio", "pairs", "parity", "blocks", "loss", "accuracy", "phases", "memory", "load"]
    assert found["ratio"].says.startswith("Ratio of times B over A: 1.50")
    assert found["pairs"].table.filter(clock="wall time")["ratio"].to_list() == [1.5, 1.52, 1.48, 1.51, 1.5, 1.49]
    assert "All 12 runs reached a steady state." in found["blocks"].note
    assert found["phases"].says == "Seconds of each phase of a run: A 6.00 s in all; B 6.00 s in all."
    assert found["parity"].table["outcome"].to_list() == ["✓ passed"] * 6


def test_each_says_in_a_sentence_what_its_chart_and_its_table_hold(store: ComparisonStore):
    for one in drawn(store, profiled(store).id, price_per_hour=1.0).values():
        assert one.says.endswith(".")
        assert len(one.table) > 0
        assert json.dumps(one.chart.to_dict())


def test_a_price_adds_what_training_costs(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    # 20 and 30 ms a step of 64 samples: 100 million samples are 8.68 and 13.02 hours.
    cost = drawn(store, spec.id, price_per_hour=2.5)["cost"]
    assert cost.says == "Price of 100 million training samples: 21.70 and 32.55."
    assert cost.note.startswith("At 2.50 an hour")


def test_profiles_of_both_sides_are_mirrored_and_explain_the_difference(store: ComparisonStore):
    found = drawn(store, profiled(store).id)
    assert list(found)[-6:] == ["explanation", "costs-op-class", "costs-operator", "steps-a", "steps-b", "load"]
    operators = found["costs-operator"].table
    assert operators.columns == ["operator", "kind of operation", "A (ms per step)", "B (ms per step)"]
    assert len(operators) == 16
    assert operators["operator"][-1].startswith("all others")
    classes = found["costs-op-class"].table
    for side in ("A (ms per step)", "B (ms per step)"):
        assert operators[side].sum() == pytest.approx(classes[side].sum())
    parts = found["explanation"].table
    whole = {name: float(parts[name].to_numpy().sum()) for name in parts.columns if name.endswith(("(ms)", "(ms per step)"))}
    assert whole["B minus A (ms)"] == pytest.approx(whole["B (ms per step)"] - whole["A (ms per step)"])


def test_the_explanation_stands_beside_the_times_without_a_profiler(store: ComparisonStore):
    assert "Timed without the profiler, a step takes 20.0 ms in A and 30.0 ms in B." in drawn(store, profiled(store).id)["explanation"].note
    assert timed_steps((20.0, 30.0), (25.0, 26.0)) == "Timed without the profiler, a step takes 20.0 ms in A and 30.0 ms in B."
    assert "There the other side takes longer" in timed_steps((20.0, 30.0), (26.0, 25.0))
    assert timed_steps((None, 30.0), (26.0, 25.0)) == ""


def test_one_readable_profile_is_shown_alone_and_the_other_named(store: ComparisonStore):
    spec = profiled(store, error=samples.fail_error())
    it = material(store, spec.id)
    found = {one.name: one for one in comparison_figures(it)}
    assert "explanation" not in found
    assert found["costs-operator"].table.columns == ["operator", "kind of operation", "ms per step"]
    assert found["steps"].says.startswith("Parts of ")
    assert it.problems == {"b": samples.fail_error().message}


def test_different_models_have_a_proof_and_nothing_else(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail_parity(store, spec)
    assert list(drawn(store, spec.id)) == ["parity"]


def test_what_is_not_comparable_has_pairs_but_no_ratio(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec, reasons=("The machine was crowded.",))
    found = drawn(store, spec.id)
    assert "pairs" in found
    assert "ratio" not in found


def test_inference_learns_nothing_and_is_told_in_batches(store: ComparisonStore):
    spec = samples.new(store, workload="mlp", task="inference", batch_size=1)
    samples.finish(store, spec)
    found = drawn(store, spec.id)
    assert not {"loss", "accuracy"} & set(found)
    assert found["blocks"].says.endswith("in milliseconds per batch.")


def test_accuracy_is_judged_where_whole_epochs_were_trained_and_never_on_made_up_data(store: ComparisonStore):
    accuracy = AccuracyComparison(mean_difference=0.0012, interval_90=(-0.0005, 0.0029), margin=0.003, equivalent=True, seeds=6)
    notes = []
    kinds: tuple[dict[str, Any], ...] = ({}, {"workload": "lstm", "sizes": {"length": 12}})
    for fields in kinds:
        spec = samples.new(store, **fields)
        result = samples.finish(store, spec)
        write_json(store.folder(spec.id) / "result.json", replace(result, accuracy=accuracy))
        notes.append(drawn(store, spec.id)["accuracy"].note)
    assert notes[0].startswith("Both reach the same accuracy: B minus A is +0.12 points over 6 seeds")
    assert "accuracy means nothing" in notes[1]


@pytest.mark.parametrize("unfinished", [samples.begin, samples.interrupt, samples.spoil])
def test_without_a_result_there_is_no_report(store: ComparisonStore, unfinished):
    spec = samples.new(store)
    unfinished(store, spec)
    with pytest.raises(ReportError):
        material(store, spec.id)
