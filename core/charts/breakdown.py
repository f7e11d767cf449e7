"""How a whole divides into parts: of each step, each stream, each device; and shares of it side by side."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL, part_scale

#: More steps than this are drawn as means of equally many neighbours, so that the marks stay few.
MOST_STEPS = 120
_STEP_HEIGHT, _ROW_HEIGHT = 230, 26


def step_bars(parts: pl.DataFrame, order: Sequence[str], *, reach_ms: float | None = None) -> alt.LayerChart:
    """A bar per step, a piece per part, the first of `order` at the bottom.

    `parts` has `step`, `part` and `duration_ns`, and its steps in order of time. `reach_ms` is the end of the axis: the same for both
    sides of a pair.
    """
    drawn = neighbours(parts)
    steps = drawn["label"].unique(maintain_order=True).to_list()
    present = [part for part in order if part in set(drawn.filter(pl.col("ms") > 0)["part"])]
    scale = alt.Scale(domain=[0, reach_ms]) if reach_ms else alt.Scale()
    chart = (
        alt.Chart(drawn.filter(pl.col("part").is_in(present)))
        .mark_bar()
        .encode(
            x=alt.X("label:O", title="step" if len(steps) == parts["step"].n_unique() else "steps, means of neighbours", sort=steps,
                    axis=alt.Axis(labelAngle=0, labelOverlap=True), scale=alt.Scale(paddingInner=0.25, paddingOuter=0.2)),
            y=alt.Y("ms:Q", title="ms of a step", stack="zero", scale=scale),
            color=alt.Color("part:N", scale=part_scale(present), legend=legend(columns=4)),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("label:O", title="step"), alt.Tooltip("part:N"), alt.Tooltip("ms:Q", title="ms", format=",.3f"),
                     alt.Tooltip("share:Q", title="share of the step", format=".1%")],
        )
        .transform_calculate(place=f"indexof({present!r}, datum.part)")
    )  # fmt: skip
    return sized(chart, _STEP_HEIGHT)


def neighbours(parts: pl.DataFrame) -> pl.DataFrame:
    """`label`, `part`, `ms`, `share` for at most MOST_STEPS bars: single steps, or means over runs of them named `12-15`."""
    steps = parts["step"].unique(maintain_order=True)
    width = -(-len(steps) // MOST_STEPS) or 1
    places = pl.DataFrame({"step": steps, "bar": pl.Series(range(len(steps)), dtype=pl.Int64) // width})
    first, last = (getattr(pl.col("step"), name)().cast(pl.String) for name in ("first", "last"))
    labels = places.group_by("bar", maintain_order=True).agg(
        pl.when(pl.len() > 1).then(pl.concat_str(first, pl.lit("-"), last)).otherwise(first).alias("label")
    )
    return (
        parts.with_columns(pl.col("part").cast(pl.String))
        .join(places, on="step", maintain_order="left")
        .group_by("bar", "part", maintain_order=True)
        .agg((pl.col("duration_ns").mean() / 1e6).alias("ms"))
        .with_columns((pl.col("ms") / pl.max_horizontal(pl.col("ms").sum().over("bar"), pl.lit(1e-12))).alias("share"))
        .join(labels, on="bar", maintain_order="left")
        .select("label", "part", "ms", "share")
    )


def stacked_rows(rows: pl.DataFrame, order: Sequence[str], *, title: str) -> alt.LayerChart:
    """A horizontal bar per `label`, a piece per `part` of `ns`, in the order of the rows."""
    labels = rows["label"].unique(maintain_order=True).to_list()
    drawn = rows.filter(pl.col("ns") > 0).select(
        "label", pl.col("part").cast(pl.String), (pl.col("ns") / 1e6).alias("ms"),
        (pl.col("ns") / pl.max_horizontal(pl.col("ns").sum().over("label"), 1)).alias("share"),
    )  # fmt: skip
    present = [part for part in order if part in set(drawn["part"])]
    chart = (
        alt.Chart(drawn)
        .mark_bar(height={"band": 0.72})
        .encode(
            y=alt.Y("label:N", title=None, sort=labels, axis=alt.Axis(labelLimit=300, ticks=False, domain=False)),
            x=alt.X("ms:Q", title=title, stack="zero", axis=alt.Axis(tickCount=8)),
            color=alt.Color("part:N", scale=part_scale(present), legend=legend(columns=4)),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("label:N", title="of"), alt.Tooltip("part:N"), alt.Tooltip("ms:Q", title="ms", format=",.3f"),
                     alt.Tooltip("share:Q", title="share of it", format=".1%")],
        )
        .transform_calculate(place=f"indexof({present!r}, datum.part)")
    )  # fmt: skip
    return sized(chart, _ROW_HEIGHT * max(len(labels), 1))


def share_bars(shares: pl.DataFrame, colours: dict[str, str]) -> alt.LayerChart:
    """Shares of 1, a bar per `label` in the order of the rows, with its value at its end.

    `colours` says the colour of each `group`, such as a side; a `share` that is null has no bar and says so.
    """
    labels = shares["label"].to_list()
    base = alt.Chart(shares.with_columns(pl.col("share").fill_null(0.0).alias("length"))).encode(
        y=alt.Y("label:N", title=None, sort=labels, axis=alt.Axis(labelLimit=360, ticks=False, domain=False)),
        x=alt.X(
            "length:Q", title=None, scale=alt.Scale(domain=[0, 1.12]), axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
        ),
        tooltip=[alt.Tooltip("label:N", title="what"), alt.Tooltip("group:N", title="of"), alt.Tooltip("share:Q", format=".1%")],
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(
        color=alt.Color("group:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    )
    said = "isValid(datum.share) ? format(datum.share, '.1%') : 'not recorded'"
    values = base.transform_calculate(text=said).mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL).encode(text="text:N")
    return sized(alt.LayerChart(layer=[bars, values]), 22 * max(len(labels), 1))


def grouped_bars(table: pl.DataFrame, colours: dict[str, str], *, title: str) -> alt.LayerChart:
    """A bar of `ms` per `key` and `group`, largest first, with its `text` at its end; groups by their colour and, in the text, by name."""
    keys = table["key"].unique(maintain_order=True).to_list()
    reach = max(table["ms"], default=0.0) * 1.6 or 1.0
    base = alt.Chart(table).encode(
        y=alt.Y("key:N", title=None, sort=keys, axis=alt.Axis(labelLimit=360, ticks=False, domain=False), scale=alt.Scale(paddingInner=0.25)),
        yOffset=alt.YOffset("group:N", sort=list(colours)),
        x=alt.X("ms:Q", title=title, scale=alt.Scale(domain=[0, reach], nice=False), axis=alt.Axis(tickCount=8)),
        tooltip=[alt.Tooltip("key:N", title="what"), alt.Tooltip("group:N", title="of"), alt.Tooltip("ms:Q", title=title, format=",.3f"),
                 alt.Tooltip("text:N", title="in words")],
    )  # fmt: skip
    bars = base.mark_bar().encode(
        color=alt.Color("group:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    )
    beside = base.mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL)
    values = beside.encode(text="text:N", yOffset=alt.YOffset("group:N", sort=list(colours), bandPosition=0.5))
    return sized(alt.LayerChart(layer=[bars, values]), len(keys) * (18 * len(colours) + 10))
