"""Memory over time: an area with its peak exactly where it was, what was reserved above it, and the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from core.charts.byte_axis import byte_axis, size_expression
from core.charts.conventions import sized
from core.charts.palette import BAD, NEUTRAL

#: Names of the selections, both over `MOMENT`: an interval by dragging, and a point by clicking.
WINDOW, PICKED = "window", "picked"
#: Milliseconds since the recording began.
MOMENT = "ms"
MEASURE_LABELS = {"allocated_bytes": "allocated", "reserved_bytes": "reserved", "unused_bytes": "reserved, not allocated"}
#: Room above the highest value for its label.
_HEADROOM = 1.2
#: More marks of steps than this are thinned out.
_MOST_MARKS = 40
#: Of the plot's height, what a label takes.
_LABEL_SHARE = 0.09
#: Of the window's width, what a curve needs to have a word on it.
_ROOM = 0.25
#: Of the window's width, from where on a label stands to the left of its mark.
_LATE = 0.7


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment that the program marked, such as the start of a step, or that went wrong."""

    ms: float
    label: str
    bad: bool = False


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A point of the curve with a word to it."""

    ms: float
    bytes: int
    word: str


def memory_over_time(
    points: pl.DataFrame,
    *,
    measure: str,
    colour: str,
    window_ms: tuple[float, float],
    top_bytes: int,
    marks: Sequence[Mark],
    peak: Moment,
    moment: Moment | None,
    height: int = 260,
) -> alt.LayerChart:
    """The measure as a stepped area over `window_ms`, up to at least `top_bytes`, which two charts share.

    `points` as `core.analysis.memory.reduced` gives them, with `MOMENT` in place of `time_ns`. Beside what is allocated, what is
    reserved is a line. `peak` is marked with its value, `moment`, where one was chosen, by a rule.
    The chart has the selections `WINDOW` and `PICKED`.
    """
    top = max(top_bytes, 1) * _HEADROOM
    x = alt.X(f"{MOMENT}:Q", title="ms since the recording began", scale=alt.Scale(domain=list(window_ms), nice=False, zero=False),
              axis=alt.Axis(grid=False, tickCount=8, labelFlush=False))  # fmt: skip
    # As wide in both of two charts, so that their plots stand exactly above each other.
    axis = byte_axis(0, top, minExtent=64, maxExtent=64)
    y = {"title": MEASURE_LABELS[measure], "axis": axis, "scale": alt.Scale(domain=[0, top], nice=False, clamp=True)}
    height_of = alt.Y(f"{measure}:Q", stack=False, **y)
    base = alt.Chart(points)
    outline = {"strokeWidth": 1.5, "color": colour}
    area = base.mark_area(interpolate="step-after", line=outline, color=colour, fillOpacity=0.4, clip=True).encode(x=x, y=height_of)
    layers = [area.add_params(alt.selection_interval(name=WINDOW, encodings=["x"]))]
    if measure == "allocated_bytes" and points["reserved_bytes"].null_count() < len(points):
        layers += _reserved(points, window_ms, x, y, at_end=peak.ms < sum(window_ms) / 2)
    layers += _marks(marks, window_ms, x)
    layers.append(_hover(base, x, height_of))
    if moment is not None:
        layers += _point(moment, window_ms, x, y, NEUTRAL, rule=True)
    layers += _point(peak, window_ms, x, y, colour, rule=False, up=_below_reserved(points, peak, top))
    return sized(alt.LayerChart(layer=layers), height)


def _below_reserved(points: pl.DataFrame, peak: Moment, top: float) -> bool:
    """Whether a label right above the peak would lie on the line of what is reserved."""
    reserved: Any = points["reserved_bytes"].max() or 0
    return bool(0 <= reserved - peak.bytes < _LABEL_SHARE * top)


def _reserved(
    points: pl.DataFrame, window_ms: tuple[float, float], x: alt.X, y: dict[str, Any], *, at_end: bool
) -> list[alt.Chart]:
    reserved = alt.Y("reserved_bytes:Q", **y)
    line = (
        alt.Chart(points)
        .mark_line(interpolate="step-after", color=NEUTRAL, strokeWidth=1.5, strokeDash=[5, 3], clip=True)
        .encode(x=x, y=reserved)
    )
    known = points.filter(pl.col("reserved_bytes").is_not_null())
    if known[MOMENT][-1] - known[MOMENT][0] < _ROOM * (window_ms[1] - window_ms[0]):
        return [line]
    word = (
        alt.Chart(known.tail(1) if at_end else known.head(1))
        .transform_calculate(label=f"'reserved ' + ({size_expression('datum.reserved_bytes')})")
        .mark_text(
            align="right" if at_end else "left", baseline="bottom", dx=-4 if at_end else 4, dy=-3, color=NEUTRAL, fontSize=11
        )
        .encode(x=x, y=reserved, text="label:N")
    )
    return [line, word]


def _marks(marks: Sequence[Mark], window_ms: tuple[float, float], x: alt.X) -> list[alt.Chart]:
    inside = [mark for mark in marks if window_ms[0] <= mark.ms <= window_ms[1]]
    good, bad = ([mark for mark in inside if mark.bad is wrong] for wrong in (False, True))
    layers = []
    for chosen, colour, dash in ((good, NEUTRAL, [3, 3]), (bad, BAD, [1, 0])):
        thinned = chosen[:: -(-len(chosen) // _MOST_MARKS) or 1]
        if not thinned:
            continue
        frame = pl.DataFrame({MOMENT: [mark.ms for mark in thinned], "label": [mark.label for mark in thinned]})
        layers += [
            alt.Chart(frame).mark_rule(color=colour, strokeDash=dash, opacity=0.8).encode(x=x),
            alt.Chart(frame)
            .mark_text(align="left", baseline="top", dx=3, fontSize=10, color=colour)
            .encode(x=x, y=alt.value(1), text="label:N"),
        ]
    return layers


def _hover(base: alt.Chart, x: alt.X, y: alt.Y) -> alt.Chart:
    """Invisible points, because neither an area nor a line can be picked at its nearest corner."""
    texts = {
        f"{name}_text": f"isValid(datum.{name}) ? ({size_expression(f'datum.{name}')}) : 'not recorded'" for name in MEASURE_LABELS
    }
    picked = alt.selection_point(name=PICKED, fields=[MOMENT], nearest=True, on="click")
    return (
        base.transform_calculate(**texts)
        .mark_point(opacity=0, size=30, clip=True)
        .encode(
            x=x, y=y,
            tooltip=[
                alt.Tooltip(f"{MOMENT}:Q", title="ms", format=",.4~f"),
                *(alt.Tooltip(f"{name}_text:N", title=word) for name, word in MEASURE_LABELS.items()),
            ],
        )
        .add_params(picked)
    )  # fmt: skip


def _point(
    moment: Moment, window_ms: tuple[float, float], x: alt.X, y: dict[str, Any], colour: str, *, rule: bool, up: bool = False
) -> list[alt.Chart]:
    start, end = window_ms
    late = moment.ms > start + _LATE * (end - start)
    frame = pl.DataFrame({MOMENT: [moment.ms], "bytes": [moment.bytes], "word": [moment.word]})
    at = alt.Y("bytes:Q", **y)
    chart = alt.Chart(frame).transform_calculate(label=f"datum.word + ' ' + ({size_expression('datum.bytes')})")
    point = chart.mark_point(filled=True, size=70, opacity=1, color=colour, clip=True).encode(
        x=x, y=at, tooltip=alt.Tooltip("label:N", title="here")
    )
    # Below the point where there is a rule: the peak has its own label above its point, which may be close.
    side, above = ("right", -7) if late else ("left", 7), -16 if up else -2
    text = chart.mark_text(
        align=side[0],
        dx=side[1],
        baseline="top" if rule else "bottom",
        dy=5 if rule else above,
        fontSize=12,
        fontWeight="bold",
        color=colour,
    ).encode(x=x, y=at, text="label:N")
    line = [alt.Chart(frame).mark_rule(color=colour, strokeWidth=1.5).encode(x=x)] if rule else []
    return [*line, point, text]
