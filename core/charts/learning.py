"""Does it learn the same? Loss and accuracy of both sides, against steps or against seconds."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.palette import SHAPES, Sides

AXES = {"step": "training step", "seconds": "seconds of training"}


def loss_curves(curves: pl.DataFrame, sides: Sides, against: str = "step") -> alt.Chart:
    """The loss of every run: `curves` as `core.analysis.comparison.learning_curves` makes it; `against` is one of `AXES`."""
    named = curves.with_columns(pl.col("side").replace_strict({"a": sides.a, "b": sides.b}).alias("name"), (pl.col("pair") + 1).alias("pair"))
    legend = alt.Legend(title=None, orient="bottom", columns=1, labelLimit=420)
    return (
        alt.Chart(named)
        .mark_line(opacity=0.65, strokeWidth=1.75)
        .encode(
            x=alt.X(f"{against}:Q", title=AXES[against]),
            y=alt.Y("loss:Q", title="loss of the batch"),
            detail="run:N",
            color=alt.Color("name:N", scale=sides.scale, legend=legend),
            strokeDash=alt.StrokeDash("name:N", scale=alt.Scale(domain=sides.names, range=[[1, 0], [5, 3]]), legend=legend),
            tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", "step:Q", alt.Tooltip("seconds:Q", format=".2f"),
                     alt.Tooltip("loss:Q", format=".4f")],
        )
        .properties(height=320)
    )  # fmt: skip


def accuracy_points(points: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """The last test accuracy of every pair, both sides joined: `points` as `core.analysis.comparison.accuracies` makes it.

    Both runs of a pair start from the same weights and see the same batches.
    """
    last = (
        points.sort("step")
        .group_by("pair", "side", maintain_order=True)
        .last()
        .with_columns(
            pl.col("side").replace_strict({"a": sides.a, "b": sides.b}).alias("name"), (pl.col("accuracy") * 100).alias("accuracy_percent")
        )
    )
    base = alt.Chart(last).encode(
        x=alt.X("pair:O", title="pair (same initial weights, same batches)", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("accuracy_percent:Q", title="test accuracy (%)", scale=alt.Scale(zero=False, padding=14)),
    )
    legend = alt.Legend(title=None, orient="bottom", columns=1, labelLimit=420)
    joined = base.mark_line(stroke="#7c898e", opacity=0.6, strokeWidth=2).encode(detail="pair:O")
    marks = base.mark_point(size=110, strokeWidth=2, opacity=1).encode(
        color=alt.Color("name:N", scale=sides.scale, legend=legend),
        shape=alt.Shape("name:N", scale=alt.Scale(domain=sides.names, range=list(SHAPES.values())), legend=legend),
        tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", "step:Q", alt.Tooltip("accuracy_percent:Q", title="%", format=".2f")],
    )
    return alt.layer(joined, marks).properties(height=260)
