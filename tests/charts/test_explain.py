"""From one step to the other, part by part."""

from __future__ import annotations

import polars as pl

from core.charts.explain import step_waterfall, waterfall_rows
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


def test_the_axis_begins_at_nothing_and_every_bar_has_its_place():
    chart = step_waterfall(PARTS, SIDES, a_ms=10, b_ms=15).to_dict()
    bars = next(layer for layer in chart["layer"] if layer["mark"]["type"] == "bar")
    assert bars["encoding"]["x"]["scale"]["domain"][0] == 0
    assert bars["encoding"]["y"]["scale"]["domain"] == [
        "a step of A · TensorFlow", "pooling", "elementwise", "in no operator", "a step of B · PyTorch"
    ]  # fmt: skip
