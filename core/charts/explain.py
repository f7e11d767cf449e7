"""From side A's step to side B's: what makes it longer and what makes it shorter, one after another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL, Sides

_LONGER, _SHORTER, _REST = "▲ longer in B", "▼ shorter in B", "no work of anybody's"
#: Longer or shorter is not good or bad: it depends on whose side one is.
_COLOURS = {_LONGER: "#8468cc", _SHORTER: "#1a9a80", _REST: NEUTRAL}
_ROW_HEIGHT = 30


def step_waterfall(parts: pl.DataFrame, sides: Sides, *, a_ms: float, b_ms: float) -> alt.LayerChart:
    """A bar for A's step, one for each part from where the one before ended, and a bar for B's step.

    `parts` as `core.analysis.explain.Explanation` has them, in order; `a_ms` and `b_ms` are the lengths of the two steps, of which the
    first plus all differences is the second.
    """
    drawn = waterfall_rows(parts, sides, a_ms=a_ms, b_ms=b_ms)
    order = drawn["what"].to_list()
    moves = [name for name in _COLOURS if name in drawn["moves"].to_list()]
    domain, colours = [sides.a, *moves, sides.b], [sides.colour_a, *(_COLOURS[name] for name in moves), sides.colour_b]
    begin_ms, reach_ms = axis_begin(drawn["to_ms"].to_list()), max(*drawn["from_ms"], *drawn["to_ms"])
    title = f"milliseconds of a step, from {begin_ms:g} on" if begin_ms > 0 else "milliseconds of a step"
    domain_ms = [begin_ms, reach_ms + 0.12 * (reach_ms - begin_ms)]
    scale = alt.Scale(domain=domain_ms, nice=False, zero=False)
    x, to, reach = (alt.X(f"{name}:Q", title=title, scale=scale, axis=alt.Axis(tickCount=10)) for name in ("from_ms", "to_ms", "reach_ms"))
    drawn = drawn.with_columns(pl.when(pl.col("whole")).then(max(begin_ms, 0.0)).otherwise("from_ms").alias("from_ms"))
    y = alt.Y("what:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    base = alt.Chart(drawn).encode(
        y=y,
        tooltip=[alt.Tooltip("what:N", title="part"), alt.Tooltip("a_ms:Q", title="ms in A", format=",.3f"),
                 alt.Tooltip("b_ms:Q", title="ms in B", format=",.3f"), alt.Tooltip("difference_ms:Q", title="B minus A (ms)", format="+,.3f")],
    )  # fmt: skip
    bars = base.mark_bar(height={"band": 0.62}, opacity=0.85).encode(
        x=x, x2="to_ms:Q",
        color=alt.Color("moves:N", scale=alt.Scale(domain=domain, range=colours), legend=legend(columns=2)),
    )  # fmt: skip
    joints = alt.Chart(drawn.drop_nulls("next")).mark_rule(stroke=NEUTRAL, strokeDash=[2, 3]).encode(x=to, y=y, y2="next:N")
    texts = base.mark_text(align="left", dx=6, fontSize=12, color=NEUTRAL).encode(x=reach, text="text:N")
    layers = [joints, bars, texts]
    if begin_ms > 0:  # both steps are longer than their bars
        cut = base.mark_text(text="//", align="left", dx=8, fontSize=15, fontWeight="bold", color="white")
        layers.append(cut.encode(x=x).transform_filter("datum.whole"))
    return sized(alt.layer(*layers), _ROW_HEIGHT * len(order))


def axis_begin(ends_ms: Sequence[float]) -> float:
    """Where the axis begins: at 0, or where all of the parts are far from it, at a round number that leaves them two thirds of the chart.

    Below 0 where the ends are: work that ran side by side is taken off last, so what was taken off before may have gone below nothing.
    """
    low, high = min(ends_ms), max(ends_ms)
    if low <= 0:
        return 1.05 * min(low, 0.0)
    wanted = low - (high - low) / 2
    if wanted < high / 2:
        return 0.0
    step = 10.0 ** math.floor(math.log10(max(high - low, high * 1e-6)))
    return math.floor(wanted / step) * step


def waterfall_rows(parts: pl.DataFrame, sides: Sides, *, a_ms: float, b_ms: float) -> pl.DataFrame:
    """What is drawn: the parts between the two `whole` steps, each `from_ms` to `to_ms`, with its `moves`, `text` and the `next` bar."""
    inside = parts.select(
        "what", "kind", (pl.col("a_ns") / 1e6).alias("a_ms"), (pl.col("b_ns") / 1e6).alias("b_ms"),
        (pl.col("difference_ns") / 1e6).alias("difference_ms"),
    ).with_columns((a_ms + pl.col("difference_ms").cum_sum()).alias("to_ms"))  # fmt: skip
    inside = inside.with_columns(
        pl.col("to_ms").shift(1).fill_null(a_ms).alias("from_ms"),
        pl.when(pl.col("kind") == "rest").then(pl.lit(_REST)).when(pl.col("difference_ms") >= 0).then(pl.lit(_LONGER)).otherwise(pl.lit(_SHORTER))
        .alias("moves"),
        pl.col("difference_ms").map_elements(lambda ms: f"{ms:+,.2f} ms", return_dtype=pl.String).alias("text"),
    )  # fmt: skip
    columns = ("what", "moves", "a_ms", "b_ms", "difference_ms", "from_ms", "to_ms", "text")
    ends = [
        pl.DataFrame({"what": [f"a step of {name}"], "moves": [label], "a_ms": [float(a_ms)], "b_ms": [float(b_ms)],
                      "difference_ms": [float(b_ms - a_ms)],
                      "from_ms": [0.0], "to_ms": [float(ms)], "text": [f"{ms:,.2f} ms"]})
        for name, label, ms in ((sides.short_a, sides.a, a_ms), (sides.short_b, sides.b, b_ms))
    ]  # fmt: skip
    rows = pl.concat([one.with_columns(whole=pl.lit(whole)) for one, whole in ((ends[0], True), (inside.select(columns), False), (ends[1], True))])
    return rows.with_columns(pl.col("what").shift(-1).alias("next"), pl.max_horizontal("from_ms", "to_ms").alias("reach_ms"))
