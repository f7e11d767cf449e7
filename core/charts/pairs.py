"""Pairs of runs: the ratio of each, its interval, and what it must exceed to mean something."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, pair_axis, sized, with_names
from core.charts.palette import NEUTRAL, Sides
from core.charts.ratio_axis import RATIO_TITLE, ratio_domain, ratio_scale, ratio_ticks

CLOCKS = ("wall time", "CPU time")
_INTERVAL, _NOISE, _THRESHOLD = "95 % interval", "noise floor", "your threshold"


def ratio_summary(marks: pl.DataFrame, ratio: float, colour: str) -> alt.LayerChart:
    """One line: the ratio with its interval, over the noise floor and between the thresholds.

    `marks` as `core.analysis.comparison.ratio_marks` makes it; `colour` is that of the interval.
    """
    low, high = ratio_domain([*marks["low"], *marks["high"], ratio])
    x = alt.X("low:Q", scale=ratio_scale(low, high), title=RATIO_TITLE, axis=alt.Axis(values=ratio_ticks(high), format=".2~f", grid=False))
    noise = _bands(marks, _NOISE, colour).mark_rect(opacity=0.28).encode(x=x, x2="high:Q")
    interval = _bands(marks, _INTERVAL, colour).mark_bar(height=10, cornerRadius=5, opacity=0.55).encode(x=x, x2="high:Q", y=alt.value(28))
    one = alt.Chart(pl.DataFrame({"low": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x, y=alt.value(20), y2=alt.value(72))
    estimate = alt.Chart(pl.DataFrame({"low": [ratio], "label": [f"{ratio:.2f}"]})).encode(
        x=x, y=alt.value(28), tooltip=[alt.Tooltip("low:Q", title="ratio", format=".3f")]
    )
    point = estimate.mark_point(filled=True, size=190, opacity=1, color=colour)
    text = estimate.mark_text(dy=-16, fontSize=14, fontWeight="bold", color=colour).encode(text="label:N")
    ways = [
        alt.Chart(pl.DataFrame({"low": [at], "label": [label]}))
        .mark_text(align=align, fontSize=12, color=NEUTRAL)
        .encode(x=x, y=alt.value(64), text="label:N")
        for at, label, align in ((low, "← B is faster", "left"), (high, "A is faster →", "right"))
    ]
    return sized(alt.layer(noise, _thresholds(marks).encode(x=x), one, interval, point, text, *ways), 72)


def ratio_per_pair(pairs: pl.DataFrame, marks: pl.DataFrame, ratio: float, colour: str) -> alt.LayerChart:
    """The ratio of every pair over interval, noise floor and thresholds; the shape tells which side ran first.

    `pairs` as `core.analysis.comparison.pair_ratios` makes it: wall time is filled, CPU time hollow.
    """
    values = [*pairs["ratio"], *marks["low"], *marks["high"], ratio]
    low, high = min(values) / 1.05, max(values) * 1.05
    y = alt.Y("low:Q", scale=ratio_scale(low, high), title=RATIO_TITLE, axis=alt.Axis(values=ratio_ticks(max(high, 1 / low)), format=".2~f"))
    noise = _bands(marks, _NOISE, colour).mark_rect(opacity=0.22).encode(y=y, y2="high:Q")
    interval = _bands(marks, _INTERVAL, colour).mark_rect(opacity=0.22).encode(y=y, y2="high:Q")
    one = alt.Chart(pl.DataFrame({"low": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(y=y)
    middle = alt.Chart(pl.DataFrame({"low": [ratio]})).mark_rule(stroke=colour, strokeWidth=2).encode(y=y)
    shown = [clock for clock in CLOCKS if clock in pairs["clock"].to_list()]
    filled = {CLOCKS[0]: colour, CLOCKS[1]: "transparent"}
    points = (
        alt.Chart(pairs)
        .mark_point(size=110, strokeWidth=2, opacity=1, stroke=colour)
        .encode(
            x=pair_axis(),
            xOffset=alt.XOffset("clock:N", scale=alt.Scale(domain=shown)),
            y=alt.Y("ratio:Q", scale=ratio_scale(low, high), title=RATIO_TITLE),
            shape=alt.Shape(
                "order:N", scale=alt.Scale(domain=["A first", "B first"], range=["triangle-up", "triangle-down"]),
                legend=legend(orient="top", columns=2, entry_px=200, symbolStrokeColor=NEUTRAL, symbolFillColor="transparent"),
            ),
            fill=alt.Fill(
                "clock:N", scale=alt.Scale(domain=shown, range=[filled[clock] for clock in shown]),
                legend=legend(orient="top", columns=2, entry_px=200, symbolStrokeColor=colour, symbolStrokeWidth=2, symbolType="circle"),
            ),
            tooltip=["pair:O", "order:N", "clock:N", alt.Tooltip("ratio:Q", format=".3f")],
        )
    )  # fmt: skip
    return sized(alt.layer(noise, interval, _thresholds(marks).encode(y=y), one, middle, points), 280)


def time_pairs(times: pl.DataFrame, column: str, sides: Sides) -> alt.LayerChart:
    """Time of both sides of every pair, joined by a line.

    `times` as `core.analysis.comparison.pair_times` makes it, `column` that of wall time, such as `step_ms`.
    """
    what, _, unit = column.rpartition("_")
    base = alt.Chart(with_names(times, sides)).encode(
        x=pair_axis(),
        xOffset=alt.XOffset("name:N", scale=alt.Scale(domain=sides.names)),
        y=alt.Y(f"{column}:Q", title=f"{what} time ({unit})", scale=alt.Scale(domain=[0, 1.08 * max(times[column])])),
    )
    joined = base.mark_line(stroke=NEUTRAL, strokeWidth=2, opacity=0.6).encode(detail="pair:O")
    points = base.mark_point(filled=True, size=130, opacity=1).encode(
        color=alt.Color("name:N", scale=sides.scale, legend=legend()),
        shape=alt.Shape("name:N", scale=sides.shapes, legend=legend()),
        tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", alt.Tooltip(f"{column}:Q", title=unit, format=".3f")],
    )
    return sized(alt.layer(joined, points), 220)


def _bands(marks: pl.DataFrame, what: str, colour: str) -> alt.Chart:
    kinds = alt.Scale(domain=[_INTERVAL, _NOISE], range=[colour, NEUTRAL])
    return alt.Chart(marks.filter(pl.col("what") == what)).encode(
        color=alt.Color("what:N", scale=kinds, legend=legend(symbolType="square", symbolOpacity=0.6)),
        tooltip=[alt.Tooltip("what:N"), alt.Tooltip("low:Q", title="from", format=".3f"), alt.Tooltip("high:Q", title="to", format=".3f")],
    )


def _thresholds(marks: pl.DataFrame) -> alt.Chart:
    mine = marks.filter(pl.col("what") == _THRESHOLD)
    ends = pl.concat([mine.select(pl.col("what").alias("limit"), pl.col(name).alias("low")) for name in ("low", "high")])
    return (
        alt.Chart(ends)
        .mark_rule(stroke=NEUTRAL, strokeWidth=1.5)
        .encode(
            strokeDash=alt.StrokeDash(
                "limit:N", scale=alt.Scale(domain=[_THRESHOLD], range=[[5, 4]]), legend=legend(symbolType="stroke", symbolStrokeColor=NEUTRAL)
            ),
            tooltip=[alt.Tooltip("low:Q", title=_THRESHOLD, format=".3f")],
        )
    )
