"""Visitors of the hosted demo: what each brings is apart from all others', limited, and forgotten."""

from __future__ import annotations

import gc
import gzip
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import pages._parts.kept
import pages._parts.room
import pages._parts.visitor
from core.model.hosted import HOSTED_VARIABLE
from core.traces.kineto_columns import DIVIDE_FROM_BYTES
from core.traces.schema import TraceError
from pages._parts.kept import kept
from pages._parts.room import LIMIT_BYTES, RoomError, Turns
from pages._parts.shelf import MISSING, Shelf, drop_oldest
from pages._parts.visitor import MOST_MB, MOST_RECORDINGS, Visitor, reap
from tests.demo.shown import Shown, contents, write_store
from tests.pages.apps import ROOT, links, open_page, words
from tests.pages.test_kernels import device_step
from tests.traces.snapshots import block, pickled, segment


@pytest.fixture
def shown(home: Path, spacious: None, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A recorded store; from here on this process is the demo."""
    written = write_store()
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    return written


@pytest.fixture
def someone(home: Path, spacious: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """A visitor without a page."""
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    here = Visitor()
    yield here
    here.forget()


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, data, "text/plain")).run()
    assert not app.exception
    return app


def go(app: AppTest, page: str, **query: str) -> AppTest:
    """The same visitor on another page."""
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    app.query_params.clear()
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def test_what_one_visitor_brings_no_other_sees(shown: Shown, home: Path):
    before = contents(home)
    one = upload(open_page("library"), "mine.pt.trace.json", device_step(7))
    assert "It is in the library" in words(one)
    [digest] = [entry.digest for entry in one.session_state["visitor"].library().own()]
    assert links(one)["Kernels"] == ("kernels", f"trace={digest}")
    assert "ampere_sgemm_128x64_tn" in list(go(one, "kernels", trace=digest).dataframe[0].value["key"])

    other = open_page("library", trace=digest)
    assert list(other.dataframe[0].value["name"]) == ["recorded.pt.trace.json"]
    assert "This trace is not here" in words(open_page("kernels", trace=digest))
    assert "mine.pt.trace.json" not in words(other)
    assert contents(home) == before


def test_what_was_read_of_an_upload_is_with_its_visitor_alone(shown: Shown):
    one = upload(open_page("library"), "mine.pt.trace.json", device_step(8))
    here = one.session_state["visitor"]
    [digest] = [entry.digest for entry in here.library().own()]
    everybodys = pages._parts.kept._EVERYBODYS
    for page in ("kernels", "timeline", "memory"):
        go(one, page, trace=digest, against=shown.trace)
        assert digest in here.shelf.digests()
        assert digest not in everybodys.digests()
    assert shown.trace in everybodys.digests()


def test_ones_own_can_be_deleted_and_nothing_else(shown: Shown):
    app = upload(open_page("library"), "mine.pt.trace.json", device_step(9))
    app.button(key="delete_recordings").click().run()
    app.button(key="delete_recordings_for_good").click().run()
    assert app.session_state["visitor"].library().own() == []
    assert list(app.dataframe[0].value["name"]) == ["recorded.pt.trace.json"]
    recorded = open_page("library", trace=shown.trace)
    assert "Kernels" in links(recorded)
    assert "delete_recordings" not in [button.key for button in recorded.button]


def test_a_visitor_has_a_place_for_a_few_only(shown: Shown):
    app = open_page("library")
    for number in range(MOST_RECORDINGS):
        upload(app, f"{number}.pt.trace.json", device_step(20 + number))
    upload(app, "more.pt.trace.json", device_step(30))
    assert f"keeps {MOST_RECORDINGS} recordings of a visitor at a time" in words(app)
    assert len(app.session_state["visitor"].library().own()) == MOST_RECORDINGS


def test_streamlit_holds_no_upload_that_was_read(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    removed: list[str] = []
    monkeypatch.setattr("streamlit.runtime.memory_uploaded_file_manager.MemoryUploadedFileManager.remove_file",
                        lambda self, session_id, file_id: removed.append(file_id))  # fmt: skip
    upload(open_page("library"), "mine.pt.trace.json", device_step(9))
    assert len(removed) == 1


@pytest.mark.parametrize(
    ("change", "data", "said"),
    [
        ({"_MOST_BYTES": 1000}, device_step(), "larger than the 50 MB"),
        ({}, gzip.compress(b" " * (51 * 2**20)), "more than the 50 MB, unpacked"),
        ({"READS_FOR_S": -1.0}, device_step(), "takes longer to read than the -1 seconds"),
        ({"MOST_EVENTS": 3}, device_step(), "holds more than 3 events"),
        ({"SNAPSHOT_MIB": 0}, pickled([segment(0x1000, block(0x1000, 512))]), "memory snapshot of more than the 0 MB"),
    ],
)
def test_beyond_a_limit_one_sentence_says_so_and_nothing_is_kept(
    someone: Visitor, monkeypatch: pytest.MonkeyPatch, change: dict[str, float], data: bytes, said: str
):
    for name, value in change.items():
        monkeypatch.setattr(pages._parts.visitor, name, value)
    with pytest.raises(TraceError, match=said):
        someone.bring("mine", data)
    assert someone.library().own() == []


def test_without_memory_what_was_kept_goes_first_and_then_it_is_refused(someone: Visitor, monkeypatch: pytest.MonkeyPatch):
    someone.shelf.put("a" * 64, "trace", (), object(), most=1)
    monkeypatch.setattr(pages._parts.room, "LIMIT_BYTES", LIMIT_BYTES)
    monkeypatch.setattr(pages._parts.room, "resident_bytes", lambda: 10**9)
    with pytest.raises(RoomError, match="no memory left"):
        someone.bring("mine.json", device_step())
    assert someone.shelf.digests() == []
    assert someone.library().own() == []


def test_no_more_is_let_go_than_is_needed(someone: Visitor, monkeypatch: pytest.MonkeyPatch):
    empty_shelves()
    someone.shelf = kept = Shelf(most=3)
    for letter in "abc":
        kept.put(letter * 64, "trace", (), object(), most=1)
    monkeypatch.setattr(pages._parts.room, "LIMIT_BYTES", LIMIT_BYTES)
    monkeypatch.setattr(pages._parts.room, "resident_bytes", lambda: 200 * 10**6 * len(kept.digests()))
    someone.bring("mine.json", device_step())
    assert kept.digests() == ["b" * 64, "c" * 64]


def test_a_visitor_who_is_gone_leaves_nothing(home: Path, spacious: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    here = Visitor()
    here.bring("mine.json", device_step())
    root, gone = here.root, weakref.ref(here)
    assert root.is_dir()
    assert (root.stat().st_mode & 0o077) == 0
    del here
    gc.collect()
    assert gone() is None
    assert not root.exists()


def test_after_two_hours_without_a_click_a_visitor_is_forgotten(someone: Visitor):
    someone.bring("mine.json", device_step())
    someone.shelf.put("a" * 64, "trace", (), object(), most=1)
    reap()
    assert len(someone.library().own()) == 1
    someone.seen_s -= pages._parts.visitor.FORGOTTEN_AFTER_S + 1
    reap()
    assert someone.library().own() == []
    assert someone.shelf.digests() == []
    assert not someone.root.exists()
    assert someone.bring("again.json", device_step()).name == "again.json"


def test_what_a_killed_server_left_is_removed_and_a_living_ones_is_not(someone: Visitor, monkeypatch: pytest.MonkeyPatch):
    living = {11, 12}
    monkeypatch.setattr(pages._parts.visitor.psutil, "pid_exists", lambda process: process in living)
    folders = {process: someone.root.with_name(f"showdown-visitor-{process}-0123") for process in (11, 99)}
    for folder in folders.values():
        (folder / "deep").mkdir(parents=True)
    someone.bring("mine.json", device_step())
    reap()
    assert folders[11].is_dir()
    assert not folders[99].exists()
    assert someone.root.is_dir()


def test_a_folder_of_a_stranger_whose_number_no_process_has_keeps_nobody_from_being_forgotten(someone: Visitor):
    strange = someone.root.with_name("showdown-visitor-99999999999999999999-0123")
    strange.mkdir(parents=True)
    reap()
    assert not strange.exists()


def test_what_is_made_of_recordings_is_kept_in_one_way_only():
    """Streamlit's own cache is shared by all sessions, so that what a visitor brought would stay in it."""
    assert {path.name for path in (ROOT / "pages").rglob("*.py") if "cache_resource" in path.read_text(encoding="utf-8")} == {"kept.py"}


def test_a_recording_of_the_demo_is_never_read_by_two_processes():
    assert DIVIDE_FROM_BYTES > MOST_MB * 10**6


# -- turns and shelves -----------------------------------------------------------------------------------------------


def test_who_waits_too_long_for_others_is_told_so(someone: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages._parts.room, "PATIENCE_S", 0.01)
    with pages._parts.room.reading_turn(), pytest.raises(RoomError, match="of other visitors are being read"):
        someone.bring("mine.json", device_step())
    assert someone.bring("mine.json", device_step()).name == "mine.json"


def test_a_download_too_reads_only_where_there_is_room(someone: Visitor, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    @kept(max_entries=4, cost=lambda digest: 10**9)
    def reading(digest: str) -> None:
        read.append(digest)

    monkeypatch.setattr(pages._parts.room, "LIMIT_BYTES", LIMIT_BYTES)
    with pytest.raises(RoomError, match="no memory left"):
        reading("a" * 64)
    assert read == []


def test_turns_come_in_order():
    turns, order = Turns(), []
    waiting: list[threading.Thread] = []

    def wait(number: int) -> None:
        with turns.turn(30.0):
            order.append(number)

    with turns.turn(1.0):
        for number in range(4):
            waiting.append(threading.Thread(target=wait, args=(number,)))
            waiting[-1].start()
            while len(turns._line) < number + 2:
                time.sleep(0.001)
        assert order == []
    for thread in waiting:
        thread.join()
    assert order == [0, 1, 2, 3]


def empty_shelves() -> None:
    while drop_oldest():
        pass


def test_the_recording_that_was_used_longest_ago_makes_place():
    shelf = Shelf(most=2)
    for digest in "ab":
        shelf.put(digest, "trace", (), digest.upper(), most=1)
    assert shelf.get("a", "trace", ()) == "A"
    shelf.put("c", "trace", (), "C", most=1)
    assert shelf.digests() == ["a", "c"]
    assert shelf.get("b", "trace", ()) is MISSING


def test_a_drawer_holds_so_many_values_of_a_kind():
    shelf = Shelf(most=1)
    for number in range(3):
        shelf.put("a", "index", number, number, most=2)
    shelf.put("a", "trace", (), "A", most=1)
    assert [shelf.get("a", "index", number) for number in range(3)] == [MISSING, 1, 2]
    assert shelf.get("a", "trace", ()) == "A"


def test_the_oldest_drawer_of_all_shelves_is_emptied_first():
    empty_shelves()
    mine, others = Shelf(most=2), Shelf(most=2)
    mine.put("a", "trace", (), 1, most=1)
    others.put("b", "trace", (), 2, most=1)
    mine.get("a", "trace", ())
    assert drop_oldest()
    assert (mine.digests(), others.digests()) == (["a"], [])
    assert drop_oldest()
    assert not drop_oldest()
