"""The Sweeps page: the plan, what it starts, and a sweep in every state."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.sweep import comparison_spec, plan_sweep
from core.model.sweep import SweepPair, SweepSpec
from core.store.comparisons import ComparisonStore
from core.store.sweeps import SweepJournal, SweepStore
from tests.pages import samples
from tests.pages.apps import charts, links, open_page, words

RATIOS = (1.5, 1.52, 1.48, 1.51, 1.5, 1.49, 1.5)


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the sweeps that the page would have started; no process is."""
    ids: list[str] = []
    for module in ("core.bench.sweep", "pages._parts.sweep_view"):
        monkeypatch.setattr(f"{module}.start_sweep_detached", lambda sweeps, id: ids.append(id))
    return ids


def make(*scales: float | None, batch_sizes: tuple[int, ...] = (16, 64)) -> SweepSpec:
    """A sweep whose first cells are finished, their ratios these times RATIOS; None: failed."""
    spec = plan_sweep([("mnist_cnn", {})], [SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)], batch_sizes=batch_sizes)
    SweepStore().create(spec)
    comparisons = ComparisonStore()
    with SweepJournal(SweepStore().folder(spec.id)) as journal:
        for cell, scale in enumerate(scales):
            one = comparison_spec(spec, spec.cells[cell])
            comparisons.create(one)
            journal.begin(cell, one.id)
            if scale is None:
                result = samples.fail(comparisons, one)
            else:
                result = samples.finish(comparisons, one, ratios=tuple(scale * ratio for ratio in RATIOS))
            journal.end(cell, one.id, result.state, "" if scale else result.sentence, 60.0)
    return spec


def test_an_empty_store_shows_the_plan_with_what_it_costs(home: Path):
    at = open_page("sweeps")
    assert at.multiselect(key="sweep_pairs").value == ["tensorflow/pytorch"]
    assert "2 comparisons of 7 pairs, as many as *faster* needs among 2 at once" in words(at)
    assert not at.button(key="start_sweep").disabled


def test_start_makes_the_sweep_that_the_form_describes_and_shows_it(started: list[str]):
    at = open_page("sweeps")
    at.multiselect(key="sweep_workloads").set_value(["mnist_cnn"])
    at.multiselect(key="sweep_pairs").set_value(["tensorflow/pytorch", "pytorch/pytorch:execution=compile"])
    at.text_input(key="sweep_batches").set_value("16, 32")
    at.toggle(key="sweep_small").set_value(False)
    at.button(key="start_sweep").click().run()
    assert not at.exception
    (id,) = started
    spec = SweepStore().load(id).spec
    assert spec is not None
    assert [(cell.workload.workload, cell.batch_size, cell.pair.b.execution) for cell in spec.cells] == [
        ("mnist_cnn", batch, execution) for batch in (16, 32) for execution in ("eager", "compile")
    ]  # fmt: skip
    assert at.query_params["sweep"] == id
    assert "Plan another one" in words(at)


@pytest.mark.parametrize(("batches", "said"), [("16,x", "are no batch sizes"), ("100000000", "is not possible")])
def test_a_plan_that_cannot_be_meant_is_one_sentence_and_cannot_be_started(home: Path, batches: str, said: str):
    at = open_page("sweeps", sweep_batches=batches)
    assert said in words(at)
    assert at.button(key="start_sweep").disabled


def test_a_finished_sweep_answers_its_question_with_chart_table_and_links(home: Path):
    spec = make(1.0, 2.0)
    at = open_page("sweeps", sweep=spec.id)
    said = words(at)
    assert "the difference widens with more work per step. B ÷ A 1.50 at mnist_cnn, batch 16, 3.00 at mnist_cnn, batch 64" in said
    assert "2 of 2 cells done" in said
    assert charts(at) == ["2 ratios of time, B over A, from 1.50 to 3.00, with 95 % intervals, against floating-point operations per step."]
    cells = at.dataframe[-1].value
    assert cells["verdict"].to_list() == ["faster", "faster"]
    assert cells["batch_size"].to_list() == [16, 64]
    assert open_page("sweeps", sweep=spec.id, sweep_view="By batch").dataframe


def test_the_selected_cell_opens_its_comparison(home: Path):
    spec = make(1.0, 2.0)
    at = open_page("sweeps", sweep=spec.id)
    at.session_state[f"sweep_cells_{spec.id}_0"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    at.run()
    comparison = SweepStore().load(spec.id).cells[1].comparison
    assert links(at)["Open mnist_cnn, batch 64"] == ("compare", f"comparison={comparison}")


def test_a_failed_cell_says_why_and_can_be_tried_again(started: list[str]):
    spec = make(1.0, None)
    at = open_page("sweeps")
    assert "1 cell failed; the others went on" in words(at)
    assert "needed more memory than there is" in words(at)
    at.button(key="resume_sweep").click().run()
    assert started == [spec.id]


def test_a_running_sweep_shows_where_it_is_and_can_be_stopped(home: Path):
    spec = make(1.0)
    comparisons, folder = ComparisonStore(), SweepStore().folder(spec.id)
    one = comparison_spec(spec, spec.cells[1])
    comparisons.create(one)
    with SweepJournal(folder) as journal:
        journal.begin(1, one.id)
        at = open_page("sweeps")
        now = str(at.get("progress")[0].proto.text).replace("\\", "")
        assert now.startswith("mnist_cnn, batch 64: TensorFlow graph (tf.function) / PyTorch eager · about")
        assert links(at)["Watch this comparison live"] == ("run", f"comparison={one.id}")
        at.button(key="stop_sweep").click().run()
        assert journal.cancelled()


def test_a_damaged_sweep_says_so(home: Path):
    spec = make()
    (SweepStore().folder(spec.id) / "spec.json").write_text("{", encoding="utf-8")
    assert "This sweep cannot be read" in words(open_page("sweeps"))


def test_a_sweep_that_is_not_here_says_so_and_the_newest_is_shown(home: Path):
    make(1.0, 2.0)
    at = open_page("sweeps", sweep="20200101-000000-abcdef")
    assert "There is no sweep 20200101-000000-abcdef" in words(at)
    assert "2 of 2 cells done" in words(at)
