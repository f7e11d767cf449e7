"""Charts of a comparison while it runs: few marks, because they are drawn on the machine that is being measured."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.palette import BAD, GOOD, NEUTRAL, WARNING, Sides

_HEIGHT = 290


def step_times(frame: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """Time per step over the newest run of each side; columns `side` (`a` or `b`), `step`, `step_ms`."""
    return _curves(frame, sides, "step_ms", "Time per step (ms)", ".2f")


def losses(frame: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """Training loss over the newest run of each side; columns `side`, `step`, `loss`."""
    return _curves(frame, sides, "loss", "Training loss", ".4f")


def _curves(frame: pl.DataFrame, sides: Sides, column: str, title: str, number: str) -> alt.LayerChart:
    data = frame.select(pl.col("side").replace_strict({"a": sides.a, "b": sides.b}).alias("name"), "step", column)
    base = alt.Chart(data).encode(
        x=alt.X("step:Q", title="Training step", axis=alt.Axis(tickMinStep=1, grid=False)),
        y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=True)),
        color=alt.Color("name:N", title=None, scale=sides.scale, legend=_legend()),
        tooltip=[
            alt.Tooltip("name:N", title="Side"),
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip(f"{column}:Q", title=title, format=number),
        ],
    )
    points = base.mark_point(filled=True, size=26).encode(shape=alt.Shape("name:N", title=None, scale=sides.shapes))
    # Two equal curves lie on each other: the wider one of A shows on both sides of B's.
    widths = alt.StrokeWidth("name:N", scale=alt.Scale(domain=sides.names, range=[4, 1.5]), legend=None)
    return (base.mark_line().encode(strokeWidth=widths) + points).properties(height=_HEIGHT)


def ratios_so_far(frame: pl.DataFrame, sides: Sides, pairs: int) -> alt.LayerChart:
    """Each pair's ratio as a lollipop from 1; columns `pair` (from 1) and `ratio`; `pairs` is how many there will be."""
    data = frame.select("pair", "ratio", faster=pl.when(pl.col("ratio") >= 1).then(pl.lit(sides.a)).otherwise(pl.lit(sides.b)), one=1.0)
    reach = max([abs(value - 1) for value in frame["ratio"]] or [0.0]) * 1.15 or 0.1
    base = alt.Chart(data).encode(
        x=alt.X("pair:O", title="Pair", scale=alt.Scale(domain=list(range(1, pairs + 1))), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("ratio:Q", title="Step time of B / A", scale=alt.Scale(domain=[1 - reach, 1 + reach], zero=False)),
        color=alt.Color("faster:N", title=None, scale=sides.scale, legend=_legend()),
        tooltip=[
            alt.Tooltip("pair:O", title="Pair"),
            alt.Tooltip("ratio:Q", title="Step time of B / A", format=".3f"),
            alt.Tooltip("faster:N", title="Faster"),
        ],
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(shape=alt.Shape("faster:N", title=None, scale=sides.shapes))
    numbers = base.mark_text(dy=alt.expr("datum.ratio >= 1 ? -13 : 14")).encode(text=alt.Text("ratio:Q", format=".2f"))
    equal = alt.Chart(pl.DataFrame({"one": [1.0]})).mark_rule(color=NEUTRAL, strokeDash=[4, 3]).encode(y="one:Q")
    return (equal + base.mark_rule(strokeWidth=2).encode(y2="one:Q") + dots + numbers).properties(height=_HEIGHT)


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", direction="vertical", labelLimit=320)


#: Who uses the processor, in stacking order.
LOAD_COLOURS = {"this run": GOOD, "other processes": WARNING, "taken by the hypervisor": BAD}


def machine_load(frame: pl.DataFrame, cores: int) -> alt.Chart:
    """Who kept how many cores busy in the last minute; columns `ago_s` (0 is the newest), `who`, `cores`."""
    rank = {who: place for place, who in enumerate(LOAD_COLOURS)}
    data = frame.with_columns(pl.col("who").replace_strict(rank, return_dtype=pl.Int64).alias("rank"))
    top = max(float(cores), *frame.group_by("ago_s").agg(pl.col("cores").sum())["cores"]) if len(frame) else float(cores)
    return (
        alt.Chart(data)
        .mark_area(opacity=0.85)
        .encode(
            x=alt.X("ago_s:Q", title="Seconds before now", scale=alt.Scale(domain=[-60, 0]), axis=alt.Axis(grid=False)),
            y=alt.Y("cores:Q", title=f"Busy cores (of {cores})", stack=True, scale=alt.Scale(domain=[0, top])),
            color=alt.Color("who:N", title=None, scale=alt.Scale(domain=list(LOAD_COLOURS), range=list(LOAD_COLOURS.values())),
                            legend=_legend()),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip("who:N", title="Who"), alt.Tooltip("cores:Q", title="Cores", format=".2f"),
                     alt.Tooltip("ago_s:Q", title="Seconds before now", format=".0f")],
        )
        .properties(height=_HEIGHT)
    )  # fmt: skip
