"""The ratio from how both sides were printed to both sides equal, knob by knob."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from core.charts.waterfall import waterfall

FRAME = pl.DataFrame(
    {
        "knob": ["as printed", "metrics", "input pipeline", "training loop"],
        "ratio": [1.6, 1.2, 0.9, 1.5],
        "low": [1.5, 1.1, 0.8, 1.4],
        "high": [1.7, 1.3, 1.0, 1.6],
    }
)


def bars(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """What the layer of bars draws, by knob."""
    made = waterfall(frame).to_dict()
    layer = next(layer for layer in made["layer"] if layer["mark"]["type"] == "bar")
    return {row["knob"]: row for row in made["datasets"][layer["data"]["name"]]}


def test_each_step_begins_where_the_one_before_it_ended_and_both_ends_begin_at_one():
    drawn = {knob: (row["before"], row["ratio"]) for knob, row in bars(FRAME).items()}
    assert drawn == {
        "as printed": (1.0, 1.6),
        "metrics": (1.6, 1.2),
        "input pipeline": (1.2, 0.9),
        "training loop": (0.9, 1.5),
        "all equal": (1.0, 1.5),
    }


def test_direction_is_told_by_an_arrow_beside_the_colour():
    assert [row["moves"] for row in bars(FRAME).values()] == [
        "the ratio itself", "▼ B gains", "▼ B gains", "▲ A gains", "the ratio itself"
    ]  # fmt: skip


def test_the_last_bar_has_the_interval_of_the_last_knob():
    last = bars(FRAME)["all equal"]
    assert (last["low"], last["high"]) == (1.4, 1.6)


def test_what_was_not_found_out_has_no_bar_and_the_next_step_begins_at_what_is_known():
    failed = pl.col("knob") == "metrics"
    holes = FRAME.with_columns(pl.when(failed).then(None).otherwise(pl.col(name)).alias(name) for name in ("ratio", "low", "high"))
    drawn = bars(holes)
    assert "metrics" not in drawn
    assert drawn["input pipeline"]["before"] == 1.6


def test_both_sides_are_not_called_equal_where_the_last_knob_was_not_found_out():
    unknown = pl.concat([FRAME, pl.DataFrame({"knob": ["initial weights"], "ratio": [None], "low": [None], "high": [None]}, schema=FRAME.schema)])
    assert "all equal" not in bars(unknown)
    assert "all equal" in waterfall(unknown).to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"]


def test_without_a_step_there_is_no_last_bar():
    assert list(bars(FRAME.head(1))) == ["as printed"]


def test_the_axis_is_logarithmic_holds_everything_and_has_one_on_it():
    made = waterfall(FRAME).to_dict()
    x = next(layer["encoding"]["x"] for layer in made["layer"] if layer["mark"]["type"] == "bar")
    low, high = x["scale"]["domain"]
    assert x["scale"]["type"] == "log"
    assert x["title"] == "time of B ÷ time of A"
    assert low < 0.8
    assert high > 1.7
    assert 1.0 in x["axis"]["values"]
    rule = next(layer for layer in made["layer"] if layer["mark"]["type"] == "rule" and "y" not in layer["encoding"])
    assert made["datasets"][rule["data"]["name"]] == [{"ratio": 1.0}]


@pytest.mark.parametrize("name", ["low", "high"])
def test_each_end_of_the_interval_is_marked(name: str):
    ticks = [layer for layer in waterfall(FRAME).to_dict()["layer"] if layer["mark"]["type"] == "tick"]
    assert name in {layer["encoding"]["x"]["field"] for layer in ticks}
