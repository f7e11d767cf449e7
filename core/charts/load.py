"""What the machine did while the runs were timed."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized, with_names
from core.charts.palette import BAD, GOOD, NEUTRAL, WARNING, Sides

LOAD_COLOURS = {"this run": GOOD, "other processes": WARNING, "taken by the hypervisor": BAD}
_HEIGHT = 240
_LANES = {"a": 26, "b": 10}
"""Where the runs of a side lie: pixels above the lower edge."""


def load_timeline(load: pl.DataFrame, spans: pl.DataFrame, sides: Sides, cores: int | None) -> alt.LayerChart:
    """Busy cores over time, and along the lower edge which run was going on.

    `load` and `spans` as `core.analysis.load.load_over_time` and `run_spans` make them; `cores`: what the machine has.
    """
    top = max([cores or 0, *load.group_by("seconds").agg(pl.col("cores").sum())["cores"], 1.0]) * 1.05
    # A fifth of the plot below zero is kept free for the runs.
    y = alt.Y("cores:Q", title="busy cores", stack="zero", scale=alt.Scale(domain=[-0.25 * top, top], nice=False),
              axis=alt.Axis(values=_ticks(top)))  # fmt: skip
    end = max([*load["seconds"], *spans["end_s"], 1.0])
    begin = min([*spans["begin_s"], 0.0])
    scale = alt.Scale(domain=[begin, end], nice=False)
    area = (
        alt.Chart(load.with_columns(pl.col("who").replace_strict({who: i for i, who in enumerate(LOAD_COLOURS)}).alias("place")))
        .mark_area(interpolate="step-after", opacity=0.8)
        .encode(
            x=alt.X("seconds:Q", scale=scale, title="seconds since the first sample"),
            y=y,
            color=alt.Color(
                "who:N", scale=alt.Scale(domain=list(LOAD_COLOURS), range=list(LOAD_COLOURS.values())), legend=legend(symbolType="square")
            ),
            order="place:O",
            tooltip=["who:N", alt.Tooltip("seconds:Q", format=".0f"), alt.Tooltip("cores:Q", format=".2f")],
        )
    )
    layers: list[alt.Chart] = [area]
    if cores:
        line = alt.Chart(pl.DataFrame({"cores": [float(cores)], "what": ["all cores of this machine"]}))
        layers.append(line.mark_rule(strokeDash=[5, 4], stroke=NEUTRAL, strokeWidth=1.5).encode(y="cores:Q", tooltip=["what:N", "cores:Q"]))
    named = with_names(spans, sides)
    fills = alt.Scale(domain=[sides.short_a, sides.short_b], range=[sides.colour_a, sides.colour_b])
    layers += [
        alt.Chart(named.filter(pl.col("side") == side))
        .mark_bar(height=11)
        .encode(
            x=alt.X("begin_s:Q", scale=scale, title="seconds since the first sample"),
            x2="end_s:Q",
            y=alt.value(_HEIGHT - above),
            fill=alt.Fill("short:N", scale=fills, legend=legend(symbolType="square")),
            tooltip=["run:Q", "role:N", alt.Tooltip("short:N", title="side"), alt.Tooltip("begin_s:Q", format=".1f"),
                     alt.Tooltip("end_s:Q", format=".1f")],
        )
        for side, above in _LANES.items()
    ]  # fmt: skip
    return sized(alt.layer(*layers), _HEIGHT)


def _ticks(top: float) -> list[float]:
    """At most five whole numbers of cores, or halves on a small machine."""
    step = 0.5 if top < 3 else math.ceil(top / 5)
    return [step * i for i in range(int(top / step) + 1)]
