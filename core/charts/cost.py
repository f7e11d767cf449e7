"""What each side would cost."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import sized, with_names
from core.charts.palette import Sides


def cost_bars(costs: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """One bar per side: `costs` as `core.analysis.cost.training_cost` makes it."""
    named = with_names(costs, sides)
    bars = (
        alt.Chart(named)
        .mark_bar(height=26)
        .encode(
            y=alt.Y("short:N", title=None, sort=[sides.short_a, sides.short_b], axis=alt.Axis(labelLimit=200)),
            x=alt.X("price:Q", title="price of 100 million samples, in your currency", axis=alt.Axis(tickCount=8)),
            color=alt.Color("name:N", scale=sides.scale, legend=None),
            tooltip=[alt.Tooltip("name:N", title="side"), alt.Tooltip("hours:Q", title="hours", format=",.2f"),
                     alt.Tooltip("price:Q", title="price", format=",.2f")],
        )
    )  # fmt: skip
    return sized(bars, 90)
