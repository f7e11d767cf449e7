"""The Timeline page on recorded traces: the window and its controls, the lanes, what a click lists, two recordings at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.timeline import aligned_steps, marks, with_names
from core.analysis.timeline_index import Window, prepare
from core.charts.timeline import Strip, drawn
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from core.traces.schema import Trace
from pages._parts.timeline_slices import marked_slices
from pages._parts.timeline_window import asked_window, brushed
from tests.analysis.timeline_events import events
from tests.pages.apps import ROOT, charts, downloads, open_page, words

DATA = Path(__file__).resolve().parents[1] / "traces" / "data"
GPU = "h100/mnist_cnn.pt.trace.json.gz"
CPU = "pytorch_eager.pt.trace.json.gz"
TENSORFLOW = "tensorflow_graph.xplane.pb.gz"


def bring(name: str) -> tuple[str, Trace]:
    """A recorded trace in the library: its digest, and what is in it."""
    library = TraceLibrary(traces_folder())
    digest = library.open_file(DATA / name).digest
    return digest, library.trace(digest)


def spec(at: AppTest, place: int) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(at.get("vega_lite_chart")[place].proto.spec)
    return made


def asked(at: AppTest) -> tuple[float | None, float | None]:
    return at.number_input(key="from").value, at.number_input(key="length").value


def lanes(at: AppTest) -> pl.DataFrame:
    """The table of lanes: the last one of the page."""
    return pl.from_pandas(at.dataframe[-1].value)


def time_domain(at: AppTest) -> list[float]:
    domain: list[float] = spec(at, 1)["layer"][1]["encoding"]["x"]["scale"]["domain"]
    return domain


def test_at_first_it_shows_the_whole_recording_device_first_then_who_steps(home: Path):
    _, trace = bring(GPU)
    at = open_page("timeline")
    whole = prepare(trace.events).whole
    assert asked(at) == (None, None)
    assert time_domain(at) == [0.0, whole.length_ns / 1e6]
    assert lanes(at)["lane"][0].startswith("gpu:0 · stream")
    assert lanes(at)["lane"].to_list() == at.multiselect(key="lanes").value
    assert (lanes(at)["busy_ms"] + lanes(at)["idle_ms"]).to_list() == pytest.approx([whole.length_ns / 1e6] * len(lanes(at)))
    assert "Drag over it to choose a window" in charts(at)[0]
    assert downloads(at)[:6] == ["CSV", "Parquet", "PNG", "SVG", "CSV", "Parquet"]


def test_a_link_opens_the_exact_view(home: Path):
    digest, trace = bring(GPU)
    step = trace.facts.steps[1]
    at = open_page("timeline", trace=digest, step=str(step.number), length="0.5", **{"from": "0.25"}, highlight="gemm", kinds="annotations",
                   lanes="gpu:0 · stream 7")  # fmt: skip
    assert asked(at) == (0.25, 0.5)
    assert time_domain(at) == [0.25, 0.75]
    assert f"ms since step {step.number} began" in str(spec(at, 1))
    assert lanes(at)["lane"].to_list() == ["gpu:0 · stream 7"]
    assert at.text_input(key="highlight").value == "gemm"
    assert "match in this window" in words(at)


@pytest.mark.parametrize(
    "given",
    [
        {"from": "nan", "length": "x"},
        {"from": "1e300", "length": "1e300"},
        {"from": "-5", "length": "0"},
        {"step": "no step", "lanes": "no lane", "kinds": "none"},
    ],
)
def test_nonsense_in_the_address_still_shows_something(home: Path, given: dict[str, str]):
    bring(CPU)
    at = open_page("timeline", **given)
    start, end = time_domain(at)
    assert end > start
    assert len(lanes(at)) or "No lane is chosen" in words(at)


def test_a_brush_moves_the_window_and_other_controls_move_it_on(home: Path):
    bring(GPU)
    at = open_page("timeline")
    at.session_state["timeline_minimap_0"] = {"selection": {"window": {"ms": [2.0, 6.0]}}}
    at.run()
    assert asked(at) == (2.0, 4.0)
    assert time_domain(at) == [2.0, 6.0]
    for key, expected in {"zoom_in": (3.0, 2.0), "chevron_right": (4.0, 2.0), "zoom_out": (3.0, 4.0), "chevron_left": (1.0, 4.0)}.items():
        at.button(key=f"timeline_{key}").click().run()
        assert asked(at) == expected, key
    at.button(key="timeline_fit_width").click().run()
    assert asked(at)[0] == 0.0
    assert time_domain(at)[1] == pytest.approx(asked(at)[1])


def test_choosing_a_step_jumps_to_it_and_puts_its_start_at_zero(home: Path):
    _, trace = bring(GPU)
    step = trace.facts.steps[-1]
    at = open_page("timeline", length="1.0")
    at.selectbox(key="step").set_value(str(step.number)).run()
    assert asked(at) == (None, None)
    assert time_domain(at) == [0.0, (step.end_ns - step.start_ns) / 1e6]


def picked_mark(trace: Trace, *, limit: int) -> dict[str, Any]:
    index = prepare(trace.events, trace.facts.steps)
    found = with_names(marks(index.lanes[:1], index.whole, limit=limit), trace.events)
    strip = Strip(side="a", lanes=[index.lanes[0].label], slices=[0], levels=[1], marks=found, steps=(), zero_ns=index.whole.start_ns)
    return drawn([strip]).row(0, named=True)


def test_a_click_lists_what_the_mark_stands_for(home: Path):
    digest, trace = bring(GPU)
    first = picked_mark(trace, limit=10**6)
    event = trace.events.row(first["row"], named=True)
    length_ms = (first["end_ns"] - first["zero_ns"]) / 1e6 + 0.01
    at = open_page("timeline", lanes=f"gpu:0 · stream {event['lane']}", length=str(length_ms), **{"from": "0"})
    assert "Click a slice" in words(at)
    chart = f"timeline_marks_{digest[:12]}_0"
    at.session_state[chart] = {"selection": {"picked": [{"mark": first["mark"]}]}}
    at.run()
    listed = at.dataframe[1].value
    assert listed["name"].to_list() == [event["name"]]
    assert listed["duration_ms"].to_list() == [event["duration_ns"] / 1e6]
    assert {"lane", "kind", "operator", "layer", "phase", "op_class", "input_shapes", "step"} <= set(listed.columns)
    assert "1 slice picked" in words(at)
    at.session_state[chart] = {"selection": {"picked": [{"mark": "a 4000000000"}, {"other": 1}]}}
    assert "Click a slice" in words(at.run())


def test_what_is_picked_in_one_recording_is_not_picked_in_the_next(home: Path):
    gpu, trace = bring(GPU)
    cpu, _ = bring(CPU)
    first = picked_mark(trace, limit=10**6)
    length_ms = (first["end_ns"] - first["zero_ns"]) / 1e6 + 0.01
    lane = f"gpu:0 · stream {trace.events['lane'][first['row']]}"
    at = open_page("timeline", trace=gpu, lanes=lane, length=str(length_ms), picked=first["mark"], **{"from": "0"})
    assert "1 slice picked" in words(at)
    at.query_params["trace"] = cpu
    at.run()
    assert "Click a slice" in words(at)
    assert "picked" not in at.query_params
    assert asked(at) == (None, None)


def test_a_bin_lists_its_slices_the_longest_first():
    frame = events(("gpu:0", "7", 0, 5, "short"), ("gpu:0", "7", 6, 30, "long"), ("gpu:0", "7", 8, 20, "inner"), ("gpu:0", "7", 40, 1, "outside"))
    lane = prepare(frame).lanes[0]
    found, places = marked_slices({"start_ns": 3, "end_ns": 40, "aggregated": True, "depth": 0, "row": 1}, lane)
    assert frame["name"].gather(found.rows[places]).to_list() == ["long", "inner", "short"]
    found, places = marked_slices({"start_ns": 3, "end_ns": 40, "aggregated": True, "depth": 1, "row": 2}, lane)
    assert frame["name"].gather(found.rows[places]).to_list() == ["inner"]


def test_two_recordings_stand_above_each_other_and_are_aligned_on_a_step(home: Path):
    (a, first), (b, second) = bring(TENSORFLOW), bring(CPU)
    at = open_page("timeline", trace=a, against=b)
    assert lanes(at)["recording"].str.head(1).unique(maintain_order=True).to_list() == ["A", "B"]
    assert {name[0] for name in at.multiselect(key="lanes").value} == {"A", "B"}
    name = at.selectbox(key="step").options[1]
    at.selectbox(key="step").set_value(name).run()
    pair = aligned_steps(first.facts.steps, second.facts.steps)[name]
    assert pair.b is not None
    longer_ns = max(step.end_ns - step.start_ns for step in (pair.a, pair.b))
    assert time_domain(at) == [0.0, longer_ns / 1e6]
    # The first slice of the step on the thread that steps begins within it on both sides.
    marks_of = pl.from_pandas(at.dataframe[0].value).group_by("recording").agg(pl.col("start_ms").min())
    assert marks_of.filter(pl.col("start_ms").is_between(0, longer_ns / 1e6)).height == 2


@pytest.mark.parametrize("how", ["by link", "by hand", "by brush"])
def test_another_recording_starts_with_its_own_whole_and_lanes(home: Path, how: str):
    cpu, _ = bring(CPU)
    gpu, _ = bring(GPU)
    at = open_page("timeline", trace=gpu, **({"length": "1.0", "from": "0.5"} if how == "by link" else {}))
    if how == "by hand":
        at.number_input(key="from").set_value(0.5)
        at.number_input(key="length").set_value(1.0)
        at.run()
    if how == "by brush":
        at.session_state["timeline_minimap_0"] = {"selection": {"window": {"ms": [0.5, 1.5]}}}
        at.run()
    assert asked(at) == (0.5, 1.0)
    at.query_params["trace"] = cpu
    at.run()
    assert asked(at) == (None, None)
    assert len(lanes(at)) > 0
    assert not any(name.startswith("gpu") for name in lanes(at)["lane"])


def test_a_link_from_another_page_keeps_its_view(home: Path):
    cpu, _ = bring(CPU)
    gpu, _ = bring(GPU)
    at = open_page("timeline", trace=gpu)
    at.switch_page(str(ROOT / "pages" / "library.py")).run()
    at.switch_page(str(ROOT / "pages" / "timeline.py"))
    at.query_params["trace"], at.query_params["length"] = cpu, "1.0"
    at.run()
    assert asked(at) == (None, 1.0)


def test_without_a_lane_it_says_what_to_do(home: Path):
    bring(GPU)
    at = open_page("timeline")
    at.multiselect(key="lanes").set_value([]).run()
    assert "No lane is chosen" in words(at)


def test_an_empty_store_says_how_to_begin(home: Path):
    assert "Nothing has been compared on this machine yet" in words(open_page("timeline"))


def test_a_window_stays_where_there_is_something_to_see():
    whole, usual = Window(start_ns=0, end_ns=10_000_000), Window(start_ns=1, end_ns=5)
    assert asked_window(2.0, 3.0, usual, whole) == Window(start_ns=2_000_000, end_ns=5_000_000)
    assert asked_window(None, 1.0, usual, whole) == Window(start_ns=1, end_ns=1_000_001)
    assert asked_window(None, None, whole, whole) == whole
    far = asked_window(1e9, 1.0, usual, whole)
    assert (far.start_ns, far.length_ns) == (9_500_000, 1_000_000)
    assert asked_window(-1e300, 1e300, usual, whole).length_ns == 20_000_000
    assert asked_window(float("nan"), 0.0, usual, whole).length_ns == 100


def test_only_a_real_interval_is_a_brush():
    assert brushed({"selection": {"window": {"ms": [3.0, 1.0]}}}) == (1.0, 2.0)
    states: tuple[Any, ...] = (None, {}, {"selection": {}}, {"selection": {"window": {}}}, {"selection": {"window": {"ms": [1.0, "x"]}}},
                  {"selection": {"window": {"ms": [1.0, float("inf")]}}})  # fmt: skip
    for state in states:
        assert brushed(state) is None
