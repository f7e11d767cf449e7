"""Does it learn the same? Loss and accuracy of both sides, against steps or against seconds."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, pair_axis, sized, with_names
from core.charts.palette import NEUTRAL, Sides

AXES = {"step": "training step", "seconds": "seconds of training"}


def loss_curves(curves: pl.DataFrame, sides: Sides, against: str = "step") -> alt.LayerChart:
    """The loss of every run: `curves` as `core.analysis.comparison.learning_curves` makes it; `against` is one of `AXES`."""
    named = with_names(curves, sides)
    # Equal models give lines that cover each other: B is drawn thin over a wide A, so that both are seen.
    widths = alt.Scale(domain=sides.names, range=[5.5, 1.5])
    layers = [
        alt.Chart(named.filter(pl.col("side") == side))
        .mark_line(opacity=opacity)
        .encode(
            x=alt.X(f"{against}:Q", title=AXES[against], axis=alt.Axis(tickCount=10)),
            y=alt.Y("loss:Q", title="loss of the batch"),
            detail="run:N",
            color=alt.Color("name:O", scale=sides.scale, legend=legend()),  # ordinal, as a width must be; of one kind, they share a legend
            strokeWidth=alt.StrokeWidth("name:O", scale=widths, legend=legend()),
            tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", "step:Q", alt.Tooltip("seconds:Q", format=".2f"),
                     alt.Tooltip("loss:Q", format=".4f")],
        )
        for side, opacity in (("a", 0.55), ("b", 1.0))
    ]  # fmt: skip
    return sized(alt.layer(*layers), 280)


def accuracy_points(points: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """The last test accuracy of every pair, both sides joined: `points` as `core.analysis.comparison.accuracies` makes it.

    Both runs of a pair start from the same weights and see the same batches.
    """
    last = (
        points.sort("step")
        .group_by("pair", "side", maintain_order=True)
        .last()
        .with_columns((pl.col("accuracy") * 100).alias("accuracy_percent"))
    )
    base = alt.Chart(with_names(last, sides)).encode(
        x=pair_axis(),
        xOffset=alt.XOffset("name:N", scale=alt.Scale(domain=sides.names)),
        y=alt.Y("accuracy_percent:Q", title="test accuracy (%)", scale=alt.Scale(zero=False, padding=14)),
    )
    joined = base.mark_line(stroke=NEUTRAL, opacity=0.6, strokeWidth=2).encode(detail="pair:O")
    marks = base.mark_point(size=110, strokeWidth=2, opacity=1).encode(
        color=alt.Color("name:N", scale=sides.scale, legend=legend()),
        shape=alt.Shape("name:N", scale=sides.shapes, legend=legend()),
        tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", "step:Q", alt.Tooltip("accuracy_percent:Q", title="%", format=".2f")],
    )
    return sized(alt.layer(joined, marks), 240)
