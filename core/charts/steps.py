"""How long the blocks of each run took: the spread behind the medians."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized, with_names
from core.charts.palette import Sides


def block_distributions(boxes: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """A box per run, in the order of the runs: `boxes` as `core.analysis.comparison.block_boxes` makes it.

    Box: 25th to 75th percentile with the median; whiskers: 5th to 95th.
    """
    named = with_names(boxes, sides)
    colour = alt.Color("name:N", scale=sides.scale, legend=legend())
    tooltip = [alt.Tooltip("name:N", title="side"), "run:O", "pair:O", "blocks:Q",
               *(alt.Tooltip(f"{column}:Q", title=title, format=".3f") for column, title in
                 (("p05_ms", "5 %"), ("p25_ms", "25 %"), ("median_ms", "median"), ("p75_ms", "75 %"), ("p95_ms", "95 %")))]  # fmt: skip
    base = alt.Chart(named).encode(
        x=alt.X("run:O", title="run, in the order in which they ran", axis=alt.Axis(labelAngle=0, labelOverlap=True)), tooltip=tooltip
    )

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title="time per step (ms)", scale=alt.Scale(zero=False, padding=12))

    whisker = base.mark_rule(strokeWidth=1.5).encode(y=y("p05_ms"), y2="p95_ms:Q", color=colour)
    box = base.mark_bar(size=14, opacity=0.55, cornerRadius=2).encode(y=y("p25_ms"), y2="p75_ms:Q", color=colour)
    middle = base.mark_point(filled=True, size=75, opacity=1).encode(
        y=y("median_ms"), color=colour, shape=alt.Shape("name:N", scale=sides.shapes, legend=legend())
    )
    return sized(alt.layer(whisker, box, middle), 280)
