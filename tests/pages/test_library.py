"""Library: everything that is stored, opened and deleted from one table."""

import json
from dataclasses import replace

import pytest

from core.store.comparisons import ComparisonStore
from core.store.files import StoreError, write_json
from pages._parts.places import PLACES
from tests.pages import samples
from tests.pages.apps import links, open_page, words


def test_every_comparison_has_a_row_whatever_its_state(store: ComparisonStore):
    made = {}
    for make in (samples.finish, samples.fail, samples.cancel, samples.interrupt, samples.begin, samples.spoil, samples.fail_parity):
        spec = samples.new(store)
        make(store, spec)
        made[spec.id] = make.__name__
    table = open_page("library").dataframe[0].value.set_index("id")
    rows = {made[str(id)]: row for id, row in table.to_dict("index").items()}
    assert {name: row["state"] for name, row in rows.items()} == {
        "finish": "finished", "fail": "failed", "cancel": "cancelled", "interrupt": "interrupted", "begin": "running", "spoil": "unreadable",
        "fail_parity": "finished",
    }  # fmt: skip
    assert rows["finish"]["verdict"] == "faster"
    assert round(rows["finish"]["ratio"], 3) == 1.5
    assert rows["finish"]["mib"] > 0
    assert rows["fail_parity"]["verdict"] == "not comparable"
    assert "spec.json" in rows["spoil"]["verdict"]


def test_the_chosen_row_opens_every_view_and_is_in_the_address(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    app = open_page("library", comparison=spec.id)
    found = links(app)
    assert found["Compare"] == ("compare", f"comparison={spec.id}")
    assert found["Kernels"] == ("kernels", f"comparison={spec.id}")
    assert found["Run it again"] == ("run", f"like={spec.id}")
    assert app.query_params["comparison"] == spec.id


def test_deleting_asks_once_and_removes_the_folder(store: ComparisonStore):
    kept, doomed = samples.new(store), samples.new(store)
    samples.finish(store, kept)
    samples.fail(store, doomed)
    app = open_page("library", comparison=doomed.id)
    app.button(key="delete").click().run()
    assert store.folder(doomed.id).exists()
    assert "This cannot be undone." in words(app)
    app.button(key="delete_for_good").click().run()
    assert not app.exception
    assert not store.folder(doomed.id).exists()
    assert list(app.dataframe[0].value["id"]) == [kept.id]
    assert "comparison" not in app.query_params


def test_a_running_one_cannot_be_deleted(store: ComparisonStore):
    spec = samples.new(store)
    samples.begin(store, spec)
    app = open_page("library", comparison=spec.id)
    assert app.button(key="delete").disabled
    assert links(app)["Watch it live"] == ("run", f"comparison={spec.id}")


def test_a_deletion_that_fails_says_why(store: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    spec = samples.new(store)
    samples.fail(store, spec)
    app = open_page("library", comparison=spec.id)
    app.button(key="delete").click().run()

    def refuse(self: ComparisonStore, id: str) -> None:
        raise StoreError("no right to delete")

    monkeypatch.setattr(ComparisonStore, "delete", refuse)
    app.button(key="delete_for_good").click().run()
    assert app.error[0].proto.title == "It was not deleted"
    assert "no right to delete" in words(app)
    assert store.ids() == [spec.id]


def test_an_unreadable_one_says_why_and_can_be_deleted(store: ComparisonStore):
    spec = samples.new(store)
    samples.spoil(store, spec)
    app = open_page("library", comparison=spec.id)
    assert "spec.json" in app.error[0].value.replace("\\", "")
    app.button(key="delete").click().run()
    app.button(key="delete_for_good").click().run()
    assert store.ids() == []


UNKNOWN = {
    "execution": ("spec.json", lambda spec: {**spec, "a": {**spec["a"], "execution": "quantum"}}),
    "state": ("result.json", lambda result: {**result, "state": "exploded"}),
    "verdict": ("result.json", lambda result: {**result, "verdict": "splendid"}),
}


@pytest.mark.parametrize("field", UNKNOWN)
@pytest.mark.parametrize("page", PLACES)
def test_a_word_of_another_version_makes_no_page_fail(store: ComparisonStore, page: str, field: str):
    spec = samples.new(store)
    samples.finish(store, spec)
    name, change = UNKNOWN[field]
    path = store.folder(spec.id) / name
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    of_none = ("models", "setup", "claims", "choose", "sweeps")  # these show no single comparison: they leave it out
    shown = words(open_page(page, **({} if page in of_none else {"comparison": spec.id})))
    if page not in of_none:
        assert "cannot be read" in shown


def test_a_time_that_is_none_leaves_its_cell_empty(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    for created in ("yesterday", "0001-01-01T00:00:00+14:00"):
        write_json(store.folder(spec.id) / "spec.json", replace(spec, created=created))
        for page in ("library", "overview", "compare", "run"):
            open_page(page, comparison=spec.id)
        assert open_page("library").dataframe[0].value["id"].tolist() == [spec.id]


def test_the_folder_of_the_store_is_shown(store: ComparisonStore):
    assert str(store.root) in words(open_page("library"))
