"""What costs most, a bar per kernel, operator, class or layer: of one recording, or of two with A to the left and B to the right."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import polars as pl

from core.analysis.operators import REMAINDER
from core.charts.conventions import legend, sized
from core.charts.kernel_names import LONGEST, axis_labels
from core.charts.palette import NEUTRAL, Sides, op_class_scale

_ROW_HEIGHT = 22
#: Room beside the longest bar for its value.
_HEADROOM = 1.22
#: Pixels: the longest name that `axis_labels` makes.
_LABEL_LIMIT = 8 * LONGEST


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a chart says about its bars."""

    row: str = "operation"
    """What a row is."""
    measure: str = "self time"
    """What its length is."""
    unit: str = "ms per step"
    whole: str = "of this side's operators"
    """What a share is a share of."""

    @property
    def axis(self) -> str:
        return f"{self.measure}, {self.unit}"


def mirrored_bars(mirrored: pl.DataFrame, sides: Sides, words: Words, *, colour: str = "op_class") -> alt.LayerChart:
    """Horizontal bars of two sides on one axis, a row per key in the order given, each with its value at its end.

    `mirrored` as `core.analysis.operators.mirror` makes it. `colour` is `op_class` or `side`; the sides are named above the bars in
    either case, so that colour never stands alone.
    """
    bars = _bars(mirrored, sides)
    reach = max([*mirrored["a"], *mirrored["b"]], default=0.0) * _HEADROOM or 1.0
    x = alt.X(
        "signed:Q",
        title=words.axis,
        scale=alt.Scale(domain=[-reach, reach], nice=False),
        # Both directions count upwards from the middle.
        axis=alt.Axis(labelExpr="format(abs(datum.value), '~g')", tickCount=9),
    )
    base = _base(bars, words)
    drawn = base.mark_bar(height={"band": 0.72}).encode(x=x, color=_colour(mirrored, sides, colour))
    middle = alt.Chart(pl.DataFrame({"signed": [0.0]})).mark_rule(color=NEUTRAL).encode(x=x)
    values_a = _values(base, x, "a").mark_text(align="right", dx=-4, fontSize=11, color=NEUTRAL)
    values_b = _values(base, x, "b").mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL)
    head_a = _head(x, -reach, f"← {sides.short_a}").mark_text(
        align="left", baseline="bottom", fontSize=12, fontWeight="bold", color=sides.colour_a
    )
    head_b = _head(x, reach, f"{sides.short_b} →").mark_text(
        align="right", baseline="bottom", fontSize=12, fontWeight="bold", color=sides.colour_b
    )
    return sized(alt.LayerChart(layer=[drawn, values_a, values_b, middle, head_a, head_b]), _height(mirrored))


def single_bars(table: pl.DataFrame, sides: Sides, words: Words, *, colour: str = "op_class") -> alt.LayerChart:
    """The same of one recording: side A of a mirrored table, growing to the right, with its share beside its value."""
    bars = _bars(table, sides).filter(pl.col("letter") == "a")
    reach = max(table["a"], default=0.0) * _HEADROOM or 1.0
    x = alt.X("value:Q", title=words.axis, scale=alt.Scale(domain=[0, reach], nice=False), axis=alt.Axis(tickCount=9))
    base = _base(bars, words)
    drawn = base.mark_bar(height={"band": 0.72}).encode(x=x, color=_colour(table, sides, colour))
    shown = base.transform_calculate(text="format(datum.value, '.3~g') + '  ·  ' + format(datum.share, '.1%')")
    values = shown.mark_text(align="left", dx=4, fontSize=11, color=NEUTRAL).encode(x=x, text="text:N")
    return sized(alt.LayerChart(layer=[drawn, values]), _height(table))


def _height(table: pl.DataFrame) -> int:
    return _ROW_HEIGHT * max(len(table), 1)


def _base(bars: pl.DataFrame, words: Words) -> alt.Chart:
    return alt.Chart(bars).encode(
        y=alt.Y("label:N", title=None, sort=bars["label"].unique(maintain_order=True).to_list(),
                axis=alt.Axis(labelLimit=_LABEL_LIMIT, ticks=False, domain=False)),
        tooltip=[
            alt.Tooltip("key:N", title=words.row),
            alt.Tooltip("side:N", title="side"),
            alt.Tooltip("op_class:N", title="class"),
            alt.Tooltip("value:Q", title=words.axis, format=",.3f"),
            alt.Tooltip("share:Q", title=f"share {words.whole}", format=".1%"),
        ],
    )  # fmt: skip


def _colour(mirrored: pl.DataFrame, sides: Sides, colour: str) -> alt.Color:
    if colour == "side":
        scale = alt.Scale(domain=[sides.short_a, sides.short_b], range=[sides.colour_a, sides.colour_b])
        return alt.Color("side:N", scale=scale, legend=None)
    classes = mirrored["op_class"].unique().to_list()
    # Rows that are classes themselves need no legend: each is named beside its bar.
    named = set(mirrored["key"]) <= {*classes, *(key for key in mirrored["key"] if key.startswith(REMAINDER))}
    return alt.Color("op_class:N", scale=op_class_scale(classes), legend=None if named else legend(columns=3))


def _values(base: alt.Chart, x: alt.X, letter: str) -> alt.Chart:
    shown = base.transform_filter(f"datum.letter === '{letter}' && datum.value > 0")
    return shown.encode(x=x, text=alt.Text("value:Q", format=".3~g"))


def _head(x: alt.X, at: float, label: str) -> alt.Chart:
    """The name of a side, above the bars at its end of the axis."""
    return alt.Chart(pl.DataFrame({"signed": [at], "label": [label]})).encode(x=x, y=alt.value(-6), text="label:N")


def _bars(mirrored: pl.DataFrame, sides: Sides) -> pl.DataFrame:
    """One row per bar; side A's lengths are negative, so that it grows to the left."""
    labelled = mirrored.with_columns(pl.Series("label", axis_labels(mirrored["key"].to_list()), dtype=pl.String))
    parts = [
        labelled.select(
            "key",
            "label",
            "op_class",
            pl.lit(letter).alias("letter"),
            pl.lit(sides.short_a if letter == "a" else sides.short_b).alias("side"),
            pl.col(letter).alias("value"),
            (pl.col(letter) * sign).alias("signed"),
            (pl.col(letter) / pl.max_horizontal(pl.col(letter).sum(), pl.lit(1e-12))).alias("share"),
        )
        for letter, sign in (("a", -1), ("b", 1))
    ]
    return pl.concat(parts)
