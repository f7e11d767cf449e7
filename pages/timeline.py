"""Timeline: what happened when, and where is it idle?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.analysis.timeline import LANE_MARKS, marks, overview, with_names
from core.analysis.timeline_index import Index, Lane
from core.charts.minimap import Whole, minimap
from core.charts.palette import Sides
from core.charts.picking import with_picked
from core.charts.timeline import MARK, PICKED, Strip, drawn, timeline
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.linked import keep, linked, picked_in
from pages._parts.opened import Opened, choose_opened, opened_sides, show_notes
from pages._parts.perfetto import show_perfetto
from pages._parts.timeline_lanes import LANES, choose_highlight, choose_kinds, choose_lanes, indexes_of
from pages._parts.timeline_slices import marks_table, show_lanes, show_picked
from pages._parts.timeline_window import View, choose_window, minimap_key, others_chosen, remember_address, shifted

#: Bins of the minimap, each the corner of four areas at most.
_MINIMAP_BINS = 120


def main() -> None:
    st.title("Timeline", anchor=False)
    opened = choose_opened()
    names = opened_sides(opened)
    digests = [one.digest for one in opened]
    anew = others_chosen(digests, [LANES, PICKED])
    if anew:
        keep(PICKED, [])
    window_row = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        indexes = indexes_of(opened, choose_kinds())
        matching = choose_highlight(indexes)
    lanes = choose_lanes(opened, indexes, anew=anew)
    with window_row:
        view = choose_window(indexes, [one.trace.facts.steps for one in opened])
    _show_minimap(opened, indexes, names, view)
    if not any(lanes):
        st.info("Choose a stream or a thread above to see what ran on it.", title="No lane is chosen", icon=":material/view_timeline:")
        remember_address(digests, [LANES, PICKED])
        return
    strips = _strips(opened, lanes, view, matching)
    table = marks_table(strips, {"a": names.a, "b": names.b})
    # A mark is a row of its recording: what is picked means nothing in another one.
    picking = linked(PICKED, f"timeline_marks_{'_'.join(digest[:12] for digest in digests)}", drawn(strips)[MARK].to_list())
    chart = timeline(strips, names, view.window, zero=view.zero, searching=matching is not None)
    event = chart_with_table(
        with_picked(chart, PICKED, MARK, picking.begun), table, alt=_words(opened, lanes, view), download_name="timeline-marks",
        key=picking.key, on_select="rerun",
    )  # fmt: skip
    picked = picking.follow(event, picked_in(event, PICKED, MARK))
    remember_address(digests, [LANES, PICKED])
    show_notes(opened)
    show_picked(opened, lanes, strips, view, picked)
    show_lanes(opened, lanes, view, matching)
    show_perfetto(opened)


def _show_minimap(opened: Sequence[Opened], indexes: Sequence[Index], names: Sides, view: View) -> None:
    whole = [
        Whole(side=one.side, shares=overview(index, shifted(view.whole, zero_ns), _MINIMAP_BINS), steps=one.trace.facts.steps, zero_ns=zero_ns)
        for one, index, zero_ns in zip(opened, indexes, view.zeros_ns, strict=True)
    ]
    st.altair_chart(
        minimap(whole, names, view.window, view.whole), width="stretch", key=minimap_key(), on_select="rerun",
        alt=f"How busy devices and host were over {formats.ms(view.whole.length_ns / 1e6)}. Drag over it to choose a window.",
    )  # fmt: skip


def _strips(
    opened: Sequence[Opened], lanes: Sequence[Sequence[Lane]], view: View, matching: Sequence[NDArray[np.bool_]] | None
) -> list[Strip]:
    # What matches is drawn over its mark, so that there is room for half as many.
    limit = LANE_MARKS // len(opened) // (1 if matching is None else 2)
    return [
        Strip(
            side=one.side, lanes=[lane.label for lane in own], slices=[lane.count(view.own(number)) for lane in own],
            levels=[lane.levels_in(view.own(number)) for lane in own],
            marks=with_names(
                marks(own, view.own(number), limit=limit, matching=None if matching is None else matching[number]), one.trace.events
            ),
            steps=one.trace.facts.steps, zero_ns=view.zeros_ns[number],
        )
        for number, (one, own) in enumerate(zip(opened, lanes, strict=True))
    ]  # fmt: skip


def _words(opened: Sequence[Opened], lanes: Sequence[Sequence[Lane]], view: View) -> str:
    count = sum(len(own) for own in lanes)
    what = " above ".join(one.label for one in opened)
    return f"{count} lanes of {what} over {formats.ms(view.window.length_ns / 1e6)}, from {view.window.start_ns / 1e6:.3f} ms since {view.zero}."


main()
