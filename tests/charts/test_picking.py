"""Marks that can be picked: the rest fades, a chart can begin with some of them, and it can be told whether anyone has clicked."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
import pytest

from core.charts.conventions import sized
from core.charts.picking import UNTOUCHED, pickable, with_picked

FRAME = pl.DataFrame({"key": ["one", 'two "2" <b>', "three"], "value": [1, 2, 3]})


def bars() -> alt.LayerChart:
    base = alt.Chart(FRAME).encode(x="value:Q", y="key:N")
    return sized(alt.LayerChart(layer=[base.mark_bar(), base.mark_text().encode(text="value:Q")]), 60)


def own_selection() -> alt.LayerChart:
    """A chart that comes with its selection, on its second layer."""
    picked = alt.selection_point(name="picked", fields=["key"])
    base = alt.Chart(FRAME).encode(x="value:Q", y="key:N")
    return sized(alt.LayerChart(layer=[base.mark_rect(), base.mark_bar().add_params(picked)]), 60)


def parameters(chart: alt.LayerChart) -> dict[str, dict[str, Any]]:
    return {parameter["name"]: parameter for parameter in chart.to_dict()["params"]}


def test_what_is_not_picked_fades():
    opacity = pickable(bars(), "picked", "key").to_dict()["layer"][0]["encoding"]["opacity"]
    assert opacity["condition"] == {"param": "picked", "value": 1.0}
    assert opacity["value"] < 1


@pytest.mark.parametrize("chart", [pickable(bars(), "picked", "key"), own_selection()])
def test_a_chart_can_begin_with_marks_that_are_picked(chart: alt.LayerChart):
    assert "value" not in parameters(chart)["picked"]
    begun = parameters(with_picked(chart, "picked", "key", ["one", 'two "2" <b>']))
    assert begun["picked"]["value"] == [{"key": "one"}, {"key": 'two "2" <b>'}]
    assert begun["picked"]["select"] == parameters(chart)["picked"]["select"]
    assert begun["picked"]["views"] == parameters(chart)["picked"]["views"]
    assert "value" not in parameters(with_picked(chart, "picked", "key", []))["picked"]


@pytest.mark.parametrize("chart", [pickable(bars(), "picked", "key"), own_selection()])
def test_beside_it_stands_a_selection_that_no_click_makes(chart: alt.LayerChart):
    both = parameters(with_picked(chart, "picked", "key", []))
    assert set(both) == {"picked", UNTOUCHED}
    assert (both[UNTOUCHED]["select"]["on"], both[UNTOUCHED]["select"]["clear"]) == ("never", False)
    assert both[UNTOUCHED]["views"] == both["picked"]["views"]
    assert set(parameters(chart)) == {"picked"}


def test_the_plot_keeps_its_size():
    made = with_picked(pickable(bars(), "picked", "key"), "picked", "key", ["one"]).to_dict()
    assert (made["height"], made["autosize"]["type"], len(made["layer"])) == (60, "fit-x", 2)
