"""The mirrored bars: both sides on one axis, nothing cut, units said."""

from __future__ import annotations

import polars as pl
import pytest

from core.charts.operators import mirrored_bars
from core.charts.palette import Sides

SIDES = Sides(
    a="A · TensorFlow graph", short_a="A · TensorFlow", colour_a="#d4691a",
    b="B · PyTorch eager", short_b="B · PyTorch", colour_b="#4a7de0",
)  # fmt: skip
MIRRORED = pl.DataFrame(
    {"key": ["pooling", "random"], "op_class": ["pooling", "random"], "a_ms": [1.0, 0.5], "b_ms": [4.0, 0.0]},
)


def spec(**options):
    return mirrored_bars(MIRRORED, SIDES, **options).to_dict()


def bars(made):
    name = made["layer"][0]["data"]["name"] if "data" in made["layer"][0] else made["data"]["name"]
    return made["datasets"][name]


def test_a_grows_to_the_left_and_b_to_the_right_of_one_axis():
    made = spec()
    lengths = {(row["key"], row["letter"]): row["signed_ms"] for row in bars(made)}
    assert lengths == {("pooling", "a"): -1.0, ("random", "a"): -0.5, ("pooling", "b"): 4.0, ("random", "b"): 0.0}
    low, high = made["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == -high < -4.0


def test_rows_keep_their_order_and_have_their_units():
    made = spec(title="operator")
    first = made["layer"][0]["encoding"]
    assert first["y"]["sort"] == ["pooling", "random"]
    assert first["x"]["title"] == "self time, ms per step"
    assert [shown["title"] for shown in first["tooltip"]][:2] == ["operator", "side"]
    assert any("ms per step" in shown["title"] for shown in first["tooltip"])


def test_shares_are_of_each_side():
    shares = {(row["key"], row["letter"]): row["share"] for row in bars(spec())}
    assert shares["pooling", "a"] == pytest.approx(2 / 3)
    assert shares["pooling", "b"] == pytest.approx(1.0)


def test_colour_by_class_or_by_side():
    by_class = spec()["layer"][0]["encoding"]["color"]["scale"]
    assert by_class["domain"] == ["pooling", "random"]
    by_side = spec(colour="side")["layer"][0]["encoding"]["color"]["scale"]
    assert by_side == {"domain": ["A · TensorFlow", "B · PyTorch"], "range": ["#d4691a", "#4a7de0"]}


def test_a_legend_only_where_the_rows_do_not_say_it():
    assert spec()["layer"][0]["encoding"]["color"]["legend"] is None
    by_name = mirrored_bars(MIRRORED.with_columns(pl.Series("key", ["aten::mm", "aten::rand"])), SIDES).to_dict()
    assert by_name["layer"][0]["encoding"]["color"]["legend"]["orient"] == "bottom"


def test_both_sides_are_named_in_words():
    text = str(spec()["datasets"])
    assert "← A · TensorFlow" in text
    assert "B · PyTorch →" in text


def test_an_empty_comparison_still_draws():
    assert mirrored_bars(MIRRORED.head(0), SIDES).to_dict()["layer"]
