"""Two comparisons beside each other as Vega-Lite."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.analysis.baseline import BASELINE_KIND, SIDES_KIND
from core.charts.baseline import baseline_forest
from tests.charts.test_comparison_charts import encodings

ROWS = pl.DataFrame(
    [
        ("B ÷ A, this comparison", SIDES_KIND, 1.8, 1.78, 1.82, "faster"),
        ("B ÷ A, baseline", SIDES_KIND, 1.5, 1.48, 1.52, "faster"),
        ("A: time", BASELINE_KIND, 1.0, 0.99, 1.01, "no practical difference"),
        ("B: time", BASELINE_KIND, 1.2, 1.18, 1.22, "slower"),
    ],
    schema=["what", "kind", "ratio", "low", "high", "verdict"], orient="row",
)  # fmt: skip


def channels(spec: dict[str, Any], place: str) -> list[dict[str, Any]]:
    return [channel for name, channel in encodings(spec) if name == place]


def test_every_interval_is_a_row_on_one_logarithmic_axis_around_one():
    spec = baseline_forest(ROWS).to_dict()
    assert {tuple(y["sort"]) for y in channels(spec, "y")} == {tuple(ROWS["what"])}
    for x in channels(spec, "x"):
        low, high = x["scale"]["domain"]
        assert x["scale"]["type"] == "log"
        assert low < 0.99 < 1.82 < high
        assert x["title"] == "ratio: B ÷ A, or this ÷ baseline"
        assert 1.0 in x["axis"]["values"]
    assert [x2["field"] for x2 in channels(spec, "x2")] == ["high"]
    assert spec["height"] > 0


def test_the_two_kinds_of_ratio_differ_in_colour_and_shape():
    spec = baseline_forest(ROWS).to_dict()
    for place in ("color", "shape"):
        for channel in channels(spec, place):
            assert channel["scale"]["domain"] == [SIDES_KIND, BASELINE_KIND]
            assert len(set(channel["scale"]["range"])) == 2


def test_a_kind_without_rows_has_no_legend():
    spec = baseline_forest(ROWS.filter(pl.col("kind") == SIDES_KIND)).to_dict()
    assert {tuple(channel["scale"]["domain"]) for channel in channels(spec, "color")} == {(SIDES_KIND,)}


def test_the_numbers_are_told_where_the_pointer_is():
    spec = baseline_forest(ROWS).to_dict()
    tooltips: list[Any] = channels(spec, "tooltip")
    told = {tip["field"] for tips in tooltips for tip in tips}
    assert told == {"what", "ratio", "low", "high", "verdict"}
