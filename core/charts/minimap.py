"""A whole recording at a glance: how busy its devices and its host were, and a brush to choose a window with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import polars as pl

from core.analysis.timeline_index import Window
from core.charts.conventions import sized
from core.charts.palette import NEUTRAL, Sides
from core.charts.timeline_axes import Band, lane_axis, step_marks, time_axis
from core.traces.schema import Step

#: Name of the interval selection, and its field: milliseconds after zero.
WINDOW, MOMENT = "window", "ms"
_TRACK, _HEAD, _GAP = 24, 13, 5
_FRAME = {MOMENT: pl.Float64, "what": pl.String, "track": pl.String, "side": pl.String, "y": pl.Float64, "y2": pl.Float64}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """One recording in the minimap."""

    side: str
    shares: pl.DataFrame
    """`core.analysis.timeline.overview`; times are the recording's own."""
    steps: Sequence[Step]
    zero_ns: int
    """The recording's moment that is drawn at 0."""


def minimap(recordings: Sequence[Whole], sides: Sides, window: Window, whole: Window) -> alt.LayerChart:
    """The busy share of devices and host over `whole`, one recording above the other, and a smaller `window` as a band.

    Both windows are after zero. The chart has an interval selection `WINDOW` over `MOMENT`.
    """
    frames, labels, bands, top = [], [], [], 0
    for one in recordings:
        head, top = top, top + (_HEAD if one.steps else _GAP)
        for what in one.shares["what"].unique(maintain_order=True):
            part = one.shares.filter(pl.col("what") == what)
            frames.append(_outline(part, one, top))
            labels.append((top + _TRACK // 2, [f"{one.side.upper()} · {what} busy" if len(recordings) > 1 else f"{what} busy"]))
            top += _TRACK + _GAP
        bands.append(Band(steps=one.steps, zero_ns=one.zero_ns, top=head, bottom=top - _GAP))
    height = max(top, _TRACK)
    x, y = time_axis(whole), lane_axis(height, labels)
    brush = alt.selection_interval(name=WINDOW, encodings=["x"])
    areas = (
        alt.Chart(pl.concat(frames) if frames else pl.DataFrame(schema=_FRAME))
        .mark_area(interpolate="step-after")
        .encode(
            x=alt.X(f"{MOMENT}:Q", **x),
            y=alt.Y("y:Q", **y),
            y2="y2:Q",
            detail="track:N",
            color=alt.Color("side:N", scale=alt.Scale(domain=["a", "b"], range=[sides.colour_a, sides.colour_b]), legend=None),
            opacity=alt.Opacity("what:N", scale=alt.Scale(domain=["devices", "host"], range=[0.95, 0.55]), legend=None),
        )
        .add_params(brush)
    )
    chosen = pl.DataFrame({MOMENT: [window.start_ns / 1e6], "to": [window.end_ns / 1e6], "y": [0], "y2": [height]})
    band = (
        alt.Chart(chosen.filter(pl.lit(window != whole)))
        .mark_rect(fill=NEUTRAL, fillOpacity=0.22, stroke=NEUTRAL, clip=True)
        .encode(x=alt.X(f"{MOMENT}:Q", **x), x2="to:Q", y=alt.Y("y:Q", **y), y2="y2:Q")
    )
    return sized(alt.LayerChart(layer=[areas, band, *step_marks(bands, whole, x, y)]), height)


def _outline(part: pl.DataFrame, one: Whole, top: int) -> pl.DataFrame:
    """Corners of a track's area; the last bin ends where it ends."""
    closed = pl.concat([part, part.tail(1).with_columns(pl.col("end_ns").alias("start_ns"))])
    return closed.select(
        ((pl.col("start_ns") - one.zero_ns) / 1e6).alias(MOMENT),
        "what",
        (one.side + " " + pl.col("what")).alias("track"),
        pl.lit(one.side).alias("side"),
        (top + _TRACK * (1 - pl.col("busy"))).alias("y"),
        pl.lit(top + _TRACK).alias("y2"),
    )
