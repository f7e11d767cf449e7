"""What is kept of the claims, in every condition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from core.store.files import StoreError

RESULT = ClaimResult(id="widens", verdict="holds", reason="It grows.", rows=({"what": "mlp", "ratio": 1.2, "low": None},), interval=(1.1, 1.3),
                     estimate=1.2, estimate_is="factor", comparisons=("20260101-000000-abcdef",), environment={"cpu_model": "x"})  # fmt: skip


@pytest.fixture
def store(home: Path) -> ClaimStore:
    return ClaimStore()


def test_a_result_comes_back_as_it_was(store: ClaimStore):
    store.save(RESULT)
    assert store.load("widens").result == RESULT
    assert store.load("memory").result is None


def test_a_failure_keeps_the_result_before_and_goes_with_the_next_one(store: ClaimStore):
    store.save(RESULT)
    store.save_failure("widens", "No compiler.", ("last line",))
    stored = store.load("widens")
    assert stored.result == RESULT
    assert stored.failure is not None
    assert (stored.failure.reason, stored.failure.log_tail) == ("No compiler.", ("last line",))
    store.save(replace(RESULT, reason="It still grows."))
    assert store.load("widens").failure is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"id": "widens"}'])
def test_a_damaged_result_has_a_reason(store: ClaimStore, damage: bytes):
    store.save(RESULT)
    (store.folder("widens") / "result.json").write_bytes(damage)
    stored = store.load("widens")
    assert stored.result is None
    assert "The result of claim widens is damaged" in stored.problem


@pytest.mark.parametrize(("change", "words"), [({"id": "memory"}, "is of claim 'memory'"), ({"verdict": "open"}, "with verdict 'open'"),
                                               ({"schema": 99}, "made by a newer version")])  # fmt: skip
def test_a_result_that_this_version_does_not_write_is_not_taken(store: ClaimStore, change: dict[str, object], words: str):
    store.save(RESULT)
    other = replace(RESULT, **change)  # type: ignore[arg-type]
    store.save(replace(other, id="widens")) if "id" not in change else None
    path = store.folder("widens") / "result.json"
    if "id" in change:
        path.write_text(path.read_text().replace('"widens"', '"memory"'))
    assert words in store.load("widens").problem


@pytest.mark.parametrize("id", ["../x", "Run", "", "a" * 41, "run", "a--b"])
def test_what_is_no_id_is_no_path(store: ClaimStore, id: str):
    with pytest.raises(StoreError, match="is not the id of a claim"):
        store.folder(id)


def test_an_experiment_begins_with_an_empty_folder(store: ClaimStore):
    (store.begin("widens") / "left.txt").write_text("old")
    assert list(store.begin("widens").iterdir()) == []


def test_one_run_at_a_time_and_it_begins_with_a_clean_sheet(store: ClaimStore):
    assert not store.is_running()
    lock = store.begin_run()
    store.say("plan", ids=[])
    assert store.is_running()
    with pytest.raises(StoreError, match="being tested already"):
        store.begin_run()
    store.request_stop()
    assert store.stop_requested()
    lock.close()
    assert not store.is_running()
    store.begin_run().close()
    assert (store.events(), store.stop_requested()) == ([], False)


def test_nobody_is_asked_to_stop_where_nothing_runs(store: ClaimStore):
    store.request_stop()
    assert not store.stop_requested()


def test_a_process_that_was_started_is_on_its_way_until_it_runs(store: ClaimStore):
    assert not store.is_starting()
    store.mark_started()
    assert store.is_starting()
    store.begin_run().close()
    assert not store.is_starting()
