"""How high: the figures of each recording, and its memory over time, two recordings one above the other on the same axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from core.analysis.memory import account, peak_place, reduced
from core.analysis.timeline_index import Window
from core.charts.memory_over_time import MEASURE_LABELS, MOMENT, Moment, memory_over_time
from core.charts.palette import Sides
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.memory_held import Held
from pages._parts.memory_window import View, chart_key, watch

#: Points of all curves of the page: each is an invisible mark that can be picked.
_MOST_POINTS = 1000


def show_figures(held: Sequence[Held]) -> None:
    """Peak, reserved, end and fragmentation of each recording; of the second also how they differ from the first."""
    figures = [account(one.series) for one in held]
    first = figures[0]
    for one, own in zip(held, figures, strict=True):
        if len(held) > 1:
            st.markdown(f"**{formats.plain(one.label)}**, {one.device}")
        at_least = "≥ " if one.lower_bound else ""
        step = f", step {own['peak_step']}" if own["peak_step"] is not None else ""
        values = [
            ("Peak allocated", "peak_allocated_bytes", at_least, f"At {moment(own['peak_time_ns'])}{step}."),
            ("Peak reserved", "peak_reserved_bytes", "", "What the allocator held of the device at most."),
            ("Allocated at the end", "allocated_bytes", at_least, "After the last allocation or release of the recording."),
            ("Fragmentation at the peak", "fragmentation_bytes", "", "Reserved, but not allocated, when most was allocated."),
        ]
        with st.container(horizontal=True):
            for label, name, prefix, words in values:
                st.metric(label, f"{prefix}{formats.size(own[name])}", _delta(own[name], first[name]) if own is not first else None,
                          delta_color="inverse", help=words, width="content")  # fmt: skip
            st.metric("When", f"{moment(own['peak_time_ns'])}", help=f"The first moment of the peak{step}.", width="content")
            if own["peak_step"] is not None:
                st.metric("In step", str(own["peak_step"]), width="content")
        if one.lower_bound:
            st.caption(one.lower_bound)
        if own["peak_reserved_bytes"] is None:
            st.caption(f"What was reserved of {one.device} is not recorded, so neither is fragmentation.")


def _delta(bytes: int | None, before: int | None) -> str | None:
    if bytes is None or before is None or bytes == before:
        return None
    return f"{'+' if bytes > before else '-'}{formats.size(abs(bytes - before))}"


def moment(time_ns: int | None) -> str:
    """A time since the recording began."""
    return formats.NONE if time_ns is None else f"{time_ns / 1e6:,.3f} ms"


def show_curves(held: Sequence[Held], names: Sides, view: View, measure: str) -> None:
    """Each recording over the window, with a table of what is drawn."""
    missing = [_missing(one, measure, view.window) for one in held]
    shown = [
        None if why else _points(one, measure, view.window, _MOST_POINTS // len(held))
        for one, why in zip(held, missing, strict=True)
    ]
    top = max((_top(points, measure) for points in shown if points is not None), default=0)
    for one, points, why in zip(held, shown, missing, strict=True):
        if len(held) > 1:
            st.markdown(f"**{formats.plain(one.label)}**, {one.device}")
        if points is None:
            st.info(why, icon=":material/memory_alt:")
        else:
            _show_curve(one, points, names, view, measure, top, 260 if len(held) == 1 else 190)
    st.caption("Drag over a chart to look at a stretch of it; click to see what was live at a moment.")


def _missing(one: Held, measure: str, window: Window) -> str:
    """Why there is nothing to draw of a recording; empty where there is."""
    if one.series[measure].null_count() == len(one.series):
        return f"What was reserved of {one.device} is not recorded."
    return "" if window.start_ns < one.whole.end_ns else "This recording ends before this stretch begins."


def _points(one: Held, measure: str, window: Window, at_most: int) -> pl.DataFrame:
    """The curve in the window, as far as the recording goes."""
    return reduced(one.series, window.start_ns, min(window.end_ns, one.whole.end_ns), measure=measure, at_most=at_most)


def _top(points: pl.DataFrame, measure: str) -> int:
    columns = [measure, "reserved_bytes"] if measure == "allocated_bytes" else [measure]
    highest: list[Any] = [points[name].max() or 0 for name in columns]
    return int(max(highest))


def _show_curve(one: Held, points: pl.DataFrame, names: Sides, view: View, measure: str, top: int, height: int) -> None:
    window = view.window
    highest = peak_place(one.series, window.start_ns, window.end_ns, measure=measure)
    peak = _moment(one, highest, measure, window, "peak" if measure == "allocated_bytes" else "most")
    chosen = None if view.at_ns is None else _moment(one, view.place(one), measure, window, "here")
    key = chart_key(one, measure, window)
    watch(key)
    timed = points.with_columns((pl.col("time_ns") / 1e6).alias(MOMENT))
    table = timed.select(MOMENT, "allocated_bytes", "reserved_bytes", "unused_bytes")
    chart_with_table(
        memory_over_time(
            table, measure=measure, colour=names.colour(one.side), window_ms=(window.start_ns / 1e6, window.end_ns / 1e6), top_bytes=top,
            marks=one.marks, peak=peak, moment=chosen, height=height,
        ),
        table,
        alt=f"{MEASURE_LABELS[measure]} memory of {one.device}, {one.label}, from {window.start_ns / 1e6:.3f} to {window.end_ns / 1e6:.3f} ms: "
            f"at most {formats.size(peak.bytes)}, at {peak.ms:.3f} ms.",
        download_name=f"memory-{one.side}-{one.device.replace(':', '')}", key=key, on_select="rerun",
        columns={
            MOMENT: st.column_config.NumberColumn("ms", format="%.6f"),
            **{name: st.column_config.NumberColumn(f"{word} (bytes)", format="localized") for name, word in MEASURE_LABELS.items()},
        },
    )  # fmt: skip


def _moment(one: Held, place: int, measure: str, window: Window, word: str) -> Moment:
    """A row of the series in the chart; what stood before the window stands at its start."""
    time_ns = min(max(int(one.series["time_ns"][place]), window.start_ns), window.end_ns)
    return Moment(ms=time_ns / 1e6, bytes=int(one.series[measure][place] or 0), word=word)
