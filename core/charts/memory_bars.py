"""Whose memory it was: bars of bytes by operator, layer, phase or stack frame, of one recording or of two."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.byte_axis import byte_axis, size_expression
from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL, Sides

#: Name of the selection over `name`, given by `core.charts.picking.pickable`.
PICKED = "picked"
_ROW_HEIGHT = 22
#: Room beside the longest bar for its value.
_HEADROOM = 1.2
#: Rows that no operator asked for while it was recorded.
_APART = ["before", "rounding", "rest"]


def live_bars(table: pl.DataFrame, colour: str, *, title: str) -> alt.LayerChart:
    """A bar per row of `core.analysis.memory.live_by`, in its order; what was there before the recording, and the rest, are grey.

    `title` says in the tooltip what a row is.
    """
    x, y = _byte_scale([0, *table["bytes"]], "bytes:Q", "allocated"), _names(table)
    base = (
        alt.Chart(table)
        .transform_calculate(text=size_expression("datum.bytes"))
        .encode(
            y=y,
            tooltip=[
                alt.Tooltip("name:N", title=title),
                alt.Tooltip("text:N", title="allocated"),
                alt.Tooltip("share:Q", title="share", format=".1%"),
                alt.Tooltip("count:Q", title="blocks", format=","),
            ],
        )
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(x=x, color=_unless_apart(colour))
    values = base.mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL).encode(x=x, text="text:N")
    return sized(alt.LayerChart(layer=[bars, values]), _ROW_HEIGHT * max(len(table), 1))


def live_pair(table: pl.DataFrame, sides: Sides, *, title: str) -> alt.LayerChart:
    """Two bars per row of `core.analysis.memory.paired`: A above B, on one axis."""
    long = pl.concat(
        [
            table.select(
                "name", pl.lit(name).alias("side"), pl.col(f"{letter}_bytes").alias("bytes"), pl.lit(letter).alias("letter")
            )
            for letter, name in (("a", sides.a), ("b", sides.b))
        ]
    )
    x = _byte_scale([0, *long["bytes"]], "bytes:Q", "allocated")
    base = (
        alt.Chart(long)
        .transform_calculate(text=size_expression("datum.bytes"))
        .encode(
            y=_names(table),
            yOffset=alt.YOffset("letter:N", sort=["a", "b"], scale=alt.Scale(paddingInner=0.08)),
            tooltip=[
                alt.Tooltip("name:N", title=title),
                alt.Tooltip("side:N", title="recording"),
                alt.Tooltip("text:N", title="allocated"),
            ],
        )
    )
    bars = base.mark_bar().encode(x=x, color=alt.Color("side:N", scale=sides.scale, legend=legend()))
    values = (
        base.transform_filter("datum.bytes != 0")
        .mark_text(align="left", dx=4, fontSize=10, color=NEUTRAL)
        .encode(x=x, text="text:N")
    )
    return sized(alt.LayerChart(layer=[bars, values]), 2 * 17 * max(len(table), 1))


def difference_bars(table: pl.DataFrame, sides: Sides, *, title: str) -> alt.LayerChart:
    """B less A of each row of `core.analysis.memory.paired`: to the right in B's colour where B held more, to the left in A's where A did."""
    x = _byte_scale([0, *table["difference_bytes"]], "difference_bytes:Q", "B less A")
    more = alt.Color(
        "more:N",
        scale=alt.Scale(domain=["A holds more", "B holds more"], range=[sides.colour_a, sides.colour_b]),
        legend=legend(columns=2),
    )
    texts = {"text": f"(datum.difference_bytes > 0 ? '+' : '') + ({size_expression('datum.difference_bytes')})"}
    texts |= {f"{letter}_text": size_expression(f"datum.{letter}_bytes") for letter in "ab"}
    holder = pl.when(pl.col("difference_bytes") > 0).then(pl.lit("B")).otherwise(pl.lit("A"))
    base = (
        alt.Chart(table.with_columns((holder + " holds more").alias("more")))
        .transform_calculate(**texts)
        .encode(
            y=_names(table),
            tooltip=[
                alt.Tooltip("name:N", title=title),
                alt.Tooltip("a_text:N", title=sides.short_a),
                alt.Tooltip("b_text:N", title=sides.short_b),
                alt.Tooltip("text:N", title="B less A"),
            ],
        )
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(x=x, color=more)
    return sized(alt.LayerChart(layer=[bars, *_both_ways(base, x, "difference_bytes", "text")]), _ROW_HEIGHT * max(len(table), 1))


def taken_bars(table: pl.DataFrame, colour: str, *, title: str, per: str, reach: tuple[float, float]) -> alt.LayerChart:
    """What each row of `core.analysis.memory.increase_by` allocates to the right, what it releases to the left, and the increase in words.

    `per` ends the axis' title, such as `per step`. `reach` is what the axis reaches to either side, in bytes, so that two charts can have the same.
    """
    long = pl.concat(
        [
            table.select(
                "name",
                "increase_bytes",
                pl.lit(what).alias("what"),
                pl.col(f"{what}_bytes").alias("bytes"),
                (pl.col(f"{what}_bytes") * sign).alias("signed_bytes"),
            )
            for what, sign in (("allocated", 1), ("released", -1))
        ]
    )  # fmt: skip
    x = _byte_scale([-reach[0], reach[1]], "signed_bytes:Q", f"← released · allocated → {per}", unsigned=True)
    base = alt.Chart(long).transform_calculate(
        text=size_expression("datum.bytes"),
        increase=f"(datum.increase_bytes > 0 ? '+' : '') + ({size_expression('datum.increase_bytes')})",
    ).encode(
        y=_names(table),
        tooltip=[
            alt.Tooltip("name:N", title=title),
            alt.Tooltip("what:N", title="it"),
            alt.Tooltip("text:N", title="bytes"),
            alt.Tooltip("increase:N", title="increase"),
        ],
    )  # fmt: skip
    opacity = alt.Opacity("what:N", scale=alt.Scale(domain=["allocated", "released"], range=[1, 0.5]), legend=None)
    bars = base.mark_bar(height={"band": 0.72}, color=colour).encode(x=x, opacity=opacity)
    values = _both_ways(base.transform_filter("datum.bytes > 0"), x, "signed_bytes", "text")
    return sized(alt.LayerChart(layer=[bars, *values]), _ROW_HEIGHT * max(len(table), 1))


def _names(table: pl.DataFrame) -> alt.Y:
    return alt.Y("name:N", title=None, sort=table["name"].to_list(), axis=alt.Axis(labelLimit=320, ticks=False, domain=False))


def _unless_apart(colour: str) -> dict[str, object]:
    return {"condition": {"test": f"indexof({_APART}, datum.origin) >= 0", "value": NEUTRAL}, "value": colour}


def _byte_scale(values: list[float], field: str, title: str, *, unsigned: bool = False) -> alt.X:
    low, high = min(0, *values), max(0, *values)
    room = (high - low or 1) * (_HEADROOM - 1)
    domain = [low - room if low < 0 else 0, high + room]
    axis = byte_axis(*domain)
    if unsigned:
        axis = byte_axis(*domain, labelExpr=f"datum.value == 0 ? '0' : {size_expression('abs(datum.value)')}")
    return alt.X(field, title=title, scale=alt.Scale(domain=domain, nice=False), axis=axis)


def _both_ways(base: alt.Chart, x: alt.X, field: str, text: str) -> list[alt.Chart]:
    """The values, each outside its bar's end, and the line that both directions start from."""
    zero = alt.Chart(pl.DataFrame({field: [0.0]})).mark_rule(color=NEUTRAL).encode(x=x)
    return [
        base.transform_filter(f"datum.{field} {sign} 0")
        .mark_text(align=align, dx=dx, fontSize=11, color=NEUTRAL)
        .encode(x=x, text=f"{text}:N")
        for sign, align, dx in ((">", "left", 4), ("<", "right", -4))
    ] + [zero]
