"""Where the seconds of a whole process go, from its start to its end."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.palette import Sides, phase_scale


def phase_bars(phases: pl.DataFrame, sides: Sides) -> alt.Chart:
    """One bar per side, a piece per phase: `phases` as `core.analysis.comparison.phase_times` makes it."""
    named = phases.with_columns(
        pl.col("side").replace_strict({"a": sides.a, "b": sides.b}).alias("name"),
        pl.col("side").replace_strict({"a": sides.short_a, "b": sides.short_b}).alias("short"),
    )
    return (
        alt.Chart(named)
        .mark_bar(height=30)
        .encode(
            y=alt.Y("short:N", title=None, sort=[sides.short_a, sides.short_b], axis=alt.Axis(labelLimit=200)),
            x=alt.X("seconds:Q", title="seconds since the process was started (medians of the runs)", stack="zero"),
            color=alt.Color(
                "phase:N", scale=phase_scale(phases["phase"].unique().to_list()), legend=alt.Legend(title=None, orient="bottom", columns=4)
            ),
            order="order:Q",
            tooltip=[alt.Tooltip("name:N", title="side"), "phase:N", alt.Tooltip("seconds:Q", title="seconds", format=".3f")],
        )
        .properties(height=120)
    )
