"""What a stranger may write into the files of a bundle: nothing that leads elsewhere, is run, ends a page or gives orders to a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.bench.collect import STEPS_SCHEMA
from core.store.bundle import unpack
from core.store.bundle_values import PAGE_FAULTS, STEPS
from core.store.comparisons import ComparisonStore
from tests.store.bundles import ALICE, Files, content, edit, make, packed, refuse, zipped


@pytest.fixture
def store(tmp_path: Path) -> ComparisonStore:
    return ComparisonStore(tmp_path / "here")


@pytest.fixture
def other(tmp_path: Path) -> ComparisonStore:
    """Of another machine: empty."""
    return ComparisonStore(tmp_path / "there")


def deep(path: str, *keys: str | int, value: Any) -> Callable[[Files, str], None]:
    """Puts another value at a place of a JSON file."""

    def change(files: Files, top: str) -> None:
        whole = json.loads(files[top + path])
        part = whole
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value
        files[top + path] = json.dumps(whole).encode()

    return change


def line(path: str, text: str) -> Callable[[Files, str], None]:
    def change(files: Files, top: str) -> None:
        files[top + path] += text.encode() + b"\n"

    return change


def alone(files: Files, top: str) -> None:
    edit(files, f"{top}result.json", sides={"a": json.loads(files[f"{top}result.json"])["sides"]["a"]})


def table(frame: pl.DataFrame) -> Callable[[Files, str], None]:
    def change(files: Files, top: str) -> None:
        written = io.BytesIO()
        frame.write_parquet(written)
        files[f"{top}runs/00-a/steps.parquet"] = written.getvalue()

    return change


def blocks(**columns: Any) -> pl.DataFrame:
    kinds = {name: pl.Series(columns[name]).dtype if name in columns else kind for name, kind in STEPS_SCHEMA.items()}
    return pl.DataFrame({**{name: [1] for name in STEPS_SCHEMA}, "phase": ["steady"], **columns}, schema=kinds)


CHANGES: dict[str, tuple[str, Callable[[Files, str], None]]] = {
    "a folder above as workload": ("names a folder as its workload", deep("spec.json", "workload", value="../../evil")),
    "a folder of a result": ("names a folder as its workload", deep("result.json", "workload", value="own/../x")),
    "a folder of a run": ("names a folder as its workload", deep("runs/00-a/spec.json", "workload", value="/tmp/evil")),
    "a program of a side": ("names a program", deep("spec.json", "a", "python", value="/tmp/evil")),
    "a program of a run": ("names a program", deep("runs/00-a/spec.json", "variant", "python", value="reboot")),
    "a program of a result": ("names a program", deep("result.json", "sides", "b", "variant", "python", value="own/../../x")),
    "markup as workload": ("names a folder as its workload", deep("spec.json", "workload", value="own/[link=x]y[/link]")),
    "a side that leads out": ("has a run that there cannot be", deep("result.json", "runs", 0, "side", value="a/../../../other")),
    "a role of nobody": ("has a run that there cannot be", deep("runs/00-a/result.json", "role", value="boss")),
    "a run below zero": ("has a run that there cannot be", deep("runs/00-a/spec.json", "index", value=-1)),
    "a run twice": ("has a run twice", deep("result.json", "runs", 1, "index", value=0)),
    "a ratio of nothing": ("has a ratio that there cannot be", deep("result.json", "pairs", 0, "ratio", value=0)),
    "an interval below zero": ("has a ratio that there cannot be", deep("result.json", "interval_95", value=[-1, 2])),
    "a threshold of minus one": ("has a number that is too small", deep("result.json", "threshold", value=-1)),
    "no batch": ("has a number that is too small", deep("spec.json", "batch_size", value=0)),
    "another task": ("has a task that there is not", deep("spec.json", "task", value="rest")),
    "a preset with markup": ("has a preset that there is not", deep("spec.json", "preset", "name", value="[/red]")),
    "a third side": ("has a side that there is not", deep("result.json", "faster_side", value="c")),
    "one side alone": ("has a side that there is not", alone),
    "an order of nobody": ("has a pair that there cannot be", deep("result.json", "pairs", 0, "order", value="xy")),
    "a gate of nobody": ("has a gate that there is not", deep("result.json", "parity", 0, "stage", value="heaven")),
    "a measure with markup": ("has a gate that there is not", deep("result.json", "parity", 0, "measure", value="[red]x")),
    "orders to a terminal": ("has signs in a text that nobody sees", deep("result.json", "sentence", value="\x1b]0;x\x07A is faster")),
    "a text turned round": ("has signs in a text that nobody sees", deep("parity.json", "note", value="\u202egnp.exe")),
    "orders in a name": ("has signs in a text that nobody sees", deep("environment.json", "a", "variables", value={"\x1b[2J": "1"})),
    "a text without end": ("has a text of more than", deep("result.json", "sentence", value="A" * 20_001)),
    "a number without end": ("has a number that is too large", deep("spec.json", "seed", value=2**70)),
    "a processor of numbers": ("describes no machine", deep("environment.json", "machine", "cpu_model", value=[1])),
    "memory in words": ("describes no machine", deep("result.json", "environment", "machine", "memory_total_bytes", value="much")),
    "a card in words": ("describes no machine", deep("environment.json", "machine", "gpus", value=["fast"])),
    "a package alone": ("describes no machine", deep("environment.json", "a", "packages", value=["numpy"])),
    "layers in words": ("parity.json' of 'it.zip' cannot be read", deep("parity.json", "layers", value={"a": ["dense"]})),
    "a layer without a shape": ("parity.json' of 'it.zip' cannot be read", deep("parity.json", "layers", "a", 0, value={"name": "x", "kind": "y"})),
    "a gate of a proof alone": ("has a gate that there is not", deep("parity.json", "stages", value=[
        {"stage": "heaven", "measure": "difference", "error": 0, "allowed": 0, "passed": True}])),
    "a sample in words": ("samples.jsonl' of 'it.zip' cannot be read", line("samples.jsonl", '{"time_s": "now"}')),
    "a sample of nothing": ("samples.jsonl' of 'it.zip' cannot be read", line("samples.jsonl", '{"time_s": NaN}')),
    "an event without a name": ("events.jsonl' of 'it.zip' cannot be read", line("events.jsonl", '{"time": "2026-11-28T00:00:00+00:00"}')),
    "a state at no time": ("events.jsonl' of 'it.zip' cannot be read", line("events.jsonl", '{"event": "state", "state": "running", "time": "x"}')),
    "a state at no time at all": ("events.jsonl' of 'it.zip' cannot be read", line("events.jsonl", '{"event": "state", "state": "running"}')),
    "a time before its beginning": ("has a number that is too small", deep("runs/00-a/result.json", "step_ms", value=-1)),
    "a ratio next to nothing": ("has a ratio that there cannot be", deep("result.json", "interval_95", 0, value=1e-320)),
    "a time without end": ("has a number that is too large", deep("result.json", "runs", 0, "wall_s", value=1e308)),
    "a run of nobody": ("has a run that there cannot be", line("events.jsonl", '{"event": "run_end", "index": 1, "role": "pair", "side": "c", '
                                                               '"time": "2026-11-28T00:00:00+00:00"}')),
    "no table": ("steps.parquet' of 'it.zip' cannot be read", lambda files, top: files.update({f"{top}runs/00-a/steps.parquet": b"PAR1" * 9})),
    "another table": ("is no table of timed blocks", table(pl.DataFrame({"phase": ["steady"]}))),
    "a table of words": ("is no table of timed blocks", table(blocks(wall_ns=["long"]))),
    "a phase without end": ("has a phase that no run has", table(blocks(phase=["=" * 1000]))),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_version_writes_is_refused(store: ComparisonStore, other: ComparisonStore, name: str):
    words, change = CHANGES[name]
    spec = make(store)
    files = content(packed(store, spec))
    change(files, f"comparisons/{spec.id}/")
    refuse(zipped(files), other, words)


def test_a_table_larger_than_that_of_any_run_is_not_read(store: ComparisonStore, other: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    spec = make(store)
    monkeypatch.setattr("core.store.bundle_values._MOST_BLOCKS", 20)
    refuse(packed(store, spec), other, "has 21 timed blocks, more than any run")


def test_tables_are_expected_as_they_are_written():
    assert {name: kind() for name, kind in STEPS_SCHEMA.items()} == STEPS | dict([PAGE_FAULTS])


def test_what_this_program_writes_is_taken_in(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    assert [one.id for one in unpack(zipped(content(packed(store, spec))), other, redactor=ALICE)] == [spec.id]
