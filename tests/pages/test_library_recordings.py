"""Library: recordings of one's own are uploaded or opened by path, listed with what they hold, and deleted."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import polars as pl
import pytest

from core.store.files import StoreError
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from tests.pages.apps import links, open_page, words
from tests.pages.test_kernels import DATA, device_step
from tests.traces.shared import SHARED, needs_shared

PLAIN = "text/plain"


@pytest.fixture
def library(home: Path) -> TraceLibrary:
    return TraceLibrary(traces_folder())


def table(app) -> pl.DataFrame:
    return pl.from_pandas(app.dataframe[0].value)


def upload(app, *files: tuple[str, bytes]):
    app.file_uploader[0].set_value([(name, data, PLAIN) for name, data in files]).run()
    assert not app.exception
    return app


def open_path(app, path: str | Path):
    app.text_input(key="library_path").set_value(str(path))
    app.button(key="FormSubmitter:open_path-Open").click().run()
    assert not app.exception
    return app


def test_an_upload_is_kept_listed_selected_and_opens_everywhere(library: TraceLibrary):
    app = upload(open_page("library"), ("made.pt.trace.json", device_step(rank=1)))
    assert "It is in the library" in words(app)
    [row] = table(app).drop("mib", "when").to_dicts()
    assert row == {
        "name": "made.pt.trace.json", "kind": "kineto", "framework": "PyTorch", "devices": "gpu:0", "steps": 1, "events": 16, "rank": "1 of 2",
        "folder": None, "read_percent": 100.0, "linked_percent": 100.0,
    }  # fmt: skip
    [entry] = library.all()
    query = f"trace={entry.digest}"
    assert links(app)["Kernels"] == ("kernels", query)
    assert links(app)["Timeline"] == ("timeline", query)
    assert links(app)["Memory"] == ("memory", query)
    assert app.query_params["trace"] == entry.digest
    assert "It is in the library" not in words(app.run())


def test_several_uploads_at_once_and_each_that_fails_says_why(library: TraceLibrary):
    good = [("a.json", device_step()), ("b.json.gz", gzip.compress(device_step(5)))]
    app = upload(open_page("library"), good[0], ("notes.json", b"[1, 2"), good[1], ("c.pickle", b"cos\nsystem\n."))
    assert "2 are in the library" in words(app)
    assert sorted(error.proto.title.replace("\\", "") for error in app.error) == [
        "c.pickle could not be opened",
        "notes.json could not be opened",
    ]
    assert all(error.value.count("\n") == 0 and "Traceback" not in error.value for error in app.error)
    assert sorted(entry.name for entry in library.all()) == ["a.json", "b.json.gz"]


def test_two_traces_that_came_together_open_next_to_each_other(library: TraceLibrary):
    app = upload(open_page("library"), ("a.json", device_step()), ("b.json", device_step(5)))
    digests = {entry.name: entry.digest for entry in library.all()}
    assert links(app)["Kernels"] == ("kernels", f"trace={digests['a.json']}&against={digests['b.json']}")


def test_a_folder_is_searched_and_its_ranks_stay_together(library: TraceLibrary, tmp_path: Path):
    folder = tmp_path / "run-7"
    (folder / "deep").mkdir(parents=True)
    for rank in (0, 1):
        (folder / "deep" / f"rank-{rank}.pt.trace.json").write_bytes(device_step(rank=rank))
    (folder / "broken.json").write_bytes(b'{"traceEvents": 7}')
    app = open_path(open_page("library"), folder)
    assert table(app)["name"].to_list() == ["rank-0.pt.trace.json", "rank-1.pt.trace.json"]
    assert table(app)["rank"].to_list() == ["0 of 2", "1 of 2"]
    assert set(table(app)["folder"]) == {"run-7 (2)"}
    assert "broken.json could not be opened" in words(app)
    [first] = [entry for entry in library.all() if entry.name.startswith("rank-0")]
    assert links(open_page("library", trace=first.digest))["Ranks"] == ("kernels", f"trace={first.digest}&view=Ranks")


def test_a_file_is_read_where_it_lies_and_stays_there(library: TraceLibrary, tmp_path: Path):
    path = tmp_path / "here.pt.trace.json.gz"
    shutil.copy(DATA / "pytorch_eager.pt.trace.json.gz", path)
    app = open_path(open_page("library"), path)
    assert table(app)["devices"].to_list() == ["CPU"]
    app.button(key="delete_recordings").click().run()
    assert "A file that was opened where it lies stays there." in words(app)
    app.button(key="delete_recordings_for_good").click().run()
    assert library.all() == []
    assert path.exists()
    assert "Which is faster here?" in words(app)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "Give the path"),
        ("/nowhere/at/all", "There is nothing at /nowhere/at/all"),
        ("~nobody/x", "There is nothing at"),
        ("{empty}", "There is no recording in"),
    ],
)
def test_a_path_that_leads_nowhere_says_so(library: TraceLibrary, tmp_path: Path, path: str, expected: str):
    (tmp_path / "empty").mkdir()
    app = open_path(open_page("library"), path.format(empty=tmp_path / "empty"))
    assert len(app.error) == 1
    assert expected in words(app)


def test_a_deletion_that_fails_says_why(library: TraceLibrary, monkeypatch: pytest.MonkeyPatch):
    app = upload(open_page("library"), ("made.json", device_step()))

    def refuse(self: TraceLibrary, digest: str) -> None:
        raise StoreError("no right to delete")

    monkeypatch.setattr(TraceLibrary, "delete", refuse)
    app.button(key="delete_recordings").click().run()
    app.button(key="delete_recordings_for_good").click().run()
    assert app.error[0].proto.title == "It was not deleted"
    assert "no right to delete" in words(app)


def test_names_are_never_markup(library: TraceLibrary):
    app = upload(open_page("library"), ("<b>*x*:fire:.json", device_step()))
    assert table(app)["name"].to_list() == ["<b>*x*:fire:.json"]
    assert not any("<b>" in element.value or ":fire:" in element.value for element in (*app.markdown, *app.success))


def test_an_empty_library_offers_an_upload_and_the_first_comparison(library: TraceLibrary):
    app = open_page("library")
    assert len(app.file_uploader) == 2
    assert "Nothing has been compared on this machine yet" in words(app)
    assert str(library.root) in words(app)


@needs_shared
def test_a_snapshot_opens_in_memory(library: TraceLibrary):
    app = open_path(open_page("library"), SHARED / "transformer_4gib.memory_snapshot.pickle")
    assert table(app)["kind"].to_list() == ["snapshot"]
    [entry] = library.all()
    assert links(app)["Memory"] == ("memory", f"snapshot={entry.digest}")
    assert "Kernels" not in links(app)


@needs_shared
def test_the_facts_of_real_recordings_are_listed(library: TraceLibrary):
    for name in ("conv_mi300x8.xplane.pb", "qwen_h100_memory.pt.trace.json.gz"):
        library.open_file(SHARED / name)
    rows = {row["name"]: row for row in table(open_page("library")).to_dicts()}
    xplane = rows["conv_mi300x8.xplane.pb"]
    assert (xplane["kind"], xplane["framework"]) == ("xplane", "JAX")
    assert xplane["devices"].startswith("8 x ")
    assert rows["qwen_h100_memory.pt.trace.json.gz"]["devices"] == "NVIDIA H100 80GB HBM3"
