"""Links: an address shows the same on a server that nobody has visited, nonsense in it is let go, and what is picked is written to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.timeline import marks, with_names
from core.analysis.timeline_index import prepare
from core.charts.timeline import MARK, Strip, drawn
from core.store.comparisons import ComparisonStore
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from tests.pages import samples
from tests.pages.apps import charts, links, open_page, words
from tests.pages.test_kernels import device_step
from tests.pages.test_memory import recording, snapshot
from tests.traces.synthetic import event, kineto

GEMM, REDUCE = "ampere_sgemm_128x64_tn", "ncclKernel_AllReduce_RING_LL_Sum_float(ncclWorkElem)"

#: Page, address (what is stored by its name in `stored`), and what a person then sees.
VIEWS: list[tuple[str, dict[str, str], list[str]]] = [
    ("overview", {"comparison": "finished"}, ["mnist_cnn · batch of 64"]),
    ("compare", {"comparison": "finished"}, ["median 1.500; noise floor"]),
    ("kernels", {"trace": "gpu", "view": "Launches"}, ["A captured graph could save"]),
    ("kernels", {"trace": "gpu", "picked": GEMM}, ["Only what was picked in the chart"]),
    ("kernels", {"trace": "gpu", "against": "slower", "group": "class", "amount": "launches", "top": "25", "picked": "matrix multiply"},
     ["Bars of launches, per step, by kind of operation", "Only what was picked in the chart"]),
    ("kernels", {"trace": "gpu", "on": "host", "group": "operator", "search": "relu"}, ["Largest: aten::relu", "they launch the kernels"]),
    ("timeline", {"trace": "gpu", "step": "4", "from": "0.1", "length": "0.2", "lanes": "gpu:0 · stream 7", "highlight": "gemm"},
     ["1 lanes of A · ", "over 0.20 ms, from 0.100 ms since step 4 began", "match in this window"]),
    ("timeline", {"trace": "noon", "against": "later", "align": "as it happened"}, ["Put both on one clock at step: as it happened"]),
    ("memory", {"trace": "memory", "at": "0.6", "group": "phase"}, ["What was live at the chosen moment", "Bars of bytes by phase"]),
    ("memory", {"trace": "memory", "picked": "aten::mm"}, ["1 block, 4.00 MiB picked in the chart"]),
    ("memory", {"trace": "memory", "against": "larger", "show": "difference", "picked": "aten::relu"}, ["B: 1 block, 36.0 MiB picked in the chart"]),
    ("memory", {"trace": "memory", "since": "0.3", "until": "0.8", "amount": "reserved", "taken_by": "phase"},
     ["reserved memory of gpu:0", "from 0.300 to 0.800 ms", "per step by phase"]),
    ("models", {"workload": "gpt", "view": "Source", "section": "Attention", "size_layers": "2"}, ["def self_attention"]),
    ("models", {"workload": "vit_tiny", "view": "Weight map", "map_layer": "layers_3"}, ["12 of 152 tensors"]),
    ("choose", {"weight_deployment": "9", "own_deployment": "PyTorch better"}, ["your own judgement"]),
]  # fmt: skip

#: Page, what is asked for and there, and what is asked for and means nothing.
NONSENSE: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("kernels", {"trace": "gpu"},
     {"view": "Nowhere", "on": "elsewhere", "group": "frame", "amount": "allocated", "top": "nine", "picked": "no such kernel"}),
    ("timeline", {"trace": "gpu"},
     {"step": "99", "from": "x", "length": "-5", "lanes": "no lane", "kinds": "none", "picked": "b 4000000000"}),
    ("memory", {"trace": "memory"},
     {"device": "gpu:9", "amount": "time", "since": "nan", "until": "later", "at": "x", "group": "kernel", "taken_by": "nobody",
      "picked": "aten::nothing"}),
    ("memory", {"snapshot": "snapshot"}, {"against": "gone", "group": "layer", "stack_a": "999"}),
    ("models", {"workload": "gpt"}, {"view": "Nowhere", "section": "x", "size_layers": "many"}),
    ("choose", {}, {"weight_deployment": "x", "own_deployment": "whatever"}),
]  # fmt: skip


def clocked(after_ns: int) -> bytes:
    """An operator and a step of a recording that knows the time of day."""
    events = [event("aten::zeros", "cpu_op", 0, 5), event("ProfilerStep#3", "user_annotation", 10, 100)]
    return kineto(events, baseTimeNanoseconds=1_700_000_000_000_000_000 + after_ns)


@pytest.fixture
def stored(home: Path) -> dict[str, str]:
    """Ids of what is stored, by the names of the tables above."""
    store, library = ComparisonStore(), TraceLibrary(traces_folder())
    finished = samples.new(store)
    samples.finish(store, finished)
    files = {"gpu": device_step(), "slower": device_step(slower=60), "noon": clocked(0), "later": clocked(10**9), "memory": recording(),
             "larger": recording(scale=3), "snapshot": snapshot(), "failed": snapshot(oom=True)}  # fmt: skip
    return {"finished": finished.id, **{name: library.upload(name, data).digest for name, data in files.items()}}


def seen(app: AppTest) -> str:
    """All that can be read, in charts and tables too."""
    tables = [table.value.to_string() for table in app.dataframe]
    chosen = [f"{box.label}: {box.value}" for box in app.selectbox]
    return "\n".join([words(app).replace("*", ""), *charts(app), *tables, *chosen, *(box.label for box in app.expander)])


@pytest.mark.parametrize(("page", "address", "expected"), VIEWS)
def test_an_address_shows_its_view_and_stays(stored: dict[str, str], page: str, address: dict[str, str], expected: list[str]):
    given = {name: stored.get(value, value) for name, value in address.items()}
    app = open_page(page, **given)
    read = seen(app)
    assert [text for text in expected if text not in read] == []
    assert given.items() <= app.query_params.items()


@pytest.mark.parametrize(("page", "address", "nonsense"), NONSENSE)
def test_nonsense_in_an_address_is_let_go(stored: dict[str, str], page: str, address: dict[str, str], nonsense: dict[str, str]):
    given = {name: stored.get(value, value) for name, value in address.items()}
    app = open_page(page, **given, **nonsense)
    assert nonsense.keys() & app.query_params.keys() == set()
    assert given.items() <= app.query_params.items()
    assert seen(app) == seen(open_page(page, **given))


def click(app: AppTest, chart: str, *keys: str) -> AppTest:
    """What the browser sends after a click on bars of the Kernels page; on empty ground without any."""
    app.session_state[chart] = {"selection": {"picked": [{"key": key} for key in keys] or {}}}
    return app.run()


def rows(app: AppTest) -> list[str]:
    """Kernels in the table of rows."""
    return sorted(app.dataframe[1].value["kernel"])


def begun(app: AppTest) -> list[dict[str, Any]]:
    """What the first chart shows as picked before anyone clicks."""
    [picked] = [one for one in json.loads(app.get("vega_lite_chart")[0].proto.spec)["params"] if one["name"] == "picked"]
    return picked.get("value", [])


def test_a_click_is_written_to_the_address_and_one_beside_the_bars_is_too(stored: dict[str, str]):
    app = open_page("kernels", trace=stored["gpu"])
    everything = rows(app)
    click(app, "kernel_bars_kernel_0", GEMM)
    assert app.query_params["picked"] == GEMM
    click(app, "kernel_bars_kernel_0", GEMM, REDUCE)
    assert app.query_params["picked"] == [GEMM, REDUCE]
    assert rows(app) == [GEMM, REDUCE]
    click(app, "kernel_bars_kernel_0")
    assert "picked" not in app.query_params
    assert rows(app) == everything
    # A chart whose specification changes is drawn anew: no click may do that.
    assert begun(app) == []


def test_a_chart_begins_with_what_the_address_picks_until_someone_clicks(stored: dict[str, str]):
    everything = rows(open_page("kernels", trace=stored["gpu"]))
    app = open_page("kernels", trace=stored["gpu"], picked=GEMM)
    assert begun(app) == [{"key": GEMM}]
    assert rows(app) == [GEMM]
    app.run()
    assert (rows(app), begun(app), app.query_params["picked"]) == ([GEMM], [{"key": GEMM}], GEMM)
    click(app, "kernel_bars_kernel_0")
    assert rows(app) == everything
    assert "picked" not in app.query_params


def test_what_the_browser_goes_back_to_is_shown(stored: dict[str, str]):
    app = open_page("kernels", trace=stored["gpu"])
    click(app, "kernel_bars_kernel_0", GEMM)
    app.query_params["picked"] = REDUCE
    app.run()
    assert rows(app) == [REDUCE]
    assert begun(app) == [{"key": REDUCE}]
    click(app, "kernel_bars_kernel_1", GEMM)
    assert (rows(app), app.query_params["picked"]) == ([GEMM], GEMM)


def test_a_bar_that_is_not_drawn_is_not_picked(stored: dict[str, str]):
    app = open_page("kernels", trace=stored["gpu"], picked=GEMM)
    app.text_input(key="search").set_value("nccl").run()
    assert "picked" not in app.query_params
    assert rows(app) == [REDUCE]
    app.text_input(key="search").set_value("").run()
    assert (rows(app), app.query_params["picked"]) == ([GEMM], GEMM)


def test_bars_of_another_grouping_are_other_bars(stored: dict[str, str]):
    app = open_page("kernels", trace=stored["gpu"], picked=GEMM)
    group: Any = next(element for element in app.get("button_group") if element.key == "group")
    group.set_value("class").run()
    assert "picked" not in app.query_params
    assert "Row by row" in words(app)


def test_a_tab_comes_back_with_what_was_picked_in_it(stored: dict[str, str]):
    app = open_page("kernels", trace=stored["gpu"])
    click(app, "kernel_bars_kernel_0", GEMM)
    again = open_page("kernels", **{**app.query_params, "view": "Launches"})
    assert "A captured graph could save" in words(again)
    assert rows(open_page("kernels", **{name: value for name, value in again.query_params.items() if name != "view"})) == [GEMM]


def test_a_picked_slice_is_picked_again_by_its_address(stored: dict[str, str]):
    trace = TraceLibrary(traces_folder()).trace(stored["gpu"])
    index = prepare(trace.events, trace.facts.steps)
    lane = next(lane for lane in index.lanes if lane.label == "gpu:0 · stream 7")
    found = with_names(marks([lane], index.whole), trace.events)
    strip = Strip(side="a", lanes=[lane.label], slices=[0], levels=[1], marks=found, steps=(), zero_ns=index.whole.start_ns)
    mark = drawn([strip]).row(0, named=True)
    app = open_page("timeline", trace=stored["gpu"], lanes=lane.label)
    app.session_state[f"timeline_marks_{stored['gpu'][:12]}_0"] = {"selection": {"picked": [{MARK: mark[MARK]}]}}
    app.run()
    assert app.query_params["picked"] == mark[MARK]
    again = open_page("timeline", **app.query_params)
    assert "1 slice picked" in words(again)
    assert again.dataframe[1].value["name"].tolist() == [mark["name"]]
    picked = {one["name"]: one.get("value") for one in json.loads(again.get("vega_lite_chart")[1].proto.spec)["params"]}
    assert picked["picked"] == [{MARK: mark[MARK]}]


def test_a_brush_is_written_to_the_address_and_opens_its_window_again(stored: dict[str, str]):
    app = open_page("timeline", trace=stored["gpu"])
    app.session_state["timeline_minimap_0"] = {"selection": {"window": {"ms": [0.6, 0.2]}}}
    app.run()
    assert {"from": "0.2", "length": "0.4"}.items() <= app.query_params.items()
    again = open_page("timeline", **app.query_params)
    assert charts(again) == charts(app)
    assert [table.value.to_string() for table in again.dataframe] == [table.value.to_string() for table in app.dataframe]


def test_a_page_that_has_nothing_to_say_leads_to_the_same_recording_elsewhere(home: Path):
    silent = kineto([event("ProfilerStep#1", "user_annotation", 0, 10), event("mine", "user_annotation", 1, 2)])
    digest = TraceLibrary(traces_folder()).upload("silent", silent).digest
    assert links(open_page("kernels", trace=digest))["See what was recorded"] == ("timeline", f"trace={digest}")
