"""Sweeps on disk, in every condition."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from core.bench.sweep import plan_sweep
from core.model.run import SCHEMA_VERSION
from core.model.sweep import SweepPair, SweepSpec
from core.store.files import StoreError, append_event, write_json
from core.store.sweeps import CellRecord, SweepJournal, SweepStore
from tests.pages import samples

pytestmark = pytest.mark.usefixtures("home")


def make(store: SweepStore) -> SweepSpec:
    spec = plan_sweep([("mnist_cnn", {})], [SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)], batch_sizes=(16, 32))
    store.create(spec)
    return spec


def test_a_sweep_comes_back_as_it_was():
    store = SweepStore()
    spec = make(store)
    loaded = store.load(spec.id)
    assert (loaded.spec, loaded.cells, loaded.state) == (spec, {}, "stopped")
    assert [one.id for one in store.all()] == [spec.id]


def test_the_last_word_on_a_cell_counts():
    store = SweepStore()
    spec = make(store)
    with SweepJournal(store.folder(spec.id)) as journal:
        journal.begin(0, "one")
        journal.end(0, "one", "failed", "out of memory", 3.0)
        journal.begin(0, "two")
        journal.begin(1, "three")
        journal.end(1, "three", "finished", "", 4.0)
    cells = store.load(spec.id).cells
    assert {index: replace(cell, time="") for index, cell in cells.items()} == {
        0: CellRecord(comparison="two", state="begun"),
        1: CellRecord(comparison="three", state="finished", duration_s=4.0),
    }
    assert cells[0].time <= cells[1].time


def test_the_state_follows_the_process_that_works_on_it():
    store = SweepStore()
    spec = make(store)
    store.mark_started(spec.id)
    assert store.load(spec.id).state == "starting"
    with SweepJournal(store.folder(spec.id)) as journal:
        assert store.load(spec.id).state == "running"
        for cell in (0, 1):
            journal.end(cell, "id", "finished", "", 1.0)
    assert store.load(spec.id).state == "finished"


def test_a_process_that_never_came_is_not_waited_for():
    store = SweepStore()
    spec = make(store)
    store.mark_started(spec.id)
    past = time.time() - 3600
    os.utime(store.folder(spec.id) / "started", (past, past))
    assert store.load(spec.id).state == "stopped"


def test_cancelling_reaches_the_process_and_is_over_with_the_next():
    store = SweepStore()
    spec = make(store)
    with SweepJournal(store.folder(spec.id)) as journal:
        store.request_cancel(spec.id)
        assert journal.cancelled()
    with SweepJournal(store.folder(spec.id)) as journal:
        assert not journal.cancelled()


def test_a_second_process_is_refused():
    store = SweepStore()
    folder = store.folder(make(store).id)
    with SweepJournal(folder), pytest.raises(StoreError, match="Another process"):
        SweepJournal(folder)


def test_lines_that_are_no_record_of_a_cell_are_left_out():
    store = SweepStore()
    spec = make(store)
    path = store.folder(spec.id) / "cells.jsonl"
    append_event(path, "begin", cell=7, comparison="beyond the grid")
    append_event(path, "begin", cell="0", comparison="no number")
    with path.open("ab") as file:
        file.write(b"garbage\n")
    assert store.load(spec.id).cells == {}


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 1}'])
def test_a_damaged_spec_makes_it_unreadable_with_a_reason(damage: bytes):
    store = SweepStore()
    spec = make(store)
    (store.folder(spec.id) / "spec.json").write_bytes(damage)
    loaded = store.load(spec.id)
    assert (loaded.state, loaded.spec) == ("unreadable", None)
    assert "spec.json" in loaded.problem


def test_a_newer_or_a_copied_sweep_says_so():
    store = SweepStore()
    spec = make(store)
    write_json(store.folder(spec.id) / "spec.json", replace(spec, schema=SCHEMA_VERSION + 1))
    assert "newer version" in store.load(spec.id).problem
    write_json(store.folder(spec.id) / "spec.json", replace(spec, id="20200101-000000-abcdef"))
    assert "belongs to sweep 20200101-000000-abcdef" in store.load(spec.id).problem


@pytest.mark.parametrize("id", ["../x", "", "20261124-000000-xyzxyz", "a" * 500])
def test_what_is_no_id_is_no_path(id: str):
    with pytest.raises(StoreError, match="is not the id of a sweep"):
        SweepStore().folder(id)


def test_an_unknown_id_is_one_sentence():
    with pytest.raises(StoreError, match="There is no sweep 20200101-000000-abcdef"):
        SweepStore().load("20200101-000000-abcdef")


def test_deleting_takes_the_sweep_alone_and_waits_for_its_end():
    store = SweepStore()
    spec, other = make(store), make(store)
    with SweepJournal(store.folder(spec.id)), pytest.raises(StoreError, match="is running; stop it before you delete it"):
        store.delete(spec.id)
    store.delete(spec.id)
    assert store.ids() == [other.id]
    assert [entry.name for entry in store.root.iterdir()] == [other.id]
