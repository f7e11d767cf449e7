"""Folders in every condition."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.bench.start import make_spec
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore, claim, new_id
from core.store.files import StoreError, append_event, read_events, read_json, write_json, write_whole


def make(store: ComparisonStore) -> ComparisonSpec:
    spec = make_spec("mnist_cnn", parse_variant("tensorflow", threads=2), parse_variant("pytorch:execution=compile", threads=2))
    store.create(spec)
    return spec


def finish(store: ComparisonStore, spec: ComparisonSpec) -> ComparisonResult:
    result = ComparisonResult(id=spec.id, state="finished", workload=spec.workload, verdict="cannot_tell", sentence="No.", ratio=1.1,
                              interval_95=(0.9, 1.3), reasons=("noise",))  # fmt: skip
    write_json(store.folder(spec.id) / "result.json", result)
    return result


def test_spec_and_result_come_back_as_they_were(store: ComparisonStore):
    spec = make(store)
    result = finish(store, spec)
    loaded = store.load(spec.id)
    assert (loaded.state, loaded.spec, loaded.result) == ("finished", spec, result)


def test_ids_sort_by_time_newest_first(store: ComparisonStore):
    old = new_id(datetime(2026, 1, 2, tzinfo=UTC))
    new = new_id(datetime(2026, 3, 4, tzinfo=UTC))
    for id in (old, new):
        store.create(replace(make_spec("mnist_cnn", parse_variant("pytorch", threads=1), parse_variant("pytorch", threads=1)), id=id))
    (store.root / "notes").mkdir()
    assert store.ids() == [new, old]


def test_new_folder_is_queued_and_one_that_nobody_works_on_is_interrupted(store: ComparisonStore):
    spec = make(store)
    assert store.load(spec.id).state == "queued"
    path = store.folder(spec.id) / "spec.json"
    path.write_text(path.read_text().replace(spec.created, "2026-01-01T00:00:00+00:00"))
    assert store.load(spec.id).state == "interrupted"


def test_state_follows_the_living_referee(store: ComparisonStore):
    spec = make(store)
    folder = store.folder(spec.id)
    lock = claim(folder)
    assert store.load(spec.id).state == "queued"
    append_event(folder / "events.jsonl", "state", state="running")
    assert store.load(spec.id).state == "running"
    with pytest.raises(StoreError, match="cancel it before"):
        store.delete(spec.id)
    with pytest.raises(StoreError, match="has a referee already"):
        claim(folder)
    lock.close()
    assert store.load(spec.id).state == "interrupted"


@pytest.mark.parametrize("name", ["spec.json", "result.json"])
@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 1}', b"[1, 2]", b"\xff\xfe", b'{"schema": "one"}'])
def test_damaged_files_make_it_unreadable_with_a_reason_and_deletable(store: ComparisonStore, name: str, damage: bytes):
    spec = make(store)
    finish(store, spec)
    (store.folder(spec.id) / name).write_bytes(damage)
    loaded = store.load(spec.id)
    assert loaded.state == "unreadable"
    assert name in loaded.problem or spec.id in loaded.problem
    assert [one.id for one in store.all()] == [spec.id]
    store.delete(spec.id)
    assert store.ids() == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("spec.json", '"compile"', '"ddp"'),
        ("spec.json", '"tensorflow"', '"jax"'),
        ("spec.json", '"created": "', '"created": "yesterday '),
        ("result.json", '"cannot_tell"', '"maybe"'),
        ("result.json", '"finished"', '"on holiday"'),
    ],
)
def test_values_that_nobody_writes_make_it_unreadable_and_harm_no_other(store: ComparisonStore, name: str, old: str, new: str):
    spec, other = make(store), make(store)
    finish(store, spec)
    path = store.folder(spec.id) / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert {one.id: one.state for one in store.all()} == {spec.id: "unreadable", other.id: "queued"}
    store.delete(spec.id)
    assert store.ids() == [other.id]


def test_half_copied_folder_without_a_spec_is_unreadable(store: ComparisonStore):
    spec = make(store)
    finish(store, spec)
    (store.folder(spec.id) / "spec.json").unlink()
    assert "has no spec.json" in store.load(spec.id).problem


def test_folder_of_a_newer_version_says_so(store: ComparisonStore):
    spec = make(store)
    path = store.folder(spec.id) / "spec.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2, "colour": "new"}))
    assert "made by a newer version (schema 2, this one reads 1)" in store.load(spec.id).problem


def test_folder_copied_under_another_id_is_not_believed(store: ComparisonStore):
    spec = make(store)
    finish(store, spec)
    copy = new_id()
    shutil.copytree(store.folder(spec.id), store.folder(copy))
    assert "belongs to comparison" in store.load(copy).problem
    assert store.load(spec.id).state == "finished"


@pytest.mark.parametrize("id", ["", "..", "../../etc", "20261123-014255-a1b2c3/..", "20261123-014255-A1B2C3", "x" * 300])
def test_what_is_no_id_never_becomes_a_path(store: ComparisonStore, id: str):
    with pytest.raises(StoreError, match="is not the id of a comparison"):
        store.load(id)


def test_id_that_is_not_there(store: ComparisonStore):
    with pytest.raises(StoreError, match="There is no comparison"):
        store.load(new_id())


def test_write_whole_keeps_the_old_file_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file.json"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_events_are_read_on_from_where_the_last_reading_ended(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    append_event(path, "one", value=1)
    with path.open("ab") as file:
        file.write(b'{"event": "tw')
    first, offset = read_events(path)
    assert [event["event"] for event in first] == ["one"]
    with path.open("ab") as file:
        file.write(b'o"}\n\x00garbage\n[]\n')
    second, _ = read_events(path, offset)
    assert [event["event"] for event in second] == ["two", "garbage", "garbage"]


def test_nan_is_stored_as_null(tmp_path: Path):
    write_json(tmp_path / "x.json", {"value": float("nan")})
    assert read_json(tmp_path / "x.json", dict) == {"value": None}
