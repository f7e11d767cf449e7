"""What the machine did while the runs were timed."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.palette import BAD, GOOD, NEUTRAL, Sides

LOAD_COLOURS = {"this run": GOOD, "other processes": "#d4691a", "taken by the hypervisor": BAD}


def load_timeline(load: pl.DataFrame, spans: pl.DataFrame, sides: Sides, cores: int | None) -> alt.VConcatChart:
    """Busy cores over time, and below which run was going on.

    `load` and `spans` as `core.analysis.comparison.load_over_time` and `run_spans` make them; `cores`: what the machine has.
    """
    end = max([*load["seconds"], *spans["end_s"], 1.0])
    scale = alt.Scale(domain=[0, end], nice=False)
    area = (
        alt.Chart(load)
        .mark_area(interpolate="step-after", opacity=0.8)
        .encode(
            x=alt.X("seconds:Q", scale=scale, title=None, axis=alt.Axis(labels=False, ticks=False)),
            y=alt.Y("cores:Q", title="busy cores", stack="zero"),
            color=alt.Color(
                "who:N", scale=alt.Scale(domain=list(LOAD_COLOURS), range=list(LOAD_COLOURS.values())),
                legend=alt.Legend(title=None, orient="top", columns=1, labelLimit=300),
            ),
            tooltip=["who:N", alt.Tooltip("seconds:Q", format=".0f"), alt.Tooltip("cores:Q", format=".2f")],
        )
    )  # fmt: skip
    layers: list[alt.Chart] = [area]
    if cores:
        rule = alt.Chart(pl.DataFrame({"cores": [float(cores)], "what": ["all cores"]}))
        layers.append(rule.mark_rule(strokeDash=[5, 4], stroke=NEUTRAL, strokeWidth=1.5).encode(y="cores:Q", tooltip=["what:N", "cores:Q"]))
    named = spans.with_columns(pl.col("side").replace_strict({"a": sides.short_a, "b": sides.short_b}).alias("short"))
    runs = (
        alt.Chart(named)
        .mark_bar(height=12)
        .encode(
            x=alt.X("begin_s:Q", scale=scale, title="seconds since the first sample"),
            x2="end_s:Q",
            y=alt.Y("side:N", title="run of", axis=alt.Axis(labelExpr="upper(datum.label)", ticks=False)),
            fill=alt.Fill("short:N", scale=alt.Scale(domain=[sides.short_a, sides.short_b], range=[sides.colour_a, sides.colour_b]), legend=None),
            tooltip=["run:Q", "role:N", alt.Tooltip("short:N", title="side"), alt.Tooltip("begin_s:Q", format=".1f"),
                     alt.Tooltip("end_s:Q", format=".1f")],
        )
        .properties(height=44)
    )  # fmt: skip
    return alt.vconcat(alt.layer(*layers).properties(height=200), runs, spacing=4)
