"""Charts of a comparison while it runs: few marks, because they are drawn on the machine that is being measured."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized, with_names
from core.charts.load import LOAD_COLOURS
from core.charts.palette import NEUTRAL, Sides

_HEIGHT = 180


def step_times(frame: pl.DataFrame, sides: Sides, unit: str = "step") -> alt.LayerChart:
    """Time per step (in inference, `unit` is `batch`) over the newest run of each side; columns `side` (`a` or `b`), `step`, `step_ms`."""
    return _curves(frame, sides, "step_ms", f"time per {unit} (ms)", ".2f", unit)


def losses(frame: pl.DataFrame, sides: Sides) -> alt.LayerChart:
    """Training loss over the newest run of each side; columns `side`, `step`, `loss`."""
    return _curves(frame, sides, "loss", "training loss", ".4f")


def _curves(frame: pl.DataFrame, sides: Sides, column: str, title: str, number: str, unit: str = "step") -> alt.LayerChart:
    base = alt.Chart(with_names(frame.select("side", "step", column), sides)).encode(
        x=alt.X("step:Q", title="training step" if unit == "step" else unit, axis=alt.Axis(tickMinStep=1, grid=False)),
        y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=True)),
        color=alt.Color("name:N", scale=sides.scale, legend=legend()),
        tooltip=[
            alt.Tooltip("name:N", title="side"),
            alt.Tooltip("step:Q", title=unit),
            alt.Tooltip(f"{column}:Q", title=title, format=number),
        ],
    )
    # Two equal curves lie on each other: the wider one of A shows on both sides of B's.
    widths = alt.StrokeWidth("name:N", scale=alt.Scale(domain=sides.names, range=[4, 1.5]), legend=None)
    points = base.mark_point(filled=True, size=26, opacity=1).encode(shape=alt.Shape("name:N", scale=sides.shapes, legend=legend()))
    return sized(base.mark_line().encode(strokeWidth=widths) + points, _HEIGHT)


def ratios_so_far(frame: pl.DataFrame, sides: Sides, pairs: int) -> alt.LayerChart:
    """Each pair's ratio as a lollipop from 1; columns `pair` (from 1) and `ratio`; `pairs` is how many there will be."""
    faster = pl.when(pl.col("ratio") >= 1).then(pl.lit("a")).otherwise(pl.lit("b")).alias("side")
    data = with_names(frame.select("pair", "ratio", faster, pl.lit(1.0).alias("one")), sides)
    reach = math.exp(max([abs(math.log(value)) for value in frame["ratio"]], default=0.0) * 1.3 or 0.1)
    base = alt.Chart(data).encode(
        x=alt.X(
            "pair:O",
            title="pair",
            scale=alt.Scale(domain=list(range(1, pairs + 1))),
            axis=alt.Axis(labelAngle=0, labelOverlap=True),
        ),
        y=alt.Y(
            "ratio:Q",
            title="time of B ÷ time of A",
            axis=alt.Axis(values=_ticks(reach), format=".2~f"),
            scale=alt.Scale(type="log", domain=[1 / reach, reach], nice=False),
        ),
        color=alt.Color("name:N", scale=sides.scale, legend=legend()),
        tooltip=[
            alt.Tooltip("pair:O", title="pair"),
            alt.Tooltip("ratio:Q", title="time of B ÷ time of A", format=".3f"),
            alt.Tooltip("name:N", title="faster"),
        ],
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(shape=alt.Shape("name:N", scale=sides.shapes, legend=legend()))
    above, below = (
        base.transform_filter(f"datum.ratio {sign} 1").mark_text(dy=dy, color=NEUTRAL) for sign, dy in ((">=", -13), ("<", 14))
    )
    numbers = [part.encode(text=alt.Text("ratio:Q", format=".2f"), color=alt.value(NEUTRAL)) for part in (above, below)]
    equal = alt.Chart(pl.DataFrame({"one": [1.0]})).mark_rule(color=NEUTRAL, strokeDash=[4, 3]).encode(y="one:Q")
    return sized(alt.layer(equal, base.mark_rule(strokeWidth=2).encode(y2="one:Q"), dots, *numbers), _HEIGHT)


def _ticks(reach: float) -> list[float]:
    """1, and one round ratio on either side of it."""
    step = max((ratio for ratio in (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0, 10.0) if ratio <= reach), default=reach)
    return [1 / step, 1.0, step]


def machine_load(frame: pl.DataFrame, cores: int) -> alt.LayerChart:
    """Who kept how many cores busy in the last minute; columns `ago_s` (0 is the newest), `who`, `cores`."""
    top = max([float(cores), *frame.group_by("ago_s").agg(pl.col("cores").sum())["cores"]])
    area = (
        alt.Chart(frame)
        .mark_area(interpolate="step-after", opacity=0.8)
        .encode(
            x=alt.X("ago_s:Q", title="seconds before now", scale=alt.Scale(domain=[-60, 0], nice=False), axis=alt.Axis(grid=False)),
            y=alt.Y("cores:Q", title="busy cores", stack="zero", scale=alt.Scale(domain=[0, top])),
            color=alt.Color("who:N", scale=_who_scale(list(LOAD_COLOURS)), legend=legend()),
            tooltip=[
                "who:N",
                alt.Tooltip("cores:Q", format=".2f"),
                alt.Tooltip("ago_s:Q", title="seconds before now", format=".0f"),
            ],
        )
    )
    return sized(alt.layer(area, _all_cores(cores, "y")), _HEIGHT)


def cores_now(frame: pl.DataFrame, cores: int) -> alt.LayerChart:
    """Who keeps how many cores busy at this moment, one bar each; columns `who` and `cores`."""
    who = frame["who"].to_list()
    base = alt.Chart(frame).encode(
        x=alt.X(
            "cores:Q",
            title=f"busy cores, of {cores}",
            scale=alt.Scale(domain=[0, max([float(cores), *frame["cores"]]) * 1.1], nice=False),
            axis=alt.Axis(tickCount=6),
        ),
        y=alt.Y("who:N", title=None, sort=who, axis=alt.Axis(labelLimit=240, ticks=False, domain=False)),
        tooltip=["who:N", alt.Tooltip("cores:Q", format=".2f")],
    )
    bars = base.mark_bar(height={"band": 0.6}).encode(color=alt.Color("who:N", legend=None, scale=_who_scale(who)))
    numbers = base.mark_text(align="left", dx=5, color=NEUTRAL).encode(text=alt.Text("cores:Q", format=".2f"))
    return sized(alt.layer(bars, numbers, _all_cores(cores, "x")), 34 * len(who))


def _who_scale(names: list[str]) -> alt.Scale:
    """Colours of who uses the processor; the app itself takes the place of the run."""
    return alt.Scale(domain=names, range=[LOAD_COLOURS.get(name, LOAD_COLOURS["this run"]) for name in names])


def _all_cores(cores: int, channel: str) -> alt.Chart:
    limit = alt.Chart(pl.DataFrame({"cores": [float(cores)]})).mark_rule(strokeDash=[5, 4], stroke=NEUTRAL, strokeWidth=1.5)
    return limit.encode(**{channel: "cores:Q"})
