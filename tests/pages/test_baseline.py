"""Compare, with another comparison beside the one that is shown."""

from __future__ import annotations

from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core.model.comparison import ComparisonSpec
from core.store.comparisons import ORIGIN, ComparisonStore, Origin, new_id
from core.store.files import write_json
from tests.pages import samples
from tests.pages.apps import charts, open_page, words

RATIOS = (1.5, 1.52, 1.48, 1.51, 1.5, 1.49)
PICKER = "baseline_picker"


def make(store: ComparisonStore, factor: float = 1.0, **fields: object) -> ComparisonSpec:
    """A takes 20 ms, B 30 ms times the factor."""
    spec = samples.new(store, **fields)  # type: ignore[arg-type]
    samples.finish(store, spec, ratios=tuple(factor * ratio for ratio in RATIOS))
    return spec


def pickers(app: AppTest) -> list[str | None]:
    return [box.key for box in app.selectbox]


def test_nothing_is_beside_it_unless_it_is_asked_for(store: ComparisonStore):
    this, _ = make(store), make(store)
    app = open_page("compare", comparison=this.id)
    assert app.selectbox(key=PICKER).value == ""
    assert "Beside the baseline" not in words(app)
    assert "baseline" not in app.query_params


def test_one_comparison_alone_has_no_picker(store: ComparisonStore):
    make(store)
    samples.fail(store, samples.new(store))
    finished = next(one.id for one in store.all() if one.state == "finished")
    assert PICKER not in pickers(open_page("compare", comparison=finished))


def test_an_address_shows_what_got_slower_and_what_else_changed(store: ComparisonStore):
    this, baseline = make(store, 1.2, learning_rate=0.5), make(store)
    app = open_page("compare", comparison=this.id, baseline=baseline.id)
    text = words(app)
    assert "B (PyTorch eager): slower than in the baseline, 1.200 times its time per step" in text
    assert "A (TensorFlow graph (tf.function)): no practical difference in time per step" in text
    assert charts(app)[0] == (
        "Ratios with their 95 % intervals: B ÷ A, this comparison 1.800; B ÷ A, baseline 1.500; A: time 1.000; A: peak memory 1.000; "
        "B: time 1.200; B: peak memory 1.000"
    )
    numbers, changes = app.dataframe[0].value, app.dataframe[1].value
    assert numbers["verdict"].tolist()[4] == "slower"
    assert changes[["of", "fact"]].values.tolist() == [["settings", "learning rate"]]
    assert app.query_params["baseline"] == baseline.id


def test_the_choice_is_kept_in_the_address_and_can_be_undone(store: ComparisonStore):
    this, baseline = make(store), make(store)
    app = open_page("compare", comparison=this.id)
    app.selectbox(key=PICKER).set_value(baseline.id).run()
    assert app.query_params["baseline"] == baseline.id
    assert "Beside the baseline" in words(app)
    app.selectbox(key=PICKER).set_value("").run()
    assert not app.exception
    assert "baseline" not in app.query_params
    assert "Beside the baseline" not in words(app)


def test_a_baseline_that_is_not_here_is_told_and_forgotten(store: ComparisonStore):
    this, other = make(store), make(store)
    missing = new_id()
    app = open_page("compare", comparison=this.id, baseline=missing)
    assert app.warning[0].proto.title == "The baseline is not here"
    assert missing in words(app)
    assert "baseline" not in app.query_params
    app = open_page("compare", comparison=this.id, baseline=this.id)
    assert not app.warning
    assert "baseline" not in app.query_params
    assert app.selectbox(key=PICKER).options[1].startswith("mnist_cnn")
    assert other.id != this.id


def test_those_of_the_same_workload_are_offered_first(store: ComparisonStore):
    make(store, workload="mlp")
    this, same = make(store), make(store)
    make(store, workload="mlp")
    offered = open_page("compare", comparison=this.id).selectbox(key=PICKER).options
    assert [label.partition(" ")[0] for label in offered] == ["beside:", "mnist_cnn", "mlp", "mlp"]
    assert store.load(same.id).state == "finished"


def test_other_work_is_not_compared_but_told(store: ComparisonStore):
    this, baseline = make(store, batch_size=32), make(store)
    app = open_page("compare", comparison=this.id, baseline=baseline.id)
    assert app.warning[0].proto.title == "Nothing can be concluded from these two"
    assert "batch size is 32 here and 64 in the baseline" in words(app)
    assert "slower" not in app.dataframe[0].value["verdict"].tolist()


def test_where_an_imported_one_came_from_is_said(store: ComparisonStore):
    this, baseline = make(store), make(store)
    origin = Origin(imported="2026-11-28T01:02:03+00:00", bundle="0" * 64, name="from *bob*.zip")
    write_json(store.folder(baseline.id) / ORIGIN, origin)
    assert "from *bob*.zip" in words(open_page("compare", comparison=this.id, baseline=baseline.id))
    assert "Imported" in words(open_page("compare", comparison=baseline.id))
    assert "Imported" not in words(open_page("compare", comparison=this.id))


def test_words_of_unknown_origin_are_shown_letter_by_letter(store: ComparisonStore):
    this, baseline = make(store), make(store)
    result = store.load(baseline.id).result
    assert result is not None
    evil = replace(result, verdict="not_comparable", reasons=("<script> [click](http://example.com)",))
    write_json(store.folder(baseline.id) / "result.json", evil)
    value = open_page("compare", comparison=this.id, baseline=baseline.id).warning[0].value
    assert "\\<script\\>" in value
    assert "\\[click\\]" in value


def test_two_of_the_same_name_can_be_told_apart_and_chosen(store: ComparisonStore):
    """Made in one minute, of the same variants: a browser says by its label which one was chosen."""
    this, other = make(store), make(store)
    options = open_page("compare", comparison=this.id).selectbox[0].options
    assert len(set(options)) == 2
    app = open_page("compare", comparison=this.id)
    app.selectbox[0].set_value(other.id).run()
    assert app.query_params["comparison"] == other.id
