"""How much memory each run needed at its peak."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import sized, with_names
from core.charts.palette import Sides

KIND_LABELS = {
    "host_resident": "peak resident memory beyond what the import took",
    "device_allocator": "peak of the framework's GPU allocator",
}


def memory_points(peaks: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """A bar for the median of a side and a point per run: `peaks` as `core.analysis.comparison.peak_memory` makes it."""
    named = with_names(peaks, sides).with_columns((pl.col("peak_bytes") / 2**20).alias("peak_mib"))
    medians = named.group_by("name", "short").agg(pl.col("peak_mib").median())
    y = alt.Y("short:N", title=None, sort=[sides.short_a, sides.short_b], axis=alt.Axis(labelLimit=200))
    x = alt.X("peak_mib:Q", title="peak memory (MiB)", axis=alt.Axis(tickCount=8))
    colour = alt.Color("name:N", scale=sides.scale, legend=None)
    bar = (
        alt.Chart(medians)
        .mark_bar(height=26, opacity=0.55)
        .encode(y=y, x=x, color=colour, tooltip=[alt.Tooltip("name:N", title="side"), alt.Tooltip("peak_mib:Q", title="median, MiB", format=",.1f")])
    )
    points = (
        alt.Chart(named)
        .mark_point(size=60, strokeWidth=2, opacity=1)
        .encode(
            y=y, x=x, color=colour, shape=alt.Shape("name:N", scale=sides.shapes, legend=None),
            tooltip=[alt.Tooltip("name:N", title="side"), "pair:O", alt.Tooltip("peak_mib:Q", title="MiB", format=",.1f")],
        )
    )  # fmt: skip
    return sized(alt.layer(bar, points), 90)
