"""The Timeline's two charts: time to the right, lanes below each other, few marks, nothing said by colour alone."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from core.analysis.timeline import marks, overview, with_names
from core.analysis.timeline_index import Window, prepare
from core.charts.minimap import Whole, minimap
from core.charts.palette import Sides
from core.charts.timeline import DEEPEST, KIND_COLOURS, Strip, drawn, timeline
from core.traces.schema import Step
from tests.analysis.timeline_events import events
from tests.charts.test_palette import backgrounds, contrast

SIDES = Sides(a="A · one", b="B · two", short_a="A", short_b="B", colour_a="#d4691a", colour_b="#4a7de0")
WINDOW = Window(start_ns=0, end_ns=10_000_000)
STEPS = (Step(number=7, start_ns=1_000_000, end_ns=5_000_000, lane="1"), Step(number=8, start_ns=5_000_000, end_ns=9_000_000, lane="1"))
FRAME = events(
    ("gpu:0", "7", 1_000_000, 4_000_000, "gemm<float>"),
    ("gpu:0", "7", 6_000_000, 1_000, "relu"),
    ("cpu", "1", 0, 3_000_000, "aten::mm"),
    ("cpu", "1", 1_000_000, 500_000, "cudaLaunchKernel", "runtime call"),
)


def strip(side: str = "a", *, limit: int = 100, frame: pl.DataFrame = FRAME, zero_ns: int = 0, search: str | None = None) -> Strip:
    index = prepare(frame, STEPS)
    window = Window(start_ns=WINDOW.start_ns + zero_ns, end_ns=WINDOW.end_ns + zero_ns)
    found = marks(index.lanes, window, limit=limit, matching=index.matching(search) if search else None)
    return Strip(side=side, lanes=[lane.label for lane in index.lanes], slices=[lane.count(window) for lane in index.lanes],
                 levels=[lane.levels_in(window) for lane in index.lanes],
                 marks=with_names(found, frame), steps=STEPS, zero_ns=zero_ns)  # fmt: skip


def spec(*strips: Strip, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = timeline(strips, SIDES, WINDOW, zero="the recording began", **options).to_dict()
    return made


def layers(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in made["layer"] if (layer["mark"] if isinstance(layer["mark"], str) else layer["mark"]["type"]) == kind]


def rows(made: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = made["datasets"][layer["data"]["name"]]
    return data


def beside(layer: dict[str, Any]) -> list[list[str]]:
    """The lines of text beside each lane."""
    table: dict[str, list[str]] = json.loads(layer["encoding"]["y"]["axis"]["labelExpr"].removesuffix(")[datum.value]").removeprefix("("))
    return list(table.values())


def slices(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows(made, layers(made, "rect")[1])}


def test_a_slice_lies_at_its_time_on_its_lane_and_calls_below_what_called_them():
    made = spec(strip())
    found = slices(made)
    assert (found["gemm<float>"]["from"], found["gemm<float>"]["to"]) == (1.0, 5.0)
    assert found["cudaLaunchKernel"]["y"] - found["aten::mm"]["y"] == pytest.approx(16)
    assert found["aten::mm"]["y"] > found["gemm<float>"]["y2"]
    assert beside(layers(made, "rect")[1]) == [["gpu:0 · stream 7"], ["thread 1"]]
    assert layers(made, "rect")[1]["encoding"]["x"]["scale"]["domain"] == [0.0, 10.0]
    assert layers(made, "rect")[1]["encoding"]["x"]["title"] == "ms since the recording began"


def test_what_is_too_thin_to_be_seen_is_drawn_thicker_and_told_as_it_is():
    relu = slices(spec(strip()))["relu"]
    assert relu["to"] - relu["from"] == pytest.approx(10 / 2500)
    assert relu["length_ms"] == 0.001


def test_bins_stand_as_high_as_they_are_busy_and_the_lane_says_that_it_is_aggregated():
    frame = events(*(("gpu:0", "7", 1_000_000 * number, 250_000, f"k{number}") for number in range(10)))
    made = spec(strip(frame=frame, limit=2))
    heights = [row["y2"] - row["y"] for row in rows(made, layers(made, "rect")[1])]
    assert heights == pytest.approx([29 / 4, 29 / 4])
    assert beside(layers(made, "rect")[1]) == [["gpu:0 · stream 7", "aggregated, 10 slices"]]
    assert rows(made, layers(made, "rect")[1])[0]["stands for"] == "5 slices, the longest named"


def test_colour_is_the_class_and_where_there_is_none_the_kind():
    made = spec(strip())
    scale = layers(made, "rect")[1]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["matrix multiply", "runtime call"]
    assert scale["range"][1] == KIND_COLOURS["runtime call"]


def test_names_stand_in_the_slices_that_have_room():
    made = spec(strip())
    text = [layer for layer in layers(made, "text") if layer["encoding"]["text"]["field"] == "name"]
    assert [row["name"] for row in rows(made, text[0])] == ["gemm<float>", "aten::mm", "cudaLaunchKernel"]


def test_a_search_leaves_what_does_not_match_pale_and_says_how_much_of_a_bin_does():
    made = spec(strip(search="gemm"), searching=True)
    pale, found = layers(made, "rect")[1:3]
    assert pale["encoding"]["opacity"]["value"] < 0.3
    assert [row["name"] for row in rows(made, found)] == ["gemm<float>"]
    frame = events(*(("gpu:0", "7", 1_000_000 * number, 500_000, "x" if number else "gemm") for number in range(10)))
    binned = spec(strip(frame=frame, limit=1, search="gemm"), searching=True)
    matching = rows(binned, layers(binned, "rect")[2])[0]
    assert matching["y2"] - matching["y"] == pytest.approx(29 * 0.5 / 10)


def test_steps_have_their_rules_and_their_numbers():
    made = spec(strip())
    assert [row["ms"] for row in rows(made, layers(made, "rule")[0])] == [1.0, 5.0, 9.0]
    assert [row["number"] for row in rows(made, layers(made, "text")[1])] == ["7", "8"]


def test_two_recordings_stand_above_each_other_on_one_axis_each_from_its_own_zero():
    made = spec(strip("a"), strip("b", frame=FRAME.with_columns(pl.col("start_ns") + 500), zero_ns=500))
    found = [row for row in rows(made, layers(made, "rect")[1]) if row["name"] == "gemm<float>"]
    assert [row["from"] for row in found] == [1.0, 1.0]
    assert found[1]["y"] > found[0]["y2"]
    assert len({row["mark"] for row in found}) == 2
    heads = [rows(made, layer)[0]["name"] for layer in layers(made, "text") if "color" in layer["mark"] and layer["mark"].get("fontWeight")]
    assert heads == ["A · one", "B · two"]


def test_a_mark_keeps_its_name_in_every_view():
    near, far = (drawn([strip(limit=limit)])["mark"].to_list() for limit in (100, 3))
    assert len(set(near)) == len(near) == 4
    assert set(near) & set(far)
    assert all(name.count(" ") in (1, 4) for name in far)


def test_calls_too_deep_to_draw_are_counted_beside_their_lane():
    frame = events(*(("cpu", "1", 100 * depth, 9_000_000 - 200 * depth, f"f{depth}") for depth in range(DEEPEST + 3)))
    made = spec(strip(frame=frame))
    assert len(rows(made, layers(made, "rect")[1])) == DEEPEST
    assert beside(layers(made, "rect")[1]) == [["thread 1", "3 deeper ones not drawn"]]


def test_what_a_recording_calls_its_lanes_is_text_and_nothing_else():
    name = "\"]}); alert('x') //</script>"
    made = spec(strip(frame=events(("cpu", name, 0, 1000, "a"))))
    assert beside(layers(made, "rect")[1]) == [[name]]


def test_an_empty_window_still_draws_its_lanes():
    made = spec(strip(frame=events(("gpu:0", "7", 20_000_000, 5, "late"))))
    assert beside(layers(made, "rect")[0]) == [["gpu:0 · stream 7"]]
    assert len(rows(made, layers(made, "rect")[0])) == 1
    assert rows(made, layers(made, "rect")[1]) == []


def whole(side: str = "a", frame: pl.DataFrame = FRAME) -> Whole:
    return Whole(side=side, shares=overview(prepare(frame), WINDOW, 5), steps=STEPS, zero_ns=0)


def test_the_minimap_has_a_track_for_devices_and_for_the_host_and_a_brush():
    made = minimap([whole()], SIDES, WINDOW, WINDOW).to_dict()
    area = layers(made, "area")[0]
    devices = [row for row in rows(made, area) if row["what"] == "devices"]
    # Bins of 2 ms: busy 1, 2, 1, 0.001 and 0 ms of them; the last corner closes the area.
    assert [(row["y2"] - row["y"]) / 24 for row in devices] == pytest.approx([0.5, 1.0, 0.5, 0.0005, 0, 0])
    assert [row["ms"] for row in devices] == [0, 2, 4, 6, 8, 10]
    assert {row["what"] for row in rows(made, area)} == {"devices", "host"}
    assert [(param["name"], param["select"]) for param in made["params"]] == [("window", {"type": "interval", "encodings": ["x"]})]
    assert [row["number"] for row in rows(made, layers(made, "text")[0])] == ["7", "8"]


def test_the_minimap_marks_a_window_that_is_not_the_whole():
    made = minimap([whole("a"), whole("b")], SIDES, Window(start_ns=1_000_000, end_ns=2_000_000), WINDOW).to_dict()
    band = layers(made, "rect")[0]
    assert [(row["ms"], row["to"]) for row in rows(made, band)] == [(1.0, 2.0)]
    assert {row["side"] for row in rows(made, layers(made, "area")[0])} == {"a", "b"}
    assert beside(band)[0] == ["A · devices busy"]
    everything = minimap([whole()], SIDES, WINDOW, WINDOW).to_dict()
    assert rows(everything, layers(everything, "rect")[0]) == []


def test_many_steps_are_thinned_out():
    many = tuple(Step(number=number, start_ns=number * 1000, end_ns=number * 1000 + 900, lane="1") for number in range(1000))
    made = minimap([Whole(side="a", shares=overview(prepare(FRAME), WINDOW, 5), steps=many, zero_ns=0)], SIDES, WINDOW, WINDOW).to_dict()
    assert len(rows(made, layers(made, "text")[0])) <= 40


@pytest.mark.parametrize("colour", sorted(KIND_COLOURS.values()))
def test_kinds_can_be_told_from_both_backgrounds(colour: str):
    assert min(contrast(colour, background) for background in backgrounds()) >= 3.0
