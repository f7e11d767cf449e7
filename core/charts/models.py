"""What the two sides are made of: a bar per layer and framework."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.colours import FRAMEWORK_COLOURS
from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL
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
                scale=alt.Scale(domain=[0, 1.2 * max(1, *frame["parameters"])])),
        tooltip=[alt.Tooltip("layer:N", title="layer"), alt.Tooltip("framework:N", title="framework"),
                 alt.Tooltip("parameters:Q", title="parameters", format=",")],
    )  # fmt: skip
    bars = base.mark_bar().encode(color=alt.Color("framework:N", title=None, scale=_FRAMEWORK_SCALE, legend=legend(columns=2)))
    numbers = base.mark_text(align="left", dx=4, color=NEUTRAL).encode(text=alt.Text("parameters:Q", format=","))
    return sized(bars + numbers, (40 if len(layers) <= 12 else 30) * len(layers))
