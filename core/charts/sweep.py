"""The ratio of two variants over a grid: against the work of a step, and against the batch."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL
from core.charts.ratio_axis import RATIO_TITLE, ratio_scale, ratio_ticks

#: Workloads in the order in which the grid names them; further ones begin again, and are told apart by their names.
_COLOURS = ("#4a7de0", "#d4691a", "#1a9a80", "#b858a0", "#a07c10", "#2a93b5", "#d25a53", "#8468cc", "#6c9030", "#7c898e")
_SHAPES = ("circle", "diamond", "triangle-up", "square", "triangle-down", "cross")
#: More names than this beside their points would cover each other.
MOST_NAMES = 24
_HEIGHT = 340


def ratio_by_flops(table: pl.DataFrame) -> alt.LayerChart:
    """The ratio of each comparable cell against its floating-point operations per training step, with its 95 % interval.

    `table` as `core.analysis.sweep.sweep_table` makes it; cells without a ratio or without a count are left out.
    """
    shown = table.drop_nulls(["ratio", "low", "high", "flops_per_step"]).with_columns((pl.col("flops_per_step") / 1e9).alias("gflop"))
    x = alt.X("gflop:Q", title="billion floating-point operations per training step", scale=_around(shown["gflop"]),
              axis=alt.Axis(format="~g", tickCount=6))  # fmt: skip
    return _ratios(shown, x, joined=False)


def ratio_by_batch(table: pl.DataFrame) -> alt.LayerChart:
    """The ratio of each comparable cell against its batch, points of one workload and pair joined; `table` as for `ratio_by_flops`."""
    shown = table.drop_nulls(["ratio", "low", "high"])
    sizes = sorted(shown["batch_size"].unique().to_list())
    x = alt.X("batch_size:Q", title="samples per step", scale=_around(shown["batch_size"]),
              axis=alt.Axis(values=sizes, format="~d"))  # fmt: skip
    return _ratios(shown, x, joined=True)


def _around(values: pl.Series) -> alt.Scale:
    """All values, with room for a name to the right of the last."""
    known = [float(value) for value in values] or [1.0]
    spread = max(max(known) / min(known), 2.0)
    return alt.Scale(type="log", domain=[min(known) / spread**0.04, max(known) * spread**0.14], nice=False)


def _ratios(shown: pl.DataFrame, x: alt.X, *, joined: bool) -> alt.LayerChart:
    values = [1.0, *shown["low"], *shown["high"]]
    low, high = min(values) / 1.08, max(values) * 1.08
    ticks = [tick for tick in ratio_ticks(max(high, 1 / low)) if low <= tick <= high]
    scale = ratio_scale(low, high)
    y = alt.Y("ratio:Q", title=RATIO_TITLE, scale=scale, axis=alt.Axis(values=ticks, format=".2~f"))
    workloads, pairs = (shown[name].unique(maintain_order=True).to_list() for name in ("workload", "pair"))
    colours = alt.Scale(domain=workloads, range=[_COLOURS[place % len(_COLOURS)] for place in range(len(workloads))])
    shapes = alt.Scale(domain=pairs, range=[_SHAPES[place % len(_SHAPES)] for place in range(len(pairs))])
    colour = alt.Color("workload:N", scale=colours, legend=legend(columns=3))
    base = alt.Chart(shown).encode(
        x=x, color=colour,
        tooltip=[alt.Tooltip("workload:N"), alt.Tooltip("batch_size:Q", title="batch"), alt.Tooltip("pair:N", title="A / B"),
                 alt.Tooltip("ratio:Q", title="B ÷ A", format=".3f"), alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
                 alt.Tooltip("high:Q", title="to", format=".3f"), alt.Tooltip("verdict:N")],
    )  # fmt: skip
    one = alt.Chart(pl.DataFrame({"ratio": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(y=y)
    ways = [
        alt.Chart(pl.DataFrame({"ratio": [at], "words": [words]}))
        .mark_text(align="left", baseline=baseline, dx=4, fontSize=11, color=NEUTRAL)
        .encode(x=alt.value(0), y=y, text="words:N")
        for at, words, baseline in ((high, "↑ A is faster", "top"), (low, "↓ B is faster", "bottom"))
    ]
    spread = base.mark_rule(strokeWidth=2, opacity=0.7).encode(y=alt.Y("low:Q", title=RATIO_TITLE, scale=scale), y2="high:Q")
    points = base.mark_point(filled=True, size=120, opacity=1).encode(
        y=y, shape=alt.Shape("pair:N", scale=shapes, legend=legend(symbolFillColor=NEUTRAL) if len(pairs) > 1 else None)
    )
    layers = [one, *ways, spread, points]
    if joined:
        layers.insert(0, base.mark_line(strokeWidth=1.5, opacity=0.6).encode(y=y, detail=["pair:N"]))
    named = shown.filter(pl.col("batch_size") == pl.col("batch_size").max().over("workload", "pair")) if joined else shown
    named = named.with_columns(pl.col("workload").str.split(",").list.first().alias("short"))
    if len(named) <= MOST_NAMES:
        layers.append(alt.Chart(named).mark_text(align="left", dx=9, dy=-7, fontSize=11).encode(x=x, y=y, color=colour, text="short:N"))
    return sized(alt.layer(*layers), _HEIGHT)
