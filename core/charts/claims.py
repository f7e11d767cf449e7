"""The ledger of claims: how many hold, and the evidence of one of them."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import sized
from core.charts.palette import BAD, GOOD, NEUTRAL, WARNING
from core.charts.ratio_axis import ratio_scale, ratio_ticks
from core.model.claim import CLAIM_VERDICT_LABELS

VERDICT_COLOURS = {
    "holds": GOOD,
    "does_not_hold": BAD,
    "cannot_tell": WARNING,
    "needs_gpu": "#4a7de0",
    "not_measurable": "#8468cc",
    "open": NEUTRAL,
}
#: More rows than this are drawn closer together.
_MANY = 10


def verdict_bars(counts: pl.DataFrame) -> alt.LayerChart:
    """One bar per verdict: `counts` as `core.analysis.claims.verdict_counts` makes it."""
    labels = counts["verdict"].to_list()
    colours = [VERDICT_COLOURS[verdict] for verdict, label in CLAIM_VERDICT_LABELS.items() if label in labels]
    base = alt.Chart(counts).encode(
        y=alt.Y("verdict:N", title=None, sort=labels, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)),
        x=alt.X("claims:Q", title="claims", axis=alt.Axis(tickMinStep=1, tickCount=8)),
        tooltip=["verdict:N", "claims:Q"],
    )
    bars = base.mark_bar(height={"band": 0.65}).encode(color=alt.Color("verdict:N", scale=alt.Scale(domain=labels, range=colours), legend=None))
    return sized(alt.layer(bars, base.mark_text(align="left", dx=6, color=NEUTRAL).encode(text="claims:Q")), 30 * len(labels))


def evidence_forest(intervals: pl.DataFrame, *, title: str, factor: bool) -> alt.LayerChart:
    """A point with its 95 % interval per row: `intervals` as `core.analysis.claims.evidence_intervals` makes it, of one measure.

    `title` says what the values are. `factor`: on a logarithmic axis, with a rule at 1.
    """
    order = intervals["what"].to_list()
    values = [value for name in ("low", "high", "value") for value in intervals[name]]
    if factor:
        low, high = min(1.0, *values) / 1.05, max(1.0, *values) * 1.05
        ticks = [tick for tick in ratio_ticks(max(high, 1 / low)) if low <= tick <= high]
        scale, axis = ratio_scale(low, high), alt.Axis(values=ticks, format=".2~f")
    else:
        scale, axis = alt.Scale(zero=False, nice=True, domain=[min(values), max(values)]), alt.Axis(tickCount=8)
    x = alt.X("value:Q", title=title, scale=scale, axis=axis)
    base = alt.Chart(intervals).encode(
        y=alt.Y("what:N", title=None, sort=order, axis=alt.Axis(labelLimit=360, ticks=False)),
        tooltip=["what:N", alt.Tooltip("value:Q", title=title, format=".3f"), alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
                 alt.Tooltip("high:Q", title="to", format=".3f")],
    )  # fmt: skip
    spread = base.mark_rule(strokeWidth=3, color=GOOD, opacity=0.6).encode(x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2="high:Q")
    points = base.mark_point(filled=True, size=110, opacity=1, color=GOOD).encode(x=x)
    layers = [spread, points]
    if factor:
        layers.insert(0, alt.Chart(pl.DataFrame({"value": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x))
    return sized(alt.layer(*layers), (32 if len(order) <= _MANY else 20) * len(order) + 10)
