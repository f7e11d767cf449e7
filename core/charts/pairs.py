"""Pairs of runs: the ratio of each, its interval, and what it must exceed to mean something."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from core.charts.palette import GOOD, NEUTRAL, Sides

_BANDS = {"95 % interval": GOOD, "noise floor": NEUTRAL, "your threshold": NEUTRAL}
RATIO_TITLE = "time of B ÷ time of A"


def ratio_summary(marks: pl.DataFrame, ratio: float) -> alt.LayerChart:
    """One line: the ratio with its interval, over the noise floor and between the thresholds.

    `marks` as `core.analysis.comparison.ratio_marks` makes it.
    """
    low, high = _domain([*marks["low"], *marks["high"], ratio])
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("low:Q", scale=scale, title=RATIO_TITLE, axis=alt.Axis(values=_ticks(low, high), format="~r", grid=False))
    kinds = alt.Scale(domain=list(_BANDS), range=list(_BANDS.values()))
    legend = alt.Legend(title=None, orient="bottom", columns=3, symbolType="square", symbolOpacity=0.7)
    rows = marks.with_columns(pl.lit("ratio").alias("row"))
    tooltip = [alt.Tooltip("what:N", title="what"), alt.Tooltip("low:Q", format=".3f"), alt.Tooltip("high:Q", format=".3f")]
    noise = (
        alt.Chart(rows.filter(pl.col("what") == "noise floor"))
        .mark_rect(opacity=0.28)
        .encode(x=x, x2="high:Q", fill=alt.Fill("what:N", scale=kinds, legend=legend), tooltip=tooltip)
    )
    ends = pl.concat([rows.select("what", pl.col(name).alias("low")) for name in ("low", "high")]).filter(pl.col("what") == "your threshold")
    threshold = (
        alt.Chart(ends)
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=x, stroke=alt.Stroke("what:N", scale=kinds, legend=None), tooltip=[alt.Tooltip("low:Q", title="your threshold", format=".3f")])
    )
    one = alt.Chart(pl.DataFrame({"low": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x)
    interval = (
        alt.Chart(rows.filter(pl.col("what") == "95 % interval"))
        .mark_bar(height=10, cornerRadius=5, opacity=0.55)
        .encode(x=x, x2="high:Q", y=alt.value(30), fill=alt.Fill("what:N", scale=kinds, legend=legend), tooltip=tooltip)
    )
    point = (
        alt.Chart(pl.DataFrame({"low": [ratio], "label": [f"{ratio:.2f}"]}))
        .mark_point(filled=True, size=190, opacity=1, color=GOOD)
        .encode(x=x, y=alt.value(30), tooltip=[alt.Tooltip("low:Q", title="ratio", format=".3f")])
    )
    text = point.mark_text(dy=-16, fontSize=13, fontWeight="bold", color=GOOD).encode(text="label:N")
    return alt.layer(noise, threshold, one, interval, point, text, *_directions(x, low, high, 62)).properties(height=72)


def ratio_per_pair(pairs: pl.DataFrame, marks: pl.DataFrame, ratio: float) -> alt.LayerChart:
    """The ratio of every pair, wall time and CPU time, over interval, noise floor and thresholds.

    `pairs` as `core.analysis.comparison.pair_ratios` makes it; the shape tells which side ran first.
    """
    low, high = _domain([*pairs["ratio"], *marks["low"], *marks["high"], ratio])
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("low:Q", scale=scale, title=RATIO_TITLE, axis=alt.Axis(values=_ticks(low, high), format="~r"))
    kinds = alt.Scale(domain=list(_BANDS), range=list(_BANDS.values()))
    legend = alt.Legend(title=None, orient="bottom", columns=1, symbolType="square", symbolOpacity=0.7)
    tooltip = [alt.Tooltip("what:N", title="what"), alt.Tooltip("low:Q", format=".3f"), alt.Tooltip("high:Q", format=".3f")]

    def band(what: str, opacity: float) -> alt.Chart:
        rows = marks.filter(pl.col("what") == what)
        return (
            alt.Chart(rows)
            .mark_rect(opacity=opacity)
            .encode(y=y, y2="high:Q", fill=alt.Fill("what:N", scale=kinds, legend=legend), tooltip=tooltip)
        )

    ends = pl.concat([marks.select("what", pl.col(name).alias("low")) for name in ("low", "high")]).filter(pl.col("what") == "your threshold")
    threshold = alt.Chart(ends).mark_rule(strokeDash=[5, 4], stroke=NEUTRAL, strokeWidth=1.5).encode(y=y)
    one = alt.Chart(pl.DataFrame({"low": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(y=y)
    middle = alt.Chart(pl.DataFrame({"low": [ratio]})).mark_rule(stroke=GOOD, strokeWidth=2).encode(y=y)
    points = (
        alt.Chart(pairs)
        .mark_point(size=110, strokeWidth=2, opacity=1, stroke=GOOD)
        .encode(
            x=alt.X("pair:O", title="pair", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            xOffset=alt.XOffset("clock:N", scale=alt.Scale(domain=["wall time", "CPU time"], range=[-6, 6])),
            y=alt.Y("ratio:Q", scale=scale, title=RATIO_TITLE),
            shape=alt.Shape(
                "order:N",
                scale=alt.Scale(domain=["A first", "B first"], range=["triangle-up", "triangle-down"]),
                legend=alt.Legend(title=None, orient="bottom", columns=1, symbolStrokeColor=NEUTRAL),
            ),
            color=alt.Color(
                "clock:N",
                scale=alt.Scale(domain=["wall time", "CPU time"], range=[GOOD, "transparent"]),
                legend=alt.Legend(title=None, orient="bottom", columns=1, symbolStrokeColor=GOOD, symbolType="circle"),
            ),
            tooltip=["pair:O", "order:N", "clock:N", alt.Tooltip("ratio:Q", format=".3f")],
        )
    )
    return alt.layer(band("noise floor", 0.22), band("95 % interval", 0.22), threshold, one, middle, points).properties(height=340)


def step_time_pairs(steps: pl.DataFrame, sides: Sides, column: str = "step_ms") -> alt.LayerChart:
    """Step time of both sides of every pair, joined by a line: `steps` as `core.analysis.comparison.pair_steps` makes it."""
    named = steps.with_columns(pl.col("side").replace_strict({"a": sides.a, "b": sides.b}).alias("name"))
    base = alt.Chart(named).encode(x=alt.X("pair:O", title="pair", axis=alt.Axis(labelAngle=0, labelOverlap=True)))
    y = alt.Y(f"{column}:Q", title=f"{'step time' if column == 'step_ms' else 'CPU time per step'} (ms)", scale=alt.Scale(zero=True))
    joined = base.mark_line(stroke=NEUTRAL, strokeWidth=2, opacity=0.6).encode(y=y, detail="pair:O")
    legend = alt.Legend(title=None, orient="bottom", columns=1, labelLimit=420)
    points = base.mark_point(filled=True, size=130, opacity=1).encode(
        y=y,
        color=alt.Color("name:N", scale=sides.scale, legend=legend),
        shape=alt.Shape("name:N", scale=sides.shapes, legend=legend),
        tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", alt.Tooltip(f"{column}:Q", title="ms", format=".3f")],
    )
    return alt.layer(joined, points).properties(height=280)


def _directions(x: alt.X, low: float, high: float, y: float) -> list[alt.Chart]:
    """Words at both ends of the axis: which side is faster there."""
    return [
        alt.Chart(pl.DataFrame({"low": [at], "label": [label]}))
        .mark_text(align=align, fontSize=12, color=NEUTRAL)
        .encode(x=x, y=alt.value(y), text="label:N")
        for at, label, align in ((low, "← B is faster", "left"), (high, "A is faster →", "right"))
    ]


def _domain(values: list[float]) -> tuple[float, float]:
    """A stretch of ratios around all values, symmetric in logarithms, so that 1 lies in the middle."""
    reach = max(abs(math.log(value)) for value in values) * 1.15
    return math.exp(-reach), math.exp(reach)


def _ticks(low: float, high: float) -> list[float]:
    steps = next((s for limit, s in ((1.12, (0.02, 0.05, 0.1)), (1.6, (0.1, 0.2, 0.4)), (3.0, (0.25, 0.5, 1.0))) if high <= limit), (1.0, 2.0, 4.0))
    above = [1.0, *(round(1 + step, 3) for step in steps)]
    return [value for value in sorted({*above, *(round(1 / value, 3) for value in above)}) if low <= value <= high]
