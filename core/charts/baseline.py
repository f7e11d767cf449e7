"""Two comparisons beside each other: the ratio of each, and what their sides have become since."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.analysis.baseline import BASELINE_KIND, SIDES_KIND
from core.charts.conventions import legend, sized
from core.charts.palette import GOOD, NEUTRAL
from core.charts.ratio_axis import ratio_scale, ratio_ticks

_KINDS = {SIDES_KIND: (GOOD, "circle"), BASELINE_KIND: ("#8468cc", "diamond")}
_ROW_HEIGHT = 32


def baseline_forest(intervals: pl.DataFrame) -> alt.LayerChart:
    """A point with its 95 % interval per row on one axis: `intervals` as `core.analysis.baseline.ratio_intervals` makes it."""
    order = intervals["what"].to_list()
    values = [value for name in ("low", "high", "ratio") for value in intervals[name]]
    low, high = min(1.0, *values) / 1.05, max(1.0, *values) * 1.05
    ticks = [tick for tick in ratio_ticks(max(high, 1 / low)) if low <= tick <= high]
    title, scale, axis = "ratio: B ÷ A, or this ÷ baseline", ratio_scale(low, high), alt.Axis(values=ticks, format=".2~f")
    x = alt.X("ratio:Q", title=title, scale=scale, axis=axis)
    kinds = [kind for kind in _KINDS if kind in intervals["kind"].to_list()]
    colours, shapes = (alt.Scale(domain=kinds, range=[_KINDS[kind][place] for kind in kinds]) for place in (0, 1))
    base = alt.Chart(intervals).encode(
        y=alt.Y("what:N", title=None, sort=order, axis=alt.Axis(labelLimit=240, ticks=False)),
        color=alt.Color("kind:N", scale=colours, legend=legend(columns=2)),
        tooltip=["what:N", alt.Tooltip("ratio:Q", format=".3f"), alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
                 alt.Tooltip("high:Q", title="to", format=".3f"), "verdict:N"],
    )  # fmt: skip
    one = alt.Chart(pl.DataFrame({"ratio": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x)
    spread = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2="high:Q")
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, shape=alt.Shape("kind:N", scale=shapes, legend=legend(columns=2))
    )
    return sized(alt.layer(one, spread, points), _ROW_HEIGHT * len(order) + 10)
