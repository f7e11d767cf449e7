"""What stands under the Timeline in numbers: each lane in the window, and the slices of the mark that was clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import streamlit as st
from numpy.typing import NDArray

from core.analysis.timeline import lane_table, slice_table
from core.analysis.timeline_index import Lane, Window
from core.charts.timeline import MARK, Strip, drawn
from pages._parts import formats
from pages._parts.charts import downloads
from pages._parts.opened import Opened
from pages._parts.timeline_window import View

#: Of a bin with more slices than this, the longest are listed.
MOST_SLICES = 1000
_MS = "%.4f"


def marks_table(strips: Sequence[Strip], names: Mapping[str, str]) -> pl.DataFrame:
    """The marks of the chart as a table: times in ms after zero, of a bin the share that is busy and its longest slice's name."""
    lanes = [(strip.side, number, label) for strip in strips for number, label in enumerate(strip.lanes)]
    labels = pl.DataFrame(lanes, schema={"side": pl.String, "lane": pl.Int32, "label": pl.String}, orient="row")
    return drawn(strips).join(labels, on=["side", "lane"], maintain_order="left").select(
        pl.col("side").replace_strict(names, return_dtype=pl.String).alias("recording"),
        pl.col("label").alias("lane"),
        pl.when("aggregated").then(pl.lit("bin")).otherwise(pl.lit("slice")).alias("mark"),
        ((pl.col("start_ns") - pl.col("zero_ns")) / 1e6).alias("start_ms"),
        ((pl.col("end_ns") - pl.col("start_ns")) / 1e6).alias("length_ms"),
        (pl.col("busy_ns") / 1e6).alias("busy_ms"),
        pl.col("count").alias("slices"),
        "depth", "name", "kind", "op_class", "layer", "phase", "step",
    )  # fmt: skip


def show_lanes(opened: Sequence[Opened], lanes: Sequence[Sequence[Lane]], view: View, matching: Sequence[NDArray[np.bool_]] | None) -> None:
    """How busy each lane was in the window, and where it rested longest; with a search, what matches."""
    parts = [
        lane_table(own, view.own(number), None if matching is None else matching[number]).select(
            pl.lit(one.label).alias("recording"), pl.all(),
            ((pl.col("longest_idle_at_ns") - view.zeros_ns[number]) / 1e6).alias("longest_idle_at_ms"),
        )
        for number, (one, own) in enumerate(zip(opened, lanes, strict=True))
    ]  # fmt: skip
    table = pl.concat(parts)
    if matching is not None:
        count, covered_ns = table.select(pl.col("matched", "matched_ns").sum()).row(0)
        word = "slice" if count == 1 else "slices"
        st.markdown(f"**{count:,} {word} of these lanes match in this window, {formats.ms(covered_ns / 1e6)}** lane by lane added up")
    found = [] if matching is None else [pl.col("matched"), (pl.col("matched_ns") / 1e6).alias("matched_ms")]
    shown = table.select(
        *(["recording"] if len(opened) > 1 else []), "lane", "slices", (pl.col("busy_ns") / view.window.length_ns).alias("busy"),
        *((pl.col(f"{name}_ns") / 1e6).alias(f"{name}_ms") for name in ("busy", "idle", "longest_idle")), "longest_idle_at_ms", *found,
    )  # fmt: skip
    st.markdown("**Lane by lane in this window**")
    number = st.column_config.NumberColumn
    st.dataframe(
        shown, hide_index=True, height=min(380, 40 + 35 * max(1, len(shown))),
        column_config={
            "slices": number(format="localized"),
            "busy": st.column_config.ProgressColumn("busy", format="percent", min_value=0, max_value=1),
            "busy_ms": number("busy (ms)", format=_MS),
            "idle_ms": number("idle (ms)", format=_MS),
            "longest_idle_ms": number("longest idle (ms)", format=_MS),
            "longest_idle_at_ms": number("which begins at (ms)", format=_MS),
            "matched_ms": number("matching (ms)", format=_MS),
            "matched": number("matching slices", format="localized"),
        },
    )  # fmt: skip
    downloads(shown, "timeline-lanes")


def show_picked(opened: Sequence[Opened], lanes: Sequence[Sequence[Lane]], strips: Sequence[Strip], view: View, picked: Sequence[str]) -> None:
    """The slices of the marks that are picked in the chart, in full."""
    marks = drawn(strips).filter(pl.col(MARK).is_in(list(picked)))
    if marks.is_empty():
        st.caption("Click a slice to see what it is, or a bin to list what is in it.")
        return
    sides = [strip.side for strip in strips]
    parts, total = [], 0
    for mark in marks.iter_rows(named=True):
        number = sides.index(mark["side"])
        lane, places = marked_slices(mark, lanes[number][mark["lane"]])
        total += mark["count"]
        table = slice_table(lane, places, opened[number].trace.events)
        parts.append(table.select(pl.lit(opened[number].label).alias("recording"), pl.all(), pl.lit(view.zeros_ns[number]).alias("zero_ns")))
    found = pl.concat(parts)
    rest = f", the longest {len(found):,} listed" if len(found) < total else ""
    st.markdown(f"**{total:,} {'slice' if total == 1 else 'slices'} picked**{rest}")
    shown = found.select(
        *(["recording"] if len(opened) > 1 else []), "name", ((pl.col("start_ns") - pl.col("zero_ns")) / 1e6).alias("start_ms"),
        (pl.col("duration_ns") / 1e6).alias("duration_ms"), "lane", "kind", "operator", "layer", "phase", "op_class", "input_shapes", "step",
    )  # fmt: skip
    columns: dict[str, Any] = {
        "start_ms": st.column_config.NumberColumn("start (ms)", format=_MS),
        "duration_ms": st.column_config.NumberColumn("duration (ms)", format=_MS),
        "op_class": "class",
        "input_shapes": "input shapes",
    }
    st.dataframe(shown, hide_index=True, height=min(420, 40 + 35 * max(1, len(shown))), column_config=columns)
    downloads(shown, "timeline-slices")


def marked_slices(mark: Mapping[str, Any], lane: Lane) -> tuple[Lane, NDArray[np.int64]]:
    """What a mark of a lane stands for, as places in the lane or in one of its levels.

    It is its own slice; of a bin those that touch it, the longest first; in the first row slices of every depth, further in those of
    its level.
    """
    window = Window(start_ns=mark["start_ns"], end_ns=max(mark["end_ns"], mark["start_ns"] + 1))
    if not mark["aggregated"]:
        places = lane.touching(window)
        return lane, places[lane.rows[places] == mark["row"]]
    level = lane.inner[mark["depth"] - 1] if mark["depth"] else lane
    places = level.touching(window)
    return level, places[np.argsort(level.start_ns[places] - level.end_ns[places], kind="stable")[:MOST_SLICES]]
