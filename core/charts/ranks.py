"""Ranks of one run next to each other: how each spent its time, and who kept the others waiting in which step."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import sized
from core.charts.palette import BAD, NEUTRAL

#: Cells of ranks by steps; beyond it, the last steps are left to the table.
MOST_CELLS = 1200
_CELL_HEIGHT = 24
#: With more cells in a row than this, their numbers would run into each other.
_MOST_NUMBERS = 16


def straggler_cells(stragglers: pl.DataFrame) -> alt.LayerChart:
    """A cell per rank and step, the redder the longer the rank computed beyond the quickest one; the slowest of a step is framed.

    `stragglers` has `step`, `label`, `behind_ns`, `compute_ns`, `straggler`.
    """
    labels = stragglers["label"].unique(maintain_order=True).to_list()
    steps = stragglers["step"].unique(maintain_order=True)[: max(MOST_CELLS // max(len(labels), 1), 1)]
    cells = stragglers.filter(pl.col("step").is_in(steps.to_list())).select(
        "step",
        "label",
        (pl.col("behind_ns") / 1e6).alias("behind_ms"),
        (pl.col("compute_ns") / 1e6).alias("compute_ms"),
        "straggler",
    )
    base = alt.Chart(cells).encode(
        x=alt.X("step:O", title="step", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("label:N", title=None, sort=labels, axis=alt.Axis(labelLimit=240, ticks=False, domain=False)),
        tooltip=[alt.Tooltip("label:N", title="rank"), alt.Tooltip("step:O"), alt.Tooltip("behind_ms:Q", title="ms behind", format=",.3f"),
                 alt.Tooltip("compute_ms:Q", title="computing, ms", format=",.3f"), alt.Tooltip("straggler:N", title="slowest of the step")],
    )  # fmt: skip
    fill = base.mark_rect(fill=BAD, stroke=BAD, strokeWidth=2).encode(
        fillOpacity=alt.FillOpacity("behind_ms:Q", scale=alt.Scale(range=[0.0, 0.22], zero=True), legend=None),
        strokeOpacity=alt.condition("datum.straggler", alt.value(1.0), alt.value(0.0)),
    )
    layers = [fill]
    if len(steps) <= _MOST_NUMBERS:
        said = "datum.behind_ms > 0 ? '+' + format(datum.behind_ms, '.3~g') + ' ms' : 'quickest'"
        layers.append(
            base.transform_calculate(text=said)
            .mark_text(fontSize=12, fontWeight="bold")
            .encode(text="text:N", color=alt.condition("datum.behind_ms > 0", alt.value(BAD), alt.value(NEUTRAL)))
        )
    return sized(alt.LayerChart(layer=layers), _CELL_HEIGHT * max(len(labels), 1))
