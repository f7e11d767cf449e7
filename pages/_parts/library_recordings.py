"""The traces and snapshots of the library: what each holds, how much of it was understood, and where it opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import streamlit as st

from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.traces.library import Entry, TraceLibrary
from core.traces.schema import HOST, Facts
from pages._parts import formats
from pages._parts.library_add import BROUGHT
from pages._parts.opened import AGAINST, TRACE, library
from pages._parts.places import link
from pages._parts.visitor import visitor

SNAPSHOT = "snapshot"
_GENERATION = "recordings_generation"
_PROBLEM = "recording_deletion_problem"
_SCHEMA = {
    "name": pl.String, "kind": pl.String, "framework": pl.String, "devices": pl.String, "steps": pl.Int64, "events": pl.Int64, "rank": pl.String,
    "folder": pl.String, "read_percent": pl.Float64, "linked_percent": pl.Float64, "mib": pl.Float64, "when": pl.Datetime,
}  # fmt: skip


def recordings_table(entries: Sequence[Entry], facts: dict[str, Facts | None]) -> pl.DataFrame:
    """One row per entry, in the order given; of a snapshot only what its file says."""
    ranks = pl.Series(
        [entry.group for entry in entries if entry.group is not None and entry.kind == TRACE], dtype=pl.String
    ).value_counts()
    sizes = dict(ranks.iter_rows())
    rows = [_row(entry, facts.get(entry.digest), sizes.get(entry.group or "", 1)) for entry in entries]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _row(entry: Entry, facts: Facts | None, together: int) -> tuple[object, ...]:
    when = formats.local_time(entry.added)
    coverage = facts.coverage if facts else None
    return (
        entry.name,
        entry.kind if entry.kind == SNAPSHOT else facts.source if facts else entry.kind,
        formats.framework(facts.framework) if facts else None,
        _devices(facts) if facts else None,
        len(facts.steps) if facts else None,
        coverage.events_found if coverage else None,
        _rank(facts, together) if facts else None,
        f"{Path(entry.group).name} ({together})" if entry.group else None,
        100 * coverage.events_read / max(coverage.events_found, 1) if coverage else None,
        100 * coverage.device_events_linked / coverage.device_events if coverage and coverage.device_events else None,
        entry.size_bytes / 2**20,
        when.replace(tzinfo=None) if when else None,
    )


def _devices(facts: Facts) -> str:
    """`8 x AMD Instinct MI300X`; the CPU is named where nothing else is."""
    names = [device.name or device.label for device in facts.devices if device.label != HOST]
    if not names:
        return "CPU"
    return ", ".join(f"{names.count(name)} x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names))


def _rank(facts: Facts, together: int) -> str | None:
    if facts.rank is None:
        return None
    return f"{facts.rank} of {facts.world_size}" if facts.world_size else f"{facts.rank} of {together}"


def show_recordings(here: TraceLibrary, entries: Sequence[Entry]) -> None:
    """The table; what is selected in it opens on every page, two of them next to each other, and can be deleted."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(formats.plain(problem), title="It was not deleted", icon=":material/error:")
    entries = in_runs(entries)
    # What was brought just now, else what the address names; what was selected first stays side A.
    asked = st.session_state.pop(BROUGHT, None) or [st.query_params.get(name) for name in (TRACE, SNAPSHOT, AGAINST)]
    preset = [row for row, entry in enumerate(entries) if entry.digest in asked]
    table = recordings_table(entries, {entry.digest: here.facts(entry.digest) for entry in entries})
    total = sum(entry.size_bytes for entry in entries)
    to = "open it" if is_hosted() else "open or delete it"
    count = "1 recording" if len(entries) == 1 else f"{len(entries)} recordings"
    st.caption(f"{count}, {formats.size(total)} of files. Select one to {to}, two to compare them.")
    number = st.column_config.NumberColumn
    event = st.dataframe(
        table, hide_index=True, placeholder="", height="content" if len(table) < 12 else 440, on_select="rerun", selection_mode="multi-row",
        key=f"recordings_{st.session_state.get(_GENERATION, 0)}_{len(entries)}", selection_default={"selection": {"rows": preset}},
        column_config={
            "name": st.column_config.TextColumn(width="medium"),
            "steps": number(format="localized"), "events": number(format="localized"),
            "folder": st.column_config.TextColumn("folder", help="Traces that were opened with one folder are taken for ranks of one run."),
            "read_percent": number("events read", format="%.1f %%", help="The rest are flow arrows and metadata; the Kernels page says which."),
            "linked_percent": number("kernels linked", format="%.1f %%", help="Device events whose launching operator is known."),
            "mib": number("size", format="%.1f MiB"),
            "when": st.column_config.DatetimeColumn("brought", format="D MMM YYYY, HH:mm"),
        },
    )  # fmt: skip
    chosen = [entries[row] for row in event["selection"]["rows"] if row < len(entries)]
    chosen.sort(key=lambda entry: asked.index(entry.digest) if entry.digest in asked else len(asked))
    _keep_in_address(chosen)
    if chosen:
        _show_chosen(here, chosen)


def in_runs(entries: Sequence[Entry]) -> list[Entry]:
    """Newest first, but what was opened with one folder stays together, by name."""
    newest: dict[str, str] = {}
    for entry in entries:
        key = entry.group or entry.digest
        newest[key] = max(newest.get(key, ""), entry.added)
    by_name = sorted(entries, key=lambda entry: entry.name)
    return sorted(by_name, key=lambda entry: (newest[entry.group or entry.digest], entry.group or entry.digest), reverse=True)


def _keep_in_address(chosen: Sequence[Entry]) -> None:
    for name in (TRACE, SNAPSHOT, AGAINST):
        st.query_params.pop(name, None)
    for name, entry in zip((TRACE if chosen and chosen[0].kind == TRACE else SNAPSHOT, AGAINST), chosen[:2], strict=False):
        st.query_params[name] = entry.digest


def _show_chosen(here: TraceLibrary, chosen: Sequence[Entry]) -> None:
    with st.container(border=True):
        names = " · ".join(formats.plain(entry.name) for entry in chosen[:2])
        st.markdown(f"**{names}**" + (f" and {len(chosen) - 2} more" if len(chosen) > 2 else ""))
        with st.container(horizontal=True, vertical_alignment="center"):
            _links(here, chosen)
            words = "Delete" if len(chosen) == 1 else f"Delete these {len(chosen)}"
            if all(here.owns(entry.digest) for entry in chosen) and st.button(words, icon=":material/delete:", key="delete_recordings"):
                confirm_delete([entry.digest for entry in chosen], [entry.name for entry in chosen])


def _links(here: TraceLibrary, chosen: Sequence[Entry]) -> None:
    """Two recordings open next to each other if they are of one kind."""
    kinds = {entry.kind for entry in chosen}
    if len(chosen) > 2 or len(kinds) > 1:
        st.caption("One, or two of one kind, can be opened.", width="content")
        return
    against = chosen[1].digest if len(chosen) == 2 else None
    if kinds == {SNAPSHOT}:
        link("memory", "Memory", snapshot=chosen[0].digest, against=against)
        return
    for name, label in (("kernels", "Kernels"), ("timeline", "Timeline"), ("memory", "Memory")):
        link(name, label, trace=chosen[0].digest, against=against)
    if len(here.ranks(chosen[0])) > 1 and against is None:
        link("kernels", "Ranks", icon=":material/lan:", trace=chosen[0].digest, view="Ranks")


@st.dialog("Delete from the library?", icon=":material/delete:")
def confirm_delete(digests: list[str], names: list[str]) -> None:
    """Asks once."""
    for name in names[:8]:
        st.markdown(formats.plain(name))
    if len(names) > 8:
        st.markdown(f"and {len(names) - 8} more")
    kept = [entry.path for digest in digests if (entry := library().get(digest)).path is not None]
    st.caption(
        "A file that was opened where it lies stays there." if kept else "The uploaded file goes with it. This cannot be undone."
    )
    if st.button(
        "Delete for good",
        type="primary",
        icon=":material/delete_forever:",
        key="delete_recordings_for_good",
        on_click=_delete,
        args=(digests,),
    ):
        st.rerun()


def _delete(digests: list[str]) -> None:
    for digest in digests:
        try:
            library().delete(digest)
            if is_hosted():
                visitor().shelf.drop(digest)
        except ShowdownError as error:
            st.session_state[_PROBLEM] = str(error)
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
    for name in (TRACE, SNAPSHOT, AGAINST):
        st.query_params.pop(name, None)
