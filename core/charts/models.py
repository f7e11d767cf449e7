"""Charts of what the two sides are made of, and of how equal they are."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import BAD, FRAMEWORK_COLOURS, GOOD, NEUTRAL
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

_FRAMEWORK_SCALE = alt.Scale(
    domain=[FRAMEWORK_LABELS[name] for name in FRAMEWORKS], range=[FRAMEWORK_COLOURS[name] for name in FRAMEWORKS]
)


def layer_parameters(frame: pl.DataFrame) -> alt.LayerChart:
    """Weights of each layer, one bar per framework; columns `layer`, `framework` (label) and `parameters`, in layer order."""
    layers = frame["layer"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        y=alt.Y("layer:N", title=None, sort=layers),
        yOffset=alt.YOffset("framework:N", sort=_FRAMEWORK_SCALE.domain),
        x=alt.X("parameters:Q", title="parameters", axis=alt.Axis(format="~s", tickCount=5),
                scale=alt.Scale(domain=[0, 1.12 * max(1, *frame["parameters"])])),
        tooltip=[alt.Tooltip("layer:N", title="layer"), alt.Tooltip("framework:N", title="framework"),
                 alt.Tooltip("parameters:Q", title="parameters", format=",")],
    )  # fmt: skip
    bars = base.mark_bar().encode(
        color=alt.Color("framework:N", title=None, scale=_FRAMEWORK_SCALE, legend=legend(columns=2))
    )
    numbers = base.mark_text(align="left", dx=4, color=NEUTRAL).encode(text=alt.Text("parameters:Q", format=","))
    return sized(bars + numbers, 40 * len(layers))


_EXACT = "exactly equal"
_PASSED, _FAILED = "within the gate", "outside the gate"


def parity_errors(frame: pl.DataFrame) -> alt.LayerChart:
    """Measured error beside the allowed one, on a logarithmic axis; one row per stage.

    Columns `stage` (label), `error` (null: could not be computed), `allowed`, `passed`. An error of 0 has no logarithm: it
    stands at the left end and says so.
    """
    shown = frame.filter(pl.col("allowed") > 0)
    stages = shown["stage"].to_list()
    known = [value for value in (*shown["error"], *shown["allowed"]) if value]
    low = 10 ** (math.floor(math.log10(min(known, default=1e-8))) - 1)
    high = 10 ** (math.ceil(math.log10(max(known, default=1e-2))) + 0.5)
    data = shown.with_columns(
        at=pl.when(pl.col("error") == 0).then(low).otherwise(pl.col("error")),
        words=pl.when(pl.col("error") == 0).then(pl.lit(_EXACT)).otherwise(pl.col("error").map_elements(lambda e: f"{e:.1e}", pl.String)),
        outcome=pl.when(pl.col("passed")).then(pl.lit(_PASSED)).otherwise(pl.lit(_FAILED)),
    )
    axis = alt.Axis(format=".0e", tickCount=5)
    base = alt.Chart(data).encode(y=alt.Y("stage:N", title=None, sort=stages, axis=alt.Axis(labelLimit=240)))
    tooltip = [alt.Tooltip("stage:N", title="stage"), alt.Tooltip("words:N", title="error"), alt.Tooltip("allowed:Q", title="allowed", format=".0e")]
    room = base.mark_rule(color=NEUTRAL, strokeDash=[2, 3]).encode(x="at:Q", x2="allowed:Q")
    gate = base.mark_tick(color=NEUTRAL, thickness=3, size=22).encode(x="allowed:Q", tooltip=tooltip)
    dots = base.transform_filter("isValid(datum.at)").mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("at:Q", title="error (grey tick: allowed)", axis=axis, scale=alt.Scale(type="log", domain=[low, high])),
        color=alt.Color("outcome:N", title=None, scale=alt.Scale(domain=[_PASSED, _FAILED], range=[GOOD, BAD]), legend=legend(columns=2)),
        shape=alt.Shape("outcome:N", title=None, scale=alt.Scale(domain=[_PASSED, _FAILED], range=["circle", "cross"])),
        tooltip=tooltip,
    )  # fmt: skip
    numbers = base.transform_filter("isValid(datum.at)").mark_text(dy=-12, color=NEUTRAL).encode(x="at:Q", text="words:N")
    return sized(alt.layer(dots, room, gate, numbers), 38 * len(stages))
