"""Library: a comparison is taken along as one file, and one that came as a file is taken in."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.store.bundle import pack
from core.store.comparisons import ComparisonStore
from core.store.privacy import Redactor
from tests.pages import samples
from tests.pages.apps import downloads, links, open_page, words


@pytest.fixture
def foreign(tmp_path: Path) -> tuple[str, bytes]:
    """A comparison of another machine: its id and its bundle."""
    there = ComparisonStore(tmp_path / "there")
    spec = samples.new(there)
    samples.finish(there, spec)
    return spec.id, pack([there.load(spec.id)], Redactor())


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[-1].set_value((name, data, "application/zip")).run()
    assert not app.exception
    return app


def test_a_bundle_is_imported_into_an_empty_store_and_opens_in_compare(store: ComparisonStore, foreign: tuple[str, bytes]):
    id, data = foreign
    app = upload(open_page("library"), "from-bob.showdown.zip", data)
    assert "1 comparison is imported" in words(app)
    assert ("compare", f"comparison={id}") in links(app).values()
    assert store.load(id).state == "finished"
    row = app.dataframe[0].value.iloc[0]
    assert (row["id"], row["origin"], round(row["ratio"], 3)) == (id, "from-bob.showdown.zip", 1.5)
    assert "is imported" not in words(app.run())
    shown = open_page("compare", comparison=id)
    assert "from-bob.showdown.zip" in words(shown)


def test_what_is_here_already_is_not_taken_in_again(store: ComparisonStore, foreign: tuple[str, bytes]):
    app = upload(open_page("library"), "first.zip", foreign[1])
    app = upload(app, "second.zip", foreign[1])
    assert "Everything in it was here already" in words(app)
    assert app.dataframe[0].value["origin"].tolist() == ["first.zip"]


def test_what_is_no_bundle_is_refused_in_one_sentence(store: ComparisonStore, foreign: tuple[str, bytes]):
    app = upload(open_page("library"), "<b>*x*.zip", b"hello")
    assert "\\<b\\>" in app.error[0].proto.title
    assert "is not a bundle" in words(app)
    app = upload(app, "cut.zip", foreign[1][:-200])
    assert "'cut.zip' is not a bundle" in words(app)
    assert store.ids() == []


def test_a_comparison_that_has_ended_can_be_taken_along(store: ComparisonStore):
    finished, running = samples.new(store), samples.new(store)
    samples.finish(store, finished)
    samples.begin(store, running)
    assert downloads(open_page("library", comparison=finished.id)) == ["Bundle"]
    assert downloads(open_page("library", comparison=running.id)) == []


def test_the_column_of_origins_is_there_for_imported_ones_alone(store: ComparisonStore):
    samples.finish(store, samples.new(store))
    app = open_page("library")
    assert "Imported" not in words(app)
    assert app.dataframe[0].value["origin"].isna().tolist() == [True]


def test_the_hosted_demo_offers_neither(store: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    spec = samples.new(store)
    samples.finish(store, spec)
    monkeypatch.setenv("SHOWDOWN_HOSTED", "1")
    app = open_page("library", comparison=spec.id)
    assert downloads(app) == []
    assert [box.label for box in app.file_uploader if "bundle" in box.label.lower()] == []
    assert [button.label for button in app.button if button.label == "Delete"] == []
    assert str(store.root) not in words(app)
