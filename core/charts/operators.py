"""Two sides' time per step next to each other: A to the left, B to the right, on one axis."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.analysis.operators import REMAINDER
from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL, Sides, op_class_scale

_ROW_HEIGHT = 22
#: Room beside the longest bar for its value.
_HEADROOM = 1.22


def mirrored_bars(
    mirrored: pl.DataFrame, sides: Sides, *, colour: str = "op_class", title: str = "operation", measure: str = "self time"
) -> alt.LayerChart:
    """Horizontal bars of milliseconds per step, a row per key in the order given, each with its value at its end.

    `mirrored` as `core.analysis.operators.mirror` makes it. `colour` is `op_class` or `side`; the sides are named above the bars in
    either case, so that colour never stands alone. `title` says in tooltips what a row is, `measure` what its length is.
    """
    bars = _bars(mirrored, sides)
    reach = max([*mirrored["a_ms"], *mirrored["b_ms"]], default=0.0) * _HEADROOM or 1.0
    x = alt.X(
        "signed_ms:Q",
        title=f"{measure}, ms per step",
        scale=alt.Scale(domain=[-reach, reach], nice=False),
        # Both directions count upwards from the middle.
        axis=alt.Axis(labelExpr="format(abs(datum.value), '~g')", tickCount=9),
    )
    y = alt.Y("key:N", title=None, sort=mirrored["key"].to_list(), axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    if colour == "side":
        scale = alt.Scale(domain=[sides.short_a, sides.short_b], range=[sides.colour_a, sides.colour_b])
        painted = alt.Color("side:N", scale=scale, legend=None)
    else:
        classes = mirrored["op_class"].unique().to_list()
        # Rows that are classes themselves need no legend: each is named beside its bar.
        named = set(mirrored["key"]) <= {*classes, *(key for key in mirrored["key"] if key.startswith(REMAINDER))}
        painted = alt.Color("op_class:N", scale=op_class_scale(classes), legend=None if named else legend(columns=3))
    base = alt.Chart(bars).encode(
        y=y,
        tooltip=[
            alt.Tooltip("key:N", title=title),
            alt.Tooltip("side:N", title="side"),
            alt.Tooltip("op_class:N", title="class"),
            alt.Tooltip("ms:Q", title=f"{measure}, ms per step", format=",.3f"),
            alt.Tooltip("share:Q", title="share of this side's operators", format=".1%"),
        ],
    )
    drawn = base.mark_bar(height={"band": 0.72}).encode(x=x, color=painted)
    middle = alt.Chart(pl.DataFrame({"signed_ms": [0.0]})).mark_rule(color=NEUTRAL).encode(x=x)
    values_a = _values(base, x, "a").mark_text(align="right", dx=-4, fontSize=11, color=NEUTRAL)
    values_b = _values(base, x, "b").mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL)
    head_a = _head(x, -reach, f"← {sides.short_a}").mark_text(align="left", baseline="bottom", fontSize=12, fontWeight="bold", color=sides.colour_a)
    head_b = _head(x, reach, f"{sides.short_b} →").mark_text(align="right", baseline="bottom", fontSize=12, fontWeight="bold", color=sides.colour_b)
    return sized(alt.LayerChart(layer=[drawn, values_a, values_b, middle, head_a, head_b]), _ROW_HEIGHT * max(len(mirrored), 1))


def _values(base: alt.Chart, x: alt.X, letter: str) -> alt.Chart:
    shown = base.transform_filter(f"datum.letter === '{letter}' && datum.ms > 0")
    return shown.encode(x=x, text=alt.Text("ms:Q", format=".3~g"))


def _head(x: alt.X, at: float, label: str) -> alt.Chart:
    """The name of a side, above the bars at its end of the axis."""
    return alt.Chart(pl.DataFrame({"signed_ms": [at], "label": [label]})).encode(x=x, y=alt.value(-6), text="label:N")


def _bars(mirrored: pl.DataFrame, sides: Sides) -> pl.DataFrame:
    """One row per bar; side A's lengths are negative, so that it grows to the left."""
    parts = [
        mirrored.select(
            "key",
            "op_class",
            pl.lit(letter).alias("letter"),
            pl.lit(sides.short_a if letter == "a" else sides.short_b).alias("side"),
            pl.col(f"{letter}_ms").alias("ms"),
            (pl.col(f"{letter}_ms") * sign).alias("signed_ms"),
            (pl.col(f"{letter}_ms") / pl.max_horizontal(pl.col(f"{letter}_ms").sum(), pl.lit(1e-12))).alias("share"),
        )
        for letter, sign in (("a", -1), ("b", 1))
    ]
    return pl.concat(parts)
