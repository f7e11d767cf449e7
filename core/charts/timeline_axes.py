"""What the two charts of the Timeline share: a time axis, lanes that are named beside their place, and the steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from core.analysis.timeline_index import Window
from core.charts.palette import NEUTRAL
from core.traces.schema import Step

#: Pixels for the lanes' names, and for all that is left of the plot, so that one time is at one place in both charts.
_LABELS, _BESIDE = 195, 215
#: More steps than this in view are thinned out.
MOST_STEPS = 40


@dataclass(frozen=True, kw_only=True)
class Band:
    """Where the steps of one recording are drawn: all the height that it has, in pixels from the top."""

    steps: Sequence[Step]
    zero_ns: int
    """The recording's moment that is drawn at 0."""
    top: int
    bottom: int


def time_axis(window: Window, zero: str | None = None) -> dict[str, Any]:
    """Options of the x channel for milliseconds in a window; `zero` says what 0 is, where that is to be said."""
    return {
        "scale": alt.Scale(domain=[window.start_ns / 1e6, window.end_ns / 1e6], nice=False, zero=False),
        "title": f"ms since {zero}" if zero else None,
        "axis": alt.Axis(grid=False, tickCount=8, labelFlush=25),
    }


def lane_axis(height: int, labels: Sequence[tuple[int, Sequence[str]]]) -> dict[str, Any]:
    """Options of the y channel for pixels from the top; `labels` are the lines of text to write beside each place.

    What a recording calls its threads is text in a table of the axis' expression: nothing in it is evaluated or taken for markup.
    """
    table = json.dumps({place: list(lines) for place, lines in labels})
    axis = alt.Axis(
        values=[place for place, _ in labels], labelExpr=f"({table})[datum.value]", labelLimit=_LABELS, minExtent=_BESIDE, maxExtent=_BESIDE,
        grid=False, ticks=False, domain=False,
    )  # fmt: skip
    return {"title": None, "scale": alt.Scale(domain=[height, 0], nice=False, zero=False), "axis": axis}


def step_marks(bands: Sequence[Band], window: Window, x: dict[str, Any], y: dict[str, Any]) -> list[alt.Chart]:
    """A rule where each step begins and ends in the window, and its number at the top, behind the rule."""
    rules, numbers = [], []
    for band in bands:
        seen = [step for step in band.steps if step.end_ns - band.zero_ns > window.start_ns and step.start_ns - band.zero_ns < window.end_ns]
        for step in seen[:: -(-len(seen) // MOST_STEPS) or 1]:
            start, end = step.start_ns - band.zero_ns, step.end_ns - band.zero_ns
            rules += [(moment / 1e6, band.top, band.bottom) for moment in (start, end) if window.start_ns <= moment <= window.end_ns]
            numbers.append((max(start, window.start_ns) / 1e6, band.top, f"{step.number}"))
    ruled = pl.DataFrame(sorted(set(rules)), schema={"ms": pl.Float64, "y": pl.Float64, "y2": pl.Float64}, orient="row")
    named = pl.DataFrame(numbers, schema={"ms": pl.Float64, "y": pl.Float64, "number": pl.String}, orient="row")
    where = {"x": alt.X("ms:Q", **x), "y": alt.Y("y:Q", **y)}
    return [
        alt.Chart(ruled).mark_rule(color=NEUTRAL, strokeDash=[3, 3], opacity=0.8).encode(**where, y2="y2:Q"),
        alt.Chart(named).mark_text(align="left", baseline="top", dx=3, dy=1, fontSize=10, color=NEUTRAL).encode(
            **where, text="number:N", tooltip=alt.Tooltip("number:N", title="step")
        ),
    ]  # fmt: skip
