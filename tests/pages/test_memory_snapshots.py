"""The Memory page on snapshots of PyTorch's allocator: stacks and segments, running out of memory, two of them, and one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from core.charts.palette import BAD
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from tests.pages.apps import links, open_page, words
from tests.pages.test_memory import MIB, keep, metrics, recording, snapshot, spec, table


def test_a_snapshot_by_frame_with_its_stacks_and_segments(home: Path):
    [digest] = keep(snapshot())
    app = open_page("memory", snapshot=digest)
    assert metrics(app) == [
        ("Peak allocated", "5.00 MiB"), ("Peak reserved", "8.00 MiB"), ("Allocated at the end", "3.00 MiB"),
        ("Fragmentation at the peak", "3.00 MiB"), ("When", "1.000 ms"), ("Segments", "1"), ("Reserved", "8.00 MiB"),
        ("Inactive", "5.00 MiB"), ("Inactive beside active blocks", "5.00 MiB"),
        ("Share of reserved", "62.5 %"), ("Largest free block", "5.00 MiB"),
    ]  # fmt: skip
    live, stacks, segments = table(app, 1), table(app, 2), table(app, 3)
    assert [(row["name"].split(" ")[0], row["bytes"]) for row in live.iter_rows(named=True)] == [
        ("forward", 3 * MIB),
        ("load", 2 * MIB),
    ]
    assert "(before the recording)" in live["name"][1]
    assert stacks["bytes"].sum() == 5 * MIB
    assert segments.select("address", "total_bytes", "largest_free_bytes").rows() == [("0x40000000", 8 * MIB, 5 * MIB)]
    assert app.query_params["snapshot"] == digest


def stack_table(app: AppTest, side: str) -> str:
    """Key of the table of stacks of a side, as it is drawn now."""
    [key] = [key for key in app.session_state.to_dict() if key.startswith(f"memory_stacks_{side}_")]
    return key


def test_a_selected_stack_is_shown_in_full(home: Path):
    [digest] = keep(snapshot())
    app = open_page("memory", snapshot=digest)
    app.session_state[stack_table(app, "a")] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    [code] = [element.value for element in app.code]
    assert [line.split(" ")[0] for line in code.splitlines()] == ["forward", "main"]
    again = open_page("memory", snapshot=digest, stack_a=app.query_params["stack_a"])
    assert [element.value for element in again.code] == [code]


def test_a_stack_that_is_read_is_not_read_of_another_snapshot(home: Path):
    first, second = keep(snapshot(), snapshot(oom=True))
    app = open_page("memory", snapshot=first, against=second)
    for side in "ab":
        app.session_state[stack_table(app, side)] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    assert {"stack_a", "stack_b"} <= app.query_params.keys()
    app.selectbox(key="memory_snapshot_against").set_value("").run()
    assert "stack_a" in app.query_params
    assert "stack_b" not in app.query_params
    app.selectbox(key="memory_snapshot").set_value(second).run()
    assert "stack_a" not in app.query_params
    assert len(app.code) == 0


def test_running_out_of_memory_is_marked(home: Path):
    usual, failed = keep(snapshot(), snapshot(oom=True))
    layers = {one: spec(open_page("memory", snapshot=one))["layer"] for one in (usual, failed)}
    rules = {one: [layer["mark"]["color"] for layer in found if layer["mark"]["type"] == "rule"] for one, found in layers.items()}
    assert rules == {usual: [], failed: [BAD]}


def test_two_snapshots_and_a_control_between_the_two_kinds(home: Path):
    first, second, trace = keep(snapshot(), snapshot(oom=True), recording())
    app = open_page("memory", snapshot=first, against=second)
    assert table(app, 2)["difference_bytes"].sum() == 0
    assert [metric.label for metric in app.metric].count("Segments") == 2
    app = open_page("memory", trace=trace)
    assert ("Peak allocated", "24.0 MiB") in metrics(app)
    kind: Any = next(element for element in app.get("button_group") if element.key == "memory_kind")
    kind.set_value("memory snapshots").run()
    assert app.query_params["snapshot"] in (first, second)
    assert "trace" not in app.query_params


def test_snapshots_alone_need_no_control(home: Path):
    keep(snapshot())
    app = open_page("memory")
    assert ("Peak allocated", "5.00 MiB") in metrics(app)


def test_an_unknown_snapshot_says_so(home: Path):
    app = open_page("memory", snapshot="0" * 64)
    assert "This snapshot is not here" in words(app)
    keep(snapshot())
    app = open_page("memory", snapshot="0" * 64)
    next(button for button in app.button if button.label == "Show the newest one").click().run()
    assert ("Peak allocated", "5.00 MiB") in metrics(app)


def test_a_snapshot_that_is_gone_from_its_folder_says_so(home: Path, tmp_path: Path):
    path = tmp_path / "once.pickle"
    path.write_bytes(snapshot(protocol=3))  # content of its own: what was read once is kept by digest
    entry = TraceLibrary(traces_folder()).open_file(path)
    path.unlink()
    app = open_page("memory", snapshot=entry.digest)
    assert "This snapshot cannot be read" in words(app)
    assert "To the Library" in links(app)
