"""A window of a recording, lane by lane: slices where they are few, shares of time where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import polars as pl

from core.analysis.timeline_index import Window
from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL, OP_CLASS_COLOURS, Sides
from core.charts.timeline_axes import Band, lane_axis, step_marks, time_axis
from core.traces.schema import Step

#: Name of the point selection, and its field: what a mark is, whatever else is in view.
PICKED, MARK = "picked", "mark"
#: What has no op class is coloured by its kind.
KIND_COLOURS = {
    "runtime call": "#7482a8",
    "synchronisation": "#a8706c",
    "python": "#8f8066",
    "annotation": "#5f8a8b",
    "input": "#8a7a3c",
    "other events": "#7c898e",
}
_KINDS = {"runtime call": "runtime call", "synchronisation": "synchronisation", "python function": "python", "layer": "python",
          "annotation": "annotation", "input": "input"}  # fmt: skip
#: Calls of Python nest by the dozen; what lies deeper than these rows is counted beside the lane and not drawn.
DEEPEST = 20
#: Pixels: a row of slices and what of it they fill, a lane of bins, the room above a recording and between two lanes.
_ROW, _SLICE, _BINS, _HEAD, _GAP = 16, 14, 30, 16, 8
#: A line of text beside a lane.
_LINE = 13
#: Parts of the window: a slice narrower than the first has no room for its name; the second is the least that a mark is wide.
_NAMED_FROM, _THINNEST = 0.022, 1 / 2500
_MOST_NAMES = 90
_PALE, _FADED = 0.15, 0.35


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One recording in the chart."""

    side: str
    lanes: Sequence[str]
    """Labels of its lanes, in order."""
    slices: Sequence[int]
    """How many slices of each lane touch the window."""
    levels: Sequence[int]
    """How many levels of each lane have a slice in the window (`Lane.levels_in`)."""
    marks: pl.DataFrame
    """`core.analysis.timeline.marks` of these lanes, `with_names`; times are the recording's own."""
    steps: Sequence[Step]
    zero_ns: int
    """The recording's moment that is drawn at 0."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where things are, in pixels from the top."""

    lanes: pl.DataFrame
    """One row per lane: `side`, `lane` (its place), `label`, `top`, `bottom`, and the height of its `first` row."""
    labels: Sequence[tuple[int, Sequence[str]]]
    """Middle of a lane, and the lines beside it."""
    bands: Sequence[Band]
    heads: Sequence[tuple[str, int]]
    """Side, and where its name stands; none where there is only one."""
    height: int


def timeline(strips: Sequence[Strip], sides: Sides, window: Window, *, zero: str, searching: bool = False) -> alt.LayerChart:
    """The lanes of one recording, or of two above each other, in a window after zero, which `zero` says in words.

    Slices are coloured by op class, by kind where they have none. While `searching`, what does not match is pale. Clicking a mark
    selects it: a point selection `PICKED` over `MARK`, as `drawn` has it.
    """
    layout = _layout(strips)
    rows = _placed(drawn(strips), layout, window)
    x, y = time_axis(window, zero), lane_axis(layout.height, layout.labels)
    where = {"x": alt.X("from:Q", **x), "x2": "to:Q", "y": alt.Y("y:Q", **y), "y2": "y2:Q"}
    colour = alt.Color("colour:N", scale=_scale(rows["colour"].unique().to_list()), legend=legend(columns=5))
    picked = alt.selection_point(name=PICKED, fields=[MARK], empty=not searching)
    ground = alt.Chart(_grounds(layout, window)).mark_rect(fill=NEUTRAL, fillOpacity=0.09).encode(**where)
    base = alt.Chart(rows).mark_rect(clip=True).encode(**where, color=colour, tooltip=_TOOLTIP).add_params(picked)
    base = base.encode(opacity=alt.condition(picked, alt.value(1.0), alt.value(_PALE if searching else _FADED)))
    # Without a tooltip of its own a layer lets clicks through to the marks below.
    found = alt.Chart(_matching(rows)).mark_rect(clip=True).encode(**where, color=colour)
    return sized(
        alt.LayerChart(
            layer=[
                ground, base, *([found] if searching else []), _names(rows, window, where, searching),
                *step_marks(layout.bands, window, x, y), *_heads(layout, sides, y),
            ]
        ),
        layout.height,
    )  # fmt: skip


#: A bin's name is that of its longest slice; what a mark does not have, Vega leaves empty.
_TOOLTIP = [
    alt.Tooltip("name:N", title="name"),
    alt.Tooltip("label:N", title="lane"),
    alt.Tooltip("stands for:N", title="mark"),
    alt.Tooltip("begins_ms:Q", title="start (ms)", format=",.4f"),
    alt.Tooltip("length_ms:Q", title="length in view (ms)", format=",.4f"),
    alt.Tooltip("busy:Q", title="busy", format=".1%"),
    alt.Tooltip("colour:N", title="class"),
    alt.Tooltip("layer:N", title="layer"),
    alt.Tooltip("step:N", title="step"),
]


def drawn(strips: Sequence[Strip]) -> pl.DataFrame:
    """All marks: `mark` (text that means the same slice or bin in every view), `side`, `zero_ns` and the columns of each strip's marks.

    Calls that lie too deep to be drawn are left out.
    """
    bounds = pl.when("aggregated").then(pl.format(" {} {} {}", "depth", "start_ns", "end_ns")).otherwise(pl.lit(""))
    parts = [
        strip.marks.filter(pl.col("depth") < DEEPEST).select(
            pl.format("{} {}{}", pl.lit(strip.side), "row", bounds).alias(MARK), pl.lit(strip.side).alias("side"),
            pl.lit(strip.zero_ns).alias("zero_ns"), pl.all(),
        )
        for strip in strips
    ]  # fmt: skip
    return pl.concat(parts)


def _layout(strips: Sequence[Strip]) -> _Layout:
    lanes, labels, bands, heads, top = [], [], [], [], 0
    for strip in strips:
        if len(strips) > 1:
            top += _GAP if top else 0
            heads.append((strip.side, top))
            top += _HEAD
        numbers = top
        top += _HEAD if strip.steps else 0
        for number, label in enumerate(strip.lanes):
            own = strip.marks.filter(pl.col("lane") == number)
            rows = min(int(own.select(pl.col("depth").max().fill_null(0) + 1).item()), DEEPEST)
            # Alone, a row of bins has the room to show how high each stands.
            first = _BINS if own.filter(pl.col("depth") == 0)["aggregated"].any() else _ROW
            height = first + (rows - 1) * _ROW
            lines = [label, *_notes(own, strip.slices[number], strip.levels[number], rows)]
            lanes.append((strip.side, number, label, top, top + height, first))
            labels.append((top + height // 2 - (len(lines) - 1) * _LINE // 2, lines))
            top += height + _GAP
        bands.append(Band(steps=strip.steps, zero_ns=strip.zero_ns, top=numbers, bottom=top - _GAP))
    schema = {"side": pl.String, "lane": pl.Int32, "label": pl.String, "top": pl.Int32, "bottom": pl.Int32, "first": pl.Int32}
    return _Layout(lanes=pl.DataFrame(lanes, schema=schema, orient="row"), labels=labels, bands=bands, heads=heads, height=max(top, _ROW))


def _notes(own: pl.DataFrame, slices: int, levels: int, rows: int) -> list[str]:
    """What a lane's marks do not show by themselves."""
    deep = len(own.filter(pl.col("depth") >= DEEPEST))
    if deep:
        return [f"{deep:,} deeper ones not drawn"]
    if len(own) == slices and not own["aggregated"].any():
        return []
    return [f"aggregated, {slices:,} slices", *([f"the outer {rows} of {levels} levels"] if rows < levels else [])]


def _placed(rows: pl.DataFrame, layout: _Layout, window: Window) -> pl.DataFrame:
    """What the chart's data holds: the marks in milliseconds and pixels."""
    binned, thinnest = pl.col("aggregated"), window.length_ns * _THINNEST / 1e6
    length_ns = pl.max_horizontal(pl.col("end_ns") - pl.col("start_ns"), 1)
    busy = pl.col("busy_ns") / length_ns
    begins = (pl.col("start_ns") - pl.col("zero_ns")) / 1e6
    length = (pl.col("end_ns") - pl.col("start_ns")) / 1e6
    inner = pl.col("depth") > 0
    upper = pl.col("top") + pl.when(inner).then(pl.col("first") + (pl.col("depth") - 1) * _ROW + 1).otherwise(1)
    tall = pl.when(inner | ~binned).then(_SLICE).otherwise(_BINS - 1)
    lower = upper + tall
    kinds = pl.col("kind").replace_strict(_KINDS, default="other events")
    return rows.join(layout.lanes, on=["side", "lane"], maintain_order="left").select(
        MARK, "name", "label", pl.col("layer", "step").cast(pl.String).fill_null("—"),
        begins.alias("from"), (begins + pl.max_horizontal(length, thinnest)).alias("to"),
        begins.alias("begins_ms"), length.alias("length_ms"), busy.alias("busy"), binned.alias("binned"),
        pl.when(binned).then(lower - busy * tall).otherwise(upper).alias("y"), lower.cast(pl.Float64).alias("y2"),
        pl.when(binned).then(tall * pl.col("matched_ns") / length_ns).when(pl.col("matched_ns") > 0).then(tall).otherwise(0)
          .cast(pl.Float64).alias("matched_px"),
        pl.when(binned).then(pl.when(pl.col("matched_ns") > 0).then(pl.format("{} slices, the longest that matches named", "count"))
          .otherwise(pl.format("{} slices, the longest named", "count"))).otherwise(pl.lit("slice")).alias("stands for"),
        pl.coalesce("op_class", kinds).alias("colour"),
    )  # fmt: skip


def _matching(rows: pl.DataFrame) -> pl.DataFrame:
    """The part of each mark that matches the search."""
    return rows.filter(pl.col("matched_px") > 0).with_columns((pl.col("y2") - pl.col("matched_px")).alias("y"))


def _grounds(layout: _Layout, window: Window) -> pl.DataFrame:
    """A pale track behind every lane, so that idle time is something to see."""
    return layout.lanes.select(
        pl.lit(window.start_ns / 1e6).alias("from"), pl.lit(window.end_ns / 1e6).alias("to"), pl.col("top").alias("y"), pl.col("bottom").alias("y2")
    )


def _names(rows: pl.DataFrame, window: Window, where: dict[str, alt.X], searching: bool) -> alt.Chart:
    """Names in the slices that have the room; each is cut off at its slice's width."""
    wide = rows.filter(~pl.col("binned") & (pl.col("length_ms") > window.length_ns / 1e6 * _NAMED_FROM))
    if searching:
        wide = wide.filter(pl.col("matched_px") > 0)
    room = {"expr": "scale('x', datum.to) - scale('x', datum.from) - 6"}
    text = alt.Chart(wide.top_k(_MOST_NAMES, by="length_ms")).mark_text(
        align="left", baseline="top", dx=3, dy=2, fontSize=10, color="white", limit=room
    )
    return text.encode(x=where["x"], y=where["y"], text="name:N")


def _heads(layout: _Layout, sides: Sides, y: dict[str, alt.Y]) -> list[alt.Chart]:
    """The names of the two recordings above their lanes, each in its colour."""
    return [
        alt.Chart(pl.DataFrame({"y": [top], "name": [sides.name(side)]}))
        .mark_text(align="left", baseline="top", fontSize=12, fontWeight="bold", color=sides.colour(side))
        .encode(x=alt.value(0), y=alt.Y("y:Q", **y), text="name:N")
        for side, top in layout.heads
    ]


def _scale(found: Sequence[str]) -> alt.Scale:
    """Classes first, in the order of the palette, then kinds."""
    colours = {**OP_CLASS_COLOURS, **KIND_COLOURS}
    names = [name for name in colours if name in found] + [name for name in found if name not in colours]
    return alt.Scale(domain=names, range=[colours.get(name, NEUTRAL) for name in names])
