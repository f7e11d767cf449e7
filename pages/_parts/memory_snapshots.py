"""Which memory snapshots the page shows, one or two of the library, kept in the address; and whether it shows snapshots at all."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.traces.library import Entry
from core.traces.schema import TraceError
from core.traces.snapshot_schema import Snapshot
from pages._parts import formats
from pages._parts.memory_held import read_kept
from pages._parts.opened import AGAINST, COMPARISON, TRACE, any_recording
from pages._parts.places import link

SNAPSHOT = "snapshot"
RECORDINGS, SNAPSHOTS = "profiler recordings", "memory snapshots"
_KIND, _PICKER, _AGAINST, _REMEMBERED = "memory_kind", "memory_snapshot", "memory_snapshot_against", "remembered_snapshot"


def stack_parameter(side: str) -> str:
    """Query parameter of the stack that is read of a side's snapshot; a stack's number means nothing in another snapshot."""
    return f"stack_{side}"


def choose_kind(entries: Sequence[Entry]) -> bool:
    """Whether to show snapshots: as the address says; a control where there are both."""
    if not entries:
        return SNAPSHOT in st.query_params
    if not any_recording():
        return not {TRACE, COMPARISON} & set(st.query_params)
    st.session_state[_KIND] = SNAPSHOTS if SNAPSHOT in st.query_params else RECORDINGS
    st.segmented_control("Recorded by", [RECORDINGS, SNAPSHOTS], key=_KIND, required=True, label_visibility="collapsed",
                         on_change=lambda: _show(st.session_state[_KIND] == SNAPSHOTS, entries))  # fmt: skip
    return SNAPSHOT in st.query_params


def _show(snapshots: bool, entries: Sequence[Entry]) -> None:
    for name in (SNAPSHOT, TRACE, COMPARISON, AGAINST, stack_parameter("a"), stack_parameter("b")):
        st.query_params.pop(name, None)
    if snapshots:
        st.query_params[SNAPSHOT] = _remembered(entries)


def _remembered(entries: Sequence[Entry]) -> str:
    remembered = st.session_state.get(_REMEMBERED)
    return remembered if remembered in [entry.digest for entry in entries] else entries[0].digest


def choose_snapshots(entries: Sequence[Entry]) -> list[tuple[Entry, Snapshot]]:
    """Draw the pickers and read what they show: one snapshot, or two. Stops the page where one is not here or cannot be read."""
    by_digest = {entry.digest: entry for entry in entries}
    asked = st.query_params.get(SNAPSHOT)
    if asked is not None and asked not in by_digest:
        st.error("There is no snapshot of this name here; it was deleted, or it was opened on another machine.",
                 title="This snapshot is not here", icon=":material/link_off:")  # fmt: skip
        if entries:
            if st.button("Show the newest one", icon=":material/undo:"):
                _pick(entries[0].digest)
                st.rerun()
        else:
            link("library", "Open a snapshot in the Library")
        st.stop()
    with st.container(horizontal=True):
        chosen = _first(by_digest, asked or _remembered(entries))
        if asked != chosen:
            _pick(chosen)
        second = _second({digest: entry for digest, entry in by_digest.items() if digest != chosen})
    st.session_state[_REMEMBERED] = chosen
    return [(entry, _read(entry)) for entry in (by_digest[chosen], *second)]


def _first(by_digest: dict[str, Entry], preset: str) -> str:
    labels = _labels(by_digest)
    st.session_state[_PICKER] = preset
    chosen: str = st.selectbox(
        "Snapshot", list(by_digest), format_func=lambda digest: labels[digest], key=_PICKER,
        on_change=lambda: _pick(st.session_state[_PICKER]),
    )  # fmt: skip
    return chosen


def _second(others: dict[str, Entry]) -> list[Entry]:
    if not others:
        return []
    asked = st.query_params.get(AGAINST)
    if asked is not None and asked not in others:
        del st.query_params[AGAINST]
    st.session_state[_AGAINST] = asked if asked in others else ""
    labels = _labels(others)
    chosen: str = st.selectbox(
        "Compare with", ["", *others], format_func=lambda digest: labels[digest] if digest else "nothing: this one alone", key=_AGAINST,
        on_change=lambda: _against(st.session_state[_AGAINST]),
    )  # fmt: skip
    return [others[chosen]] if chosen else []


def _labels(by_digest: dict[str, Entry]) -> dict[str, str]:
    return formats.distinct({digest: f"{entry.name} · {formats.size(entry.size_bytes)}" for digest, entry in by_digest.items()})


def _pick(digest: str) -> None:
    for name in (AGAINST, stack_parameter("a"), stack_parameter("b")):
        st.query_params.pop(name, None)
    st.query_params[SNAPSHOT] = digest


def _against(digest: str) -> None:
    st.query_params.pop(stack_parameter("b"), None)
    if digest:
        st.query_params[AGAINST] = digest
    else:
        st.query_params.pop(AGAINST, None)


def _read(entry: Entry) -> Snapshot:
    try:
        return read_kept(entry.digest)
    except TraceError as error:
        st.error(formats.plain(str(error)), title="This snapshot cannot be read", icon=":material/broken_image:")
        link("library", "To the Library")
        st.stop()


def show_snapshot_notes(side: str, snapshot: Snapshot) -> None:
    """What a reader has to know before believing anything."""
    skipped = [
        f"{count:,} × {reason}"
        for reason, count in {**snapshot.facts.coverage.events_skipped, **snapshot.facts.parts_skipped}.items()
    ]
    notes = [*snapshot.facts.notes, *([f"Left out: {', '.join(skipped)}."] if skipped else [])]
    if notes:
        lines = "\n".join(f"- {formats.plain(note)}" for note in notes)
        st.warning(lines, title=f"What is not in snapshot {side.upper()}", icon=":material/content_cut:")
