"""The charts of the Memory page: true to the byte, readable in binary units, the same axis for both of a pair."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
import pytest

from core.charts.byte_axis import byte_axis, size_expression, ticks
from core.charts.memory_bars import difference_bars, live_bars, live_pair, taken_bars
from core.charts.memory_over_time import MOMENT, PICKED, WINDOW, Mark, Moment, memory_over_time
from core.charts.palette import BAD, NEUTRAL, Sides
from core.charts.picking import pickable

GIB, MIB = 2**30, 2**20
SIDES = Sides(a="A · one", short_a="A · PyTorch", colour_a="#4a7de0", b="B · two", short_b="B · PyTorch", colour_b="#a07c10")
POINTS = pl.DataFrame(
    {
        MOMENT: [0.0, 1.0, 2.5, 4.0],
        "allocated_bytes": [GIB, 3 * GIB, 2 * GIB, 2 * GIB],
        "reserved_bytes": [4 * GIB] * 4,
        "unused_bytes": [3 * GIB, GIB, 2 * GIB, 2 * GIB],
    }
)


def over_time(points: pl.DataFrame = POINTS, **more: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "measure": "allocated_bytes", "colour": "#4a7de0", "window_ms": (0.0, 4.0), "top_bytes": 4 * GIB, "marks": (),
        "peak": Moment(ms=1.0, bytes=3 * GIB, word="peak"), "moment": None,
    }  # fmt: skip
    made: dict[str, Any] = memory_over_time(points, **{**options, **more}).to_dict()
    return made


def layers(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in made["layer"] if layer["mark"]["type"] == kind]


def rows(made: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made["datasets"][(layer.get("data") or made["data"])["name"]]
    return found


def test_the_area_is_a_step_after_each_event_and_stands_on_zero():
    made = over_time()
    area = layers(made, "area")[0]
    assert area["mark"]["interpolate"] == "step-after"
    assert area["encoding"]["y"]["field"] == "allocated_bytes"
    # Two events of one moment would be stacked on each other otherwise.
    assert area["encoding"]["y"]["stack"] is False
    low, high = area["encoding"]["y"]["scale"]["domain"]
    assert low == 0
    assert high > 4 * GIB
    assert rows(made, area)[1] == {MOMENT: 1.0, "allocated_bytes": 3 * GIB, "reserved_bytes": 4 * GIB, "unused_bytes": GIB}


def test_the_peak_is_marked_where_it_is_with_its_value():
    made = over_time()
    marked = [layer for layer in layers(made, "point") if {"ms": 1.0, "bytes": 3 * GIB, "word": "peak"} in rows(made, layer)]
    assert len(marked) == 1
    texts = [layer for layer in layers(made, "text") if rows(made, layer) == [{"ms": 1.0, "bytes": 3 * GIB, "word": "peak"}]]
    assert "datum.word" in str(texts[0]["transform"])


def test_reserved_is_a_line_beside_allocated_alone_and_only_where_it_was_recorded():
    assert [layer["encoding"]["y"]["field"] for layer in layers(over_time(), "line")] == ["reserved_bytes"]
    assert layers(over_time(measure="unused_bytes"), "line") == []
    unknown = POINTS.with_columns(pl.lit(None, pl.Int64).alias("reserved_bytes"), pl.lit(None, pl.Int64).alias("unused_bytes"))
    assert layers(over_time(unknown), "line") == []


def test_drag_and_click_select_moments():
    params = {param["name"]: param["select"] for param in over_time()["params"]}
    assert params[WINDOW]["type"] == "interval"
    assert params[WINDOW]["encodings"] == ["x"]
    assert (params[PICKED]["type"], params[PICKED]["fields"], params[PICKED]["nearest"]) == ("point", [MOMENT], True)


def test_steps_in_the_window_are_marked_and_what_went_wrong_is_red():
    marks = (Mark(ms=0.5, label="step 1"), Mark(ms=9.0, label="step 2"), Mark(ms=2.0, label="out of memory", bad=True))
    made = over_time(marks=marks)
    ruled = {layer["mark"]["color"]: [row["label"] for row in rows(made, layer)] for layer in layers(made, "rule")}
    assert ruled == {NEUTRAL: ["step 1"], BAD: ["out of memory"]}


def test_many_steps_are_thinned_out():
    made = over_time(marks=[Mark(ms=number / 100, label=str(number)) for number in range(400)])
    assert len(rows(made, layers(made, "rule")[0])) == 40


def test_a_chosen_moment_is_a_rule_with_its_value():
    assert layers(over_time(), "rule") == []
    made = over_time(moment=Moment(ms=2.5, bytes=2 * GIB, word="here"))
    assert rows(made, layers(made, "rule")[0]) == [{"ms": 2.5, "bytes": 2 * GIB, "word": "here"}]


def test_both_of_a_pair_have_the_axes_that_they_are_given():
    one, other = (
        over_time(),
        over_time(POINTS.with_columns(pl.col("allocated_bytes") // 100), peak=Moment(ms=1.0, bytes=GIB // 40, word="peak")),
    )
    for channel in ("x", "y"):
        assert layers(one, "area")[0]["encoding"][channel]["scale"] == layers(other, "area")[0]["encoding"][channel]["scale"]
    assert (
        layers(one, "area")[0]["encoding"]["y"]["axis"]["minExtent"]
        == layers(other, "area")[0]["encoding"]["y"]["axis"]["maxExtent"]
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 15.8 * GIB, [0, 4 * GIB, 8 * GIB, 12 * GIB]),
        (0, 1.2 * GIB, [0, 256 * MIB, 512 * MIB, 768 * MIB, GIB]),
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (-3 * GIB, GIB, [-3 * GIB, -2 * GIB, -GIB, 0, GIB]),
        (0, 0, [0]),
    ],
)
def test_ticks_are_a_power_of_two_apart(low: float, high: float, expected: list[float]):
    assert ticks(low, high) == expected


def test_an_axis_says_its_units():
    axis = byte_axis(0, GIB).to_dict()
    assert axis["values"][1] == 256 * MIB
    assert all(unit in axis["labelExpr"] for unit in ("'0'", "' KiB'", "' MiB'", "' GiB'", "' B'"))
    assert size_expression("datum.x").startswith(f"abs(datum.x) >= {GIB} ? ")


LIVE = pl.DataFrame(
    {
        "name": ["allocated before the recording", "aten::mm", "all others (3)"], "origin": ["before", "recorded", "rest"],
        "bytes": [3 * GIB, 2 * GIB, GIB], "count": [None, 4, 7], "share": [0.5, 1 / 3, 1 / 6],
    }
)  # fmt: skip
BOTH = pl.DataFrame(
    {
        "name": ["aten::mm", "aten::add"], "origin": ["recorded"] * 2, "a_bytes": [2 * GIB, 0], "b_bytes": [GIB, GIB],
        "difference_bytes": [-GIB, GIB], "a_count": [1, None], "b_count": [1, 1],
    }
)  # fmt: skip


def test_bars_keep_their_order_and_what_was_not_recorded_is_grey():
    made = live_bars(LIVE, "#4a7de0", title="operator").to_dict()
    bars = made["layer"][0]["encoding"]
    assert bars["y"]["sort"] == LIVE["name"].to_list()
    assert bars["color"]["value"] == "#4a7de0"
    assert bars["color"]["condition"]["value"] == NEUTRAL
    assert all(origin in bars["color"]["condition"]["test"] for origin in ("before", "rounding", "rest"))


def test_a_click_on_a_bar_selects_its_name():
    made = pickable(live_bars(LIVE, "#4a7de0", title="operator"), PICKED, "name").to_dict()
    assert [(param["name"], param["select"]["fields"]) for param in made["params"]] == [(PICKED, ["name"])]


def test_a_pair_of_bars_is_a_above_b_on_one_axis():
    made = live_pair(BOTH, SIDES, title="operator").to_dict()
    drawn = [(row["name"], row["letter"], row["bytes"]) for row in rows(made, made["layer"][0])]
    assert drawn == [("aten::mm", "a", 2 * GIB), ("aten::add", "a", 0), ("aten::mm", "b", GIB), ("aten::add", "b", GIB)]
    assert made["layer"][0]["encoding"]["yOffset"]["sort"] == ["a", "b"]
    assert made["layer"][0]["encoding"]["color"]["scale"] == {
        "domain": [SIDES.a, SIDES.b],
        "range": [SIDES.colour_a, SIDES.colour_b],
    }


def test_a_difference_grows_to_the_right_where_b_holds_more():
    made = difference_bars(BOTH, SIDES, title="operator").to_dict()
    assert [(row["difference_bytes"], row["more"]) for row in rows(made, made["layer"][0])] == [
        (-GIB, "A holds more"),
        (GIB, "B holds more"),
    ]
    low, high = made["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < -GIB
    assert high > GIB


def test_what_is_released_grows_to_the_left():
    taken = pl.DataFrame(
        {
            "name": ["x", "y"],
            "allocations": [1.0, 0.0],
            "allocated_bytes": [8.0, 0.0],
            "released_bytes": [2.0, 4.0],
            "increase_bytes": [6.0, -4.0],
        }
    )
    made = taken_bars(taken, "#4a7de0", title="layer", per="per step", reach=(40.0, 80.0)).to_dict()
    drawn = {(row["name"], row["what"]): row["signed_bytes"] for row in rows(made, made["layer"][0])}
    assert drawn == {("x", "allocated"): 8.0, ("y", "allocated"): 0.0, ("x", "released"): -2.0, ("y", "released"): -4.0}
    x = made["layer"][0]["encoding"]["x"]
    assert x["title"] == "← released · allocated → per step"
    assert x["scale"]["domain"][0] < -40
    assert x["scale"]["domain"][1] > 80
    assert "abs(datum.value)" in x["axis"]["labelExpr"]


@pytest.mark.parametrize(
    "chart",
    [
        live_bars(LIVE.head(0), "#000000", title="x"),
        live_pair(BOTH.head(0), SIDES, title="x"),
        difference_bars(BOTH.head(0), SIDES, title="x"),
    ],
)
def test_nothing_still_draws(chart: alt.LayerChart):
    assert chart.to_dict()["layer"]


def test_the_word_for_reserved_stays_away_from_the_peak():
    for ms, align, at in ((1.0, "right", 4.0), (3.5, "left", 0.0)):
        made = over_time(peak=Moment(ms=ms, bytes=3 * GIB, word="peak"))
        [word] = [layer for layer in layers(made, "text") if "reserved " in str(layer["transform"])]
        assert (word["mark"]["align"], rows(made, word)[0][MOMENT]) == (align, at)
    assert not [layer for layer in layers(over_time(window_ms=(0.0, 40.0)), "text") if "reserved " in str(layer["transform"])]
