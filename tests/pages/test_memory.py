"""The Memory page on recordings and snapshots made by hand, on recorded ones, and on real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.timeline_index import Window
from core.charts.memory_over_time import MOMENT
from core.store.comparisons import ComparisonStore
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from pages._parts.memory_held import counterpart
from pages._parts.memory_window import asked_window, selected
from tests.pages.apps import charts, downloads, links, open_page, words
from tests.pages.test_kernels import profiled
from tests.traces.shared import SHARED, needs_shared
from tests.traces.snapshots import action, block, frame, pickled, released, segment
from tests.traces.synthetic import event, graph_space, kineto

MIB = 2**20


def keep(*files: bytes) -> list[str]:
    """Put files into the library; their digests."""
    return [TraceLibrary(traces_folder()).upload(f"file-{number}", data).digest for number, data in enumerate(files)]


def moved(
    ts: float, mib: float, address: int, total: float | None, *, device: int | None = 0, reserved: float = 64
) -> dict[str, Any]:
    """An allocation or a release as Kineto writes it; sizes in MiB, device None is the host."""
    args: dict[str, Any] = {"Addr": address, "Bytes": int(mib * MIB)}
    args |= {"Device Id": -1, "Device Type": 0} if device is None else {"Device Id": device, "Device Type": 1}
    if total is not None:
        args |= {"Total Allocated": int(total * MIB), "Total Reserved": 0 if device is None else int(reserved * MIB)}
    return {"ph": "i", "s": "t", "cat": "cpu_instant_event", "name": "[memory]", "pid": 7, "tid": 7, "ts": ts, "args": args}


def recording(*, scale: float = 1, host: bool = False, totals: bool = True) -> bytes:
    """One step of 1000 us. 8 MiB are there before; `aten::mm` takes 4 at 100 us, `aten::relu` 12 at 200 us and 4 are released at 500 us.

    The peak is 24 MiB at 200 us, when 64 are reserved; 20 MiB are left. The step is number 4.
    """
    device = None if host else 0
    rows = [(100, 4, 1, 12), (200, 12, 2, 24), (500, -4, 1, 20)]
    return kineto(
        [
            event("ProfilerStep#4", "user_annotation", 0, 1000),
            event("aten::mm", "cpu_op", 90, 20),
            event("aten::relu", "cpu_op", 190, 20),
            *(moved(ts, mib * scale, address, total * scale if totals else None, device=device) for ts, mib, address, total in rows),
        ]
    )  # fmt: skip


def snapshot(*, oom: bool = False, protocol: int = 4) -> bytes:
    """8 MiB reserved, of which `load` has 2 since before; `forward` takes 3 at 1 ms and gives them back at 2 ms, `step` takes 1 at 3 ms.

    The peak is 5 MiB at 1 ms; 3 MiB stay, 5 are free, all beside what is active.
    """
    base = 1 << 30
    blocks = [
        block(base, 2 * MIB, "active_allocated", frame("load", 7)),
        block(base + 2 * MIB, MIB, "active_allocated", frame("step", 30)),
        block(base + 3 * MIB, 5 * MIB, "inactive"),
    ]
    events = [
        action("alloc", base + 2 * MIB, 3 * MIB, 1000, frame("forward", 20), frame("main", 1)),
        *released(base + 2 * MIB, 3 * MIB, 2000),
        action("alloc", base + 2 * MIB, MIB, 3000, frame("step", 30), frame("main", 1)),
    ]
    if oom:
        events.append(action("oom", 0, 99 * MIB, 4000))
    return pickled([segment(base, *blocks)], [action("snapshot", 0, 0, 0), *events], protocol=protocol)


def table(app: AppTest, number: int) -> pl.DataFrame:
    return pl.from_pandas(app.dataframe[number].value)


def metrics(app: AppTest) -> list[tuple[str, str]]:
    return [(metric.label, metric.value) for metric in app.metric]


def spec(app: AppTest, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(app.get("vega_lite_chart")[number].proto.spec)
    return found


def test_how_high_and_what_held_it_at_the_peak(home: Path):
    [digest] = keep(recording())
    app = open_page("memory", trace=digest)
    assert metrics(app) == [
        ("Peak allocated", "24.0 MiB"), ("Peak reserved", "64.0 MiB"), ("Allocated at the end", "20.0 MiB"),
        ("Fragmentation at the peak", "40.0 MiB"), ("When", "0.200 ms"), ("In step", "4"),
    ]  # fmt: skip
    curve, live, blocks, taken = (table(app, number) for number in range(4))
    assert (curve[MOMENT][-1], curve["allocated_bytes"].max()) == (1.0, 24 * MIB)
    assert dict(live.select("name", "bytes").iter_rows()) == {
        "aten::relu": 12 * MIB,
        "allocated before the recording": 8 * MIB,
        "aten::mm": 4 * MIB,
    }
    assert blocks.select("operator", pl.col("allocated_ms").round(6)).rows() == [("aten::relu", 0.2), ("aten::mm", 0.1)]
    assert dict(taken.select("name", "increase_bytes").iter_rows()) == {
        "aten::relu": 12 * MIB,
        "aten::mm": 4 * MIB,
        "no operator known": -4 * MIB,
    }
    assert "What was live at the peak" in words(app)
    assert len(charts(app)) == 3
    assert downloads(app) == ["CSV", "Parquet", "PNG", "SVG"] * 2 + ["CSV", "Parquet"] * 2 + ["PNG", "SVG"]
    assert app.query_params["trace"] == digest


def test_a_moment_in_the_address_shows_what_was_live_then(home: Path):
    [digest] = keep(recording())
    app = open_page("memory", trace=digest, at="0.6", group="phase")
    assert "What was live at the chosen moment" in words(app)
    assert table(app, 1)["bytes"].sum() == 20 * MIB
    assert "20.0 MiB at 0.500 ms" in words(app)


def test_numbers_in_the_address_choose_the_window_and_its_own_peak(home: Path):
    [digest] = keep(recording())
    app = open_page("memory", trace=digest, since="0.3", until="0.8")
    assert table(app, 0).select(pl.col(MOMENT).round(6), "allocated_bytes").rows() == [
        (0.3, 24 * MIB),
        (0.5, 20 * MIB),
        (0.8, 20 * MIB),
    ]
    assert "from 0.300 to 0.800 ms" in charts(app)[0]
    assert "What was live at the peak of this stretch" in words(app)


def test_a_drag_moves_the_window_and_a_click_the_moment_once(home: Path):
    [digest] = keep(recording())
    app = open_page("memory", trace=digest)
    [key] = app.session_state["memory_followed"]
    app.session_state[key] = {"selection": {"window": {MOMENT: [0.8, 0.3]}}}
    app.run()
    assert [app.session_state[name] for name in ("since", "until", "at")] == [0.3, 0.8, None]
    assert table(app, 0)[MOMENT].round(6).to_list() == [0.3, 0.5, 0.8]
    key = list(app.session_state["memory_followed"])[-1]
    app.session_state[key] = {"selection": {"picked": [{MOMENT: 0.5}]}}
    app.run()
    assert app.session_state["at"] == 0.5
    app.session_state["at"] = None  # the other control wins from here on
    app.run()
    assert "What was live at the peak" in words(app)
    app.button(key="memory_everything").click().run()
    assert [app.session_state[name] for name in ("since", "until", "at")] == [None, None, None]


def test_a_click_on_a_bar_leaves_only_its_blocks(home: Path):
    [digest] = keep(recording())
    app = open_page("memory", trace=digest)
    app.session_state["memory_live_operator_0"] = {"selection": {"picked": [{"name": "aten::mm"}]}}
    app.run()
    assert table(app, 2)["operator"].to_list() == ["aten::mm"]
    assert "1 block, 4.00 MiB picked" in words(app).replace("*", "")


def test_two_recordings_stand_above_each_other_on_the_same_axes(home: Path):
    first, second = keep(recording(), recording(scale=3))
    app = open_page("memory", trace=first, against=second)
    domains = [spec(app, number)["layer"][0]["encoding"]["y"]["scale"]["domain"] for number in (0, 1)]
    assert domains[0] == domains[1]
    assert domains[0][1] > 72 * MIB
    assert [metric.value for metric in app.metric if metric.label == "Peak allocated"] == ["24.0 MiB", "72.0 MiB"]
    assert [metric.delta for metric in app.metric if metric.label == "Peak allocated"] == ["", "+48.0 MiB"]
    both = table(app, 2)
    assert both["difference_bytes"].sum() == 48 * MIB


def test_a_shorter_recording_ends_where_it_ends(home: Path):
    longer = kineto([event("ProfilerStep#4", "user_annotation", 0, 5000), event("aten::mm", "cpu_op", 90, 20), moved(100, 4, 1, 4)])
    first, second = keep(recording(), longer)
    app = open_page("memory", trace=first, against=second)
    assert [table(app, number)[MOMENT][-1] for number in (0, 1)] == [1.0, 5.0]
    assert spec(app, 0)["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0.0, 5.0]
    assert "This recording ends before this stretch begins" in words(open_page("memory", trace=first, against=second, since="2"))


def test_the_difference_starts_with_the_largest(home: Path):
    first, second = keep(recording(), recording(scale=3))
    app = open_page("memory", trace=first, against=second, show="difference")
    assert table(app, 2).select("name", "difference_bytes").row(0) == ("aten::relu", 24 * MIB)


def test_what_a_profiler_did_not_count_is_said(home: Path):
    [digest] = keep(recording(totals=False))
    app = open_page("memory", trace=digest)
    assert ("Peak allocated", "≥ 16.0 MiB") in metrics(app)
    assert ("Peak reserved", "—") in metrics(app)
    assert "kept no total" in words(app)
    [digest] = keep(recording(host=True))
    assert "What was reserved of cpu is not recorded" in words(open_page("memory", trace=digest))


def test_the_other_side_has_another_device(home: Path):
    first, second = keep(recording(), recording(host=True))
    app = open_page("memory", trace=first, against=second)
    assert "has no memory of gpu:0" in words(app)
    assert [metric.label for metric in app.metric].count("Peak allocated") == 1
    assert counterpart("gpu:0", ["gpu:1", "cpu"]) == "gpu:1"
    assert counterpart("cpu", ["gpu:1"]) is None


def test_choices_that_this_recording_does_not_have_are_forgotten(home: Path):
    [digest] = keep(recording(host=True))
    app = open_page("memory", trace=digest, device="gpu:9", amount="reserved", group="kernel")
    assert ("Peak allocated", "≥ 24.0 MiB") in metrics(app)
    assert set(app.query_params) == {"trace"}


def test_a_device_without_a_reserved_total_lets_that_choice_go(home: Path):
    both = [event("aten::mm", "cpu_op", 90, 20), moved(100, 4, 1, 12), moved(105, 3, 2, 5, device=None)]
    [digest] = keep(kineto(both))
    app = open_page("memory", trace=digest, amount="reserved")
    assert charts(app)[0].startswith("reserved memory of gpu:0")
    device: Any = next(element for element in app.get("button_group") if element.key == "device")
    device.set_value("cpu").run()
    assert not app.exception
    assert charts(app)[0].startswith("allocated memory of cpu")
    assert "amount" not in app.query_params


def test_a_recording_without_memory_says_how_to_record_it(home: Path):
    [digest] = keep(kineto([event("ProfilerStep#1", "user_annotation", 0, 10), event("aten::mm", "cpu_op", 1, 2)]))
    app = open_page("memory", trace=digest)
    assert "has no memory in it" in words(app)
    assert "profile_memory=True" in words(app)
    assert "_record_memory_history" in words(app)
    assert links(app)["Open a recording or a snapshot in the Library"][0] == "library"


def test_a_recording_of_tensorflow_without_memory_says_so_in_its_words(home: Path):
    [digest] = keep(graph_space().SerializeToString())
    assert "host_tracer_level=2" in words(open_page("memory", trace=digest))


def test_one_side_without_memory_does_not_hide_the_other(home: Path):
    first, second = keep(graph_space().SerializeToString(), recording())
    app = open_page("memory", trace=first, against=second)
    assert "A · file-0 has no memory in it" in words(app)
    assert ("Peak allocated", "24.0 MiB") in metrics(app)


def test_both_frameworks_of_a_comparison_and_what_their_counts_hold(home: Path):
    profiled(ComparisonStore())
    app = open_page("memory", group="layer")
    assert [metric.value for metric in app.metric if metric.label == "Peak allocated"] == ["306 MiB", "≥ 16.9 MiB"]
    assert "PyTorch counts the host's memory from when the profiler began" in words(app)
    assert table(app, 2)["a_bytes"].sum() == 321_385_472


def test_an_empty_store_leads_to_the_first_comparison_or_to_the_library(home: Path):
    app = open_page("memory")
    assert "Nothing has been compared on this machine yet" in words(app)
    assert "Open a trace in the Library" in links(app)


def test_names_of_a_recording_are_never_markup(home: Path):
    name = "<b>*bold*</b> :fire:"
    [digest] = keep(kineto([event(name, "cpu_op", 0, 10), moved(5, 1, 1, 1)]))
    app = open_page("memory", trace=digest)
    assert table(app, 1)["name"].to_list() == [name]
    assert not any("<b>" in element.value for elements in (app.markdown, app.caption) for element in elements)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (0, 5_000_000)),
        (1.0, 2.0, (1_000_000, 2_000_000)),
        (2.0, 1.0, (1_000_000, 2_000_000)),
        (-9.0, 99.0, (0, 5_000_000)),
        (3.0, 3.0, (3_000_000, 3_001_000)),
        (1e300, float("nan"), (0, 5_000_000)),
        (5.0, 5.0, (4_999_000, 5_000_000)),
    ],
)
def test_a_window_is_in_order_and_inside(since: float | None, until: float | None, expected: tuple[int, int]):
    window = asked_window(since, until, Window(start_ns=0, end_ns=5_000_000))
    assert (window.start_ns, window.end_ns) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, (None, None)),
        ({"selection": {}}, (None, None)),
        ({"selection": {"window": {MOMENT: [2.0, 1.0]}}}, ((1.0, 2.0), None)),
        ({"selection": {"window": {MOMENT: [2.0, 2.0]}}}, (None, None)),
        ({"selection": {"window": {MOMENT: [2.0]}, "picked": [{MOMENT: 3}]}}, (None, 3)),
        ({"selection": {"window": {MOMENT: [float("nan"), "x"]}, "picked": [{MOMENT: None}, {}]}}, (None, None)),
    ],
)
def test_what_a_chart_has_selected(state: Any, expected: Any):
    assert selected(state) == expected


@needs_shared
@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("qwen_h100_memory.pt.trace.json.gz", "1.95 GiB"), ("ddp_v100_memory.pt.trace.json.gz", "6.17 GiB"),
        ("transformer_13gib.memory_snapshot.pickle", "13.0 GiB"), ("transformer_4gib.memory_snapshot.pickle", "3.59 GiB"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("amount", ["allocated", "reserved", "fragmentation"])
def test_real_recordings_and_snapshots_open(home: Path, name: str, peak: str, amount: str):
    entry = TraceLibrary(traces_folder()).open_file(SHARED / name)
    app = open_page("memory", **{entry.kind: entry.digest, "amount": amount})
    assert ("Peak allocated", peak) in metrics(app)
    assert amount in charts(app)[0] or "not allocated" in charts(app)[0]
