"""Is it the same model? How far apart the two sides are at each gate, against what is allowed."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import BAD, GOOD, NEUTRAL

#: Where an exact match is drawn: a logarithmic axis has no zero.
EXACT = 1e-4


def parity_gates(proof: pl.DataFrame) -> alt.LayerChart:
    """The error of each gate as a multiple of the allowed one: `proof` as `core.analysis.comparison.parity_table` makes it."""
    share = pl.when(pl.col("allowed") > 0).then(pl.col("error") / pl.col("allowed")).otherwise(pl.col("error") * 1e6)
    rows = proof.with_columns(
        share.clip(EXACT, 1e8).alias("share"), pl.when("passed").then(pl.lit("passed")).otherwise(pl.lit("failed")).alias("outcome")
    )
    right = max([10.0, *(value * 3 for value in rows["share"].drop_nulls())])
    label = f"datum.value <= {EXACT} ? '≤ 0.0001' : format(datum.value, '~g')"
    axis = alt.Axis(values=[10.0**power for power in range(-4, 9, 2)], labelExpr=label)
    x = alt.X("share:Q", title="error ÷ allowed error", scale=alt.Scale(type="log", domain=[EXACT * 0.6, right], nice=False), axis=axis)
    y = alt.Y("stage:N", title=None, sort=proof["stage"].to_list(), axis=alt.Axis(labelLimit=220))
    limit = alt.Chart(pl.DataFrame({"share": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5, strokeDash=[5, 4]).encode(x=x)
    line = alt.Chart(rows).mark_rule(strokeWidth=2, opacity=0.45, stroke=NEUTRAL).encode(y=y, x=alt.X("share:Q"), x2=alt.datum(EXACT * 0.6))
    points = (
        alt.Chart(rows.filter(pl.col("share").is_not_null()))
        .mark_point(filled=True, size=120, opacity=1)
        .encode(
            x=x, y=y,
            color=alt.Color("outcome:N", scale=alt.Scale(domain=["passed", "failed"], range=[GOOD, BAD]), legend=legend()),
            shape=alt.Shape("outcome:N", scale=alt.Scale(domain=["passed", "failed"], range=["circle", "cross"]), legend=legend()),
            tooltip=["stage:N", alt.Tooltip("error:Q", format=".3g"), alt.Tooltip("allowed:Q", format=".3g"), "measure:N", "tensor:N", "outcome:N"],
        )
    )  # fmt: skip
    return sized(alt.layer(limit, line, points), 190)
