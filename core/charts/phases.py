"""Where the seconds of a whole process go, from its start to its end."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized, with_names
from core.charts.palette import Sides, phase_scale


def phase_bars(phases: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """One bar per side, a piece per phase: `phases` as `core.analysis.comparison.phase_times` makes it."""
    chart = (
        alt.Chart(with_names(phases, sides))
        .mark_bar(height=30)
        .encode(
            y=alt.Y("short:N", title=None, sort=[sides.short_a, sides.short_b], axis=alt.Axis(labelLimit=200)),
            x=alt.X("seconds:Q", title="seconds since the process began", axis=alt.Axis(tickCount=8), stack="zero", scale=alt.Scale(nice=True)),
            color=alt.Color(
                "phase:N", scale=phase_scale(phases["phase"].unique().to_list()), legend=legend(columns=3)
            ),
            order="order:Q",
            tooltip=[alt.Tooltip("name:N", title="side"), "phase:N", alt.Tooltip("seconds:Q", title="seconds", format=".3f")],
        )
    )
    return sized(chart, 90)
