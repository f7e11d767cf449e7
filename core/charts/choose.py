"""The choice: what each criterion adds to either framework, and which way it tips."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.colours import FRAMEWORK_COLOURS
from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL
from core.model.variant import FRAMEWORK_LABELS

#: Criteria in the order of the table; neighbours are far apart in hue, and each piece of a bar has its place and its tooltip too.
_COLOURS = ("#4a7de0", "#d4691a", "#1a9a80", "#b858a0", "#a07c10", "#2a93b5", "#d25a53", "#8468cc", "#6c9030", "#c0456f", "#5f6b70")


def contributions(table: pl.DataFrame) -> alt.LayerChart:
    """Points of 100 of each framework, a piece per criterion: `table` as `core.analysis.choose.choice_table` makes it."""
    known = table.filter(pl.col("tensorflow") + pl.col("pytorch") > 0)
    names = known["criterion"].to_list()
    pieces = known.rename(FRAMEWORK_LABELS).unpivot(
        on=list(FRAMEWORK_LABELS.values()), index=["criterion", "basis", "outcome"], variable_name="framework", value_name="points"
    )
    totals = pieces.group_by("framework", maintain_order=True).agg(pl.col("points").sum())
    y = alt.Y("framework:N", title=None, sort=list(FRAMEWORK_LABELS.values()), axis=alt.Axis(labelLimit=200))
    x = alt.X("points:Q", title="points of 100", stack="zero", scale=alt.Scale(domain=[0, 100], nice=False), axis=alt.Axis(tickCount=5))
    bars = (
        alt.Chart(pieces)
        .mark_bar(height={"band": 0.7})
        .encode(
            x=x, y=y, order=alt.Order("place:Q"),
            color=alt.Color("criterion:N", scale=alt.Scale(domain=names, range=[_COLOURS[place % len(_COLOURS)] for place in range(len(names))]),
                            legend=legend(columns=4, entry_px=170)),
            tooltip=[alt.Tooltip("framework:N"), alt.Tooltip("criterion:N"), alt.Tooltip("points:Q", format=".1f"), alt.Tooltip("outcome:N"),
                     alt.Tooltip("basis:N")],
        )
        .transform_calculate(place=f"indexof({names!r}, datum.criterion)")
    )  # fmt: skip
    texts = (
        alt.Chart(totals)
        .mark_text(align="left", dx=6, fontSize=13, fontWeight="bold", color=NEUTRAL)
        .encode(x=alt.X("points:Q", title="points of 100"), y=y, text=alt.Text("points:Q", format=".0f"))
    )
    return sized(alt.layer(bars, texts), 110)


def tipping(table: pl.DataFrame) -> alt.LayerChart:
    """Which way each criterion tips, and how far it might: score -1 (PyTorch) to 1 (TensorFlow) with its range, thicker with its weight."""
    score = pl.col("score")
    tips = pl.when(score > 0).then(pl.lit("TensorFlow")).when(score < 0).then(pl.lit("PyTorch")).otherwise(pl.lit("neither"))
    known = table.drop_nulls("score").with_columns(tips.alias("tips"))
    names = known["criterion"].to_list()
    colours = {**{FRAMEWORK_LABELS[name]: colour for name, colour in FRAMEWORK_COLOURS.items()}, "neither": NEUTRAL}
    scale = alt.Scale(domain=[-1, 1], nice=False)
    title, axis = "← PyTorch · score · TensorFlow →", alt.Axis(tickCount=8, format="+.2~f")
    base = alt.Chart(known).encode(
        y=alt.Y("criterion:N", title=None, sort=names, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)),
        color=alt.Color("tips:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=legend(columns=3, entry_px=120)),
        tooltip=[alt.Tooltip("criterion:N"), alt.Tooltip("weight:Q"), alt.Tooltip("score:Q", format="+.2f"),
                 alt.Tooltip("low:Q", title="from", format="+.2f"), alt.Tooltip("high:Q", title="to", format="+.2f"), alt.Tooltip("basis:N")],
    )  # fmt: skip
    spread = base.mark_rule(opacity=0.6).encode(
        x=alt.X("low:Q", scale=scale, title=title, axis=axis), x2="high:Q",
        strokeWidth=alt.StrokeWidth("weight:Q", scale=alt.Scale(domain=[0, 10], range=[1, 8]), legend=None),
    )  # fmt: skip
    shapes = alt.Scale(domain=list(colours), range=["circle", "diamond", "square"])
    points = base.mark_point(filled=True, size=130, opacity=1).encode(
        x=alt.X("score:Q", scale=scale, title=title, axis=axis), shape=alt.Shape("tips:N", scale=shapes, legend=legend(columns=3, entry_px=120))
    )
    x = alt.X("score:Q", scale=scale, title=title, axis=axis)
    zero = alt.Chart(pl.DataFrame({"score": [0.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x)
    return sized(alt.layer(zero, spread, points), 28 * max(len(names), 1))
