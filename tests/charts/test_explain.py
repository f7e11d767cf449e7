"""From one step to the other, part by part."""

from __future__ import annotations

import polars as pl
import pytest

from core.charts.explain import axis_begin, step_waterfall, waterfall_rows
from core.charts.palette import Sides

SIDES = Sides(a="A · TensorFlow graph", b="B · PyTorch eager", short_a="A · TensorFlow", short_b="B · PyTorch",
              colour_a="#d4691a", colour_b="#4a7de0")  # fmt: skip
PARTS = pl.DataFrame({
    "what": ["pooling", "elementwise", "in no operator"], "kind": ["work", "work", "rest"],
    "a_ns": [2e6, 5e6, 3e6], "b_ns": [9e6, 4e6, 2e6], "difference_ns": [7e6, -1e6, -1e6],
})  # fmt: skip


def test_each_part_begins_where_the_one_before_ended_and_the_last_ends_at_the_other_step():
    rows = waterfall_rows(PARTS, SIDES, a_ms=10, b_ms=15)
    assert list(zip(rows["what"], rows["from_ms"], rows["to_ms"], strict=True)) == [
        ("a step of A · TensorFlow", 0, 10), ("pooling", 10, 17), ("elementwise", 17, 16), ("in no operator", 16, 15),
        ("a step of B · PyTorch", 0, 15),
    ]  # fmt: skip


def test_direction_stands_beside_the_colour_and_what_is_no_work_has_its_own():
    rows = waterfall_rows(PARTS, SIDES, a_ms=10, b_ms=15)
    assert rows["moves"].to_list()[1:4] == ["▲ longer in B", "▼ shorter in B", "no work of anybody's"]
    assert rows["text"].to_list() == ["10.00 ms", "+7.00 ms", "-1.00 ms", "-1.00 ms", "15.00 ms"]


def test_the_axis_holds_what_goes_below_nothing_before_work_side_by_side_is_taken_off():
    parts = pl.DataFrame({"what": ["pooling", "side by side on several threads"], "kind": ["work", "rest"],
                          "a_ns": [30e6, -20e6], "b_ns": [5e6, 0.0], "difference_ns": [-25e6, 20e6]})  # fmt: skip
    chart = step_waterfall(parts, SIDES, a_ms=10, b_ms=5).to_dict()
    bars = next(layer for layer in chart["layer"] if layer["mark"]["type"] == "bar")
    low, high = bars["encoding"]["x"]["scale"]["domain"]
    assert low < -15
    assert high > 10


def test_the_axis_begins_at_nothing_and_every_bar_has_its_place():
    chart = step_waterfall(PARTS, SIDES, a_ms=10, b_ms=15).to_dict()
    bars = next(layer for layer in chart["layer"] if layer["mark"]["type"] == "bar")
    assert bars["encoding"]["x"]["scale"]["domain"][0] == 0
    assert bars["encoding"]["y"]["scale"]["domain"] == [
        "a step of A · TensorFlow", "pooling", "elementwise", "in no operator", "a step of B · PyTorch"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ends_ms", "begins_at"),
    [
        ((10, 17, 16, 15), 0),  # from there on the bars would be no longer than half of their length
        ((140.5, 148.3, 153.7, 154.2), 130),
        ((1.4, 1.45, 1.42), 1.37),
        ((2000, 2000), 1999.999),  # nothing differs
        ((5, -15, 10), -15.75),
    ],
)
def test_the_axis_begins_where_the_parts_can_be_told_apart(ends_ms: tuple[float, ...], begins_at: float):
    assert axis_begin(ends_ms) == pytest.approx(begins_at, abs=1e-3)


def test_where_the_axis_is_cut_it_says_so_and_so_do_the_bars_of_both_steps():
    chart = step_waterfall(PARTS, SIDES, a_ms=200, b_ms=205).to_dict()
    bars = next(layer for layer in chart["layer"] if layer["mark"]["type"] == "bar")
    begin = bars["encoding"]["x"]["scale"]["domain"][0]
    assert begin == 196
    assert bars["encoding"]["x"]["title"] == "milliseconds of a step, from 196 on"
    rows = max(chart["datasets"].values(), key=len)  # joints leave the last row out
    assert [(row["from_ms"], row["to_ms"]) for row in rows if row["whole"]] == [(196, 200), (196, 205)]
    (cut,) = [layer for layer in chart["layer"] if layer["mark"].get("text") == "//"]
    assert cut["transform"] == [{"filter": "datum.whole"}]
