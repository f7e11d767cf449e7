"""What all charts have in common: how they fill their place, their legend, and the names of the two sides."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from core.charts.palette import Sides


def sized(chart: alt.Chart | alt.LayerChart, height: int) -> alt.LayerChart:
    """Fill the width that there is; `height` is that of the plot, so that a long legend never squeezes the marks."""
    layered = chart if isinstance(chart, alt.LayerChart) else alt.layer(chart)
    sized_chart: alt.LayerChart = layered.properties(height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return sized_chart


def legend(*, columns: int = 1, entry_px: int = 150, orient: str = "bottom", **more: Any) -> alt.Legend:
    """A legend below the plot that never cuts a name off: at most so many columns, and fewer where the plot is narrow.

    `entry_px`: what a column needs.
    """
    fitting = alt.ExprRef(expr=f"max(1, min({columns}, floor(width / {entry_px})))") if columns > 1 else columns
    return alt.Legend(title=None, orient=orient, columns=fitting, labelLimit=420, **more)


def pair_axis() -> alt.X:
    """Pairs side by side, with room in each for two marks next to each other (by `xOffset`)."""
    scale = alt.Scale(paddingInner=0.6, paddingOuter=0.3)
    return alt.X("pair:O", title="pair", scale=scale, axis=alt.Axis(labelAngle=0, labelOverlap=True))


def with_names(frame: pl.DataFrame, sides: Sides) -> pl.DataFrame:
    """`side` (a, b) as `name` for legends and `short` for axes; `pair` counted from 1 where it is there."""
    return frame.with_columns(
        pl.col("side").replace_strict({"a": sides.a, "b": sides.b}, return_dtype=pl.String).alias("name"),
        pl.col("side").replace_strict({"a": sides.short_a, "b": sides.short_b}, return_dtype=pl.String).alias("short"),
    )
