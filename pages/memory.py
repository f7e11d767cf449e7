"""Memory: how high, and what held it at the peak?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.charts.palette import Sides, two_colours
from core.traces.library import Entry
from pages._parts import formats
from pages._parts.memory_curves import show_curves, show_figures
from pages._parts.memory_held import Held, ProfiledHeld, SnapshotHeld, devices_in, devices_of, profiled, snapped
from pages._parts.memory_live import show_live
from pages._parts.memory_missing import show_missing
from pages._parts.memory_rest import show_segments, show_taken
from pages._parts.memory_snapshots import choose_kind, choose_snapshots, show_snapshot_notes
from pages._parts.memory_window import choose_device, choose_measure, choose_view
from pages._parts.opened import choose_opened, library, opened_sides, show_notes


def main() -> None:
    st.title("Memory", anchor=False)
    entries = [entry for entry in library().all() if entry.kind == "snapshot"]
    if choose_kind(entries):
        _snapshots(entries)
    else:
        _recordings()


def _recordings() -> None:
    opened = choose_opened()
    show_notes(opened)
    missing = [one for one in opened if one.trace.memory.is_empty()]
    if missing:
        show_missing(missing, alone=len(missing) == len(opened))
    devices = devices_of(opened)
    if not devices:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = choose_device(devices)
        controls = st.container(horizontal=True, vertical_alignment="bottom")
    found = [(one, profiled(one, device)) for one in opened if one not in missing]
    held = [one for _, one in found if one is not None]
    for one, own in found:
        if own is None:
            others = ", ".join(devices_of([one]))
            st.info(
                f"It has memory of {others} alone.",
                title=f"{formats.plain(one.short)} has no memory of {device}",
                icon=":material/memory_alt:",
            )
    names = opened_sides(opened)
    _page(held, names, controls)
    show_taken(held, names)


def _snapshots(entries: Sequence[Entry]) -> None:
    chosen = choose_snapshots(entries)
    for (_, snapshot), side in zip(chosen, "ab", strict=False):
        show_snapshot_notes(side, snapshot)
    devices = devices_in([snapshot for _, snapshot in chosen])
    if not devices:
        st.info("It holds neither a segment nor an event: nothing was allocated on a GPU when it was taken.", title="This snapshot is empty",
                icon=":material/memory_alt:")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = choose_device(devices)
        controls = st.container(horizontal=True, vertical_alignment="bottom")
    found = [
        snapped(entry, side, f"{side.upper()} · snapshot", snapshot, device)
        for (entry, snapshot), side in zip(chosen, "ab", strict=False)
    ]
    held = [one for one in found if one is not None]
    _page(held, _snapshot_sides(held), controls)
    show_segments(held)


def _snapshot_sides(held: Sequence[SnapshotHeld]) -> Sides:
    a, b = held[0], held[-1]
    colour_a, colour_b = two_colours("pytorch", "pytorch")
    return Sides(a=a.label, b=b.label, short_a=a.short, short_b=b.short, colour_a=colour_a, colour_b=colour_b)


def _page(held: Sequence[ProfiledHeld] | Sequence[SnapshotHeld], names: Sides, controls: st.delta_generator.DeltaGenerator) -> None:
    everything: list[Held] = list(held)
    with controls:
        measure = choose_measure(reserved=any(one.series["reserved_bytes"].null_count() < len(one.series) for one in everything))
        view = choose_view(everything)
    show_figures(everything)
    show_curves(everything, names, view, measure)
    show_live(everything, names, view)


main()
