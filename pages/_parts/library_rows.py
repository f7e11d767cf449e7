"""The comparisons of the library, and what can be done with the chosen one."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.model.comparison import VERDICT_LABELS
from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.library_bundle import bundle_button, show_origin
from pages._parts.places import link
from pages._parts.states import state_badge
from pages._parts.stored import PARAMETER, bytes_on_disk, comparison_label, forget, store

#: Counts deletions: a new key for the table, so that its selected row does not slip to a neighbour.
GENERATION = "library_generation"
_PROBLEM = "deletion_problem"


def library_table(comparisons: list[StoredComparison]) -> pl.DataFrame:
    """One row per comparison, in the order given; an unreadable one has its problem in the column `verdict`."""
    rows = []
    for one in comparisons:
        spec, result = one.spec, one.result
        when = formats.local_time(spec.created) if spec else None
        rows.append({
            "when": when.replace(tzinfo=None) if when else None,
            "workload": spec.workload_name if spec else None,
            "a": spec.a.label if spec else None,
            "b": spec.b.label if spec else None,
            "verdict": VERDICT_LABELS[result.verdict] if result and one.state == "finished" else one.problem,
            "ratio": result.ratio if result and result.verdict != "not_comparable" else None,
            "state": one.state,
            "preset": spec.preset.name if spec else None,
            "mib": bytes_on_disk(one) / 2**20,
            "origin": origin.name if (origin := one.origin) else None,
            "id": one.id,
        })  # fmt: skip
    schema = {"when": pl.Datetime, "workload": pl.String, "a": pl.String, "b": pl.String, "verdict": pl.String, "ratio": pl.Float64,
              "state": pl.String, "preset": pl.String, "mib": pl.Float64, "origin": pl.String, "id": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def show_comparisons(comparisons: list[StoredComparison]) -> None:
    """The table; the row that is selected in it opens on every page and can be deleted."""
    table = library_table(comparisons)
    asked = st.query_params.get(PARAMETER)
    preset = [index for index, one in enumerate(comparisons) if one.id == asked]
    to = "open" if is_hosted() else "open or delete"
    st.caption(f"{len(comparisons)} stored, {formats.size(sum(table['mib']) * 2**20)} on disk. Select a row to {to} it.")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    event = st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        height="content" if len(table) < 15 else 560,
        key=f"library_{st.session_state.get(GENERATION, 0)}_{len(comparisons)}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": preset}},
        column_config={
            "when": st.column_config.DatetimeColumn("when", format="D MMM YYYY, HH:mm"),
            "a": text("A", width="medium"),
            "b": text("B", width="medium"),
            "ratio": number("B ÷ A", format="%.3f", help="Step time of B over step time of A; above 1, A is faster"),
            "mib": number("on disk", format="%.1f MiB"),
            "origin": text("imported from") if table["origin"].count() else None,
        },
    )
    rows = [index for index in event["selection"]["rows"] if index < len(comparisons)]
    if rows:
        st.query_params[PARAMETER] = comparisons[rows[0]].id
        show_chosen(comparisons[rows[0]])
    else:
        st.query_params.pop(PARAMETER, None)


def show_chosen(one: StoredComparison) -> None:
    """Links to every view of a comparison, its bundle, and its deletion."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formats.plain(comparison_label(one, with_state=False))}**", width="content")
            state_badge(one.state)
        if one.problem:
            st.error(formats.plain(one.problem), title="It cannot be read", icon=":material/broken_image:")
        show_origin(one)
        with st.container(horizontal=True, vertical_alignment="center"):
            if one.state in ("queued", "running"):
                link("run", "Watch it live", comparison=one.id)
            elif one.spec is not None:
                link("overview", "Overview", comparison=one.id)
                link("compare", "Compare", comparison=one.id)
                link("kernels", "Kernels", comparison=one.id)
                link("run", "Run it again", icon=":material/replay:", like=one.id)
            bundle_button(one)
            why = None if one.ended else "Cancel it on the Run page first"
            if not is_hosted() and st.button("Delete", icon=":material/delete:", disabled=not one.ended, help=why, key="delete"):
                confirm_delete(one)


@st.dialog("Delete this comparison?", icon=":material/delete:")
def confirm_delete(one: StoredComparison) -> None:
    """Asks once; runs, logs and profiles go with it."""
    st.markdown(formats.plain(comparison_label(one)))
    st.caption(f"{formats.size(bytes_on_disk(one))} with all its runs, logs and profiles. This cannot be undone.")
    if st.button(
        "Delete for good", type="primary", icon=":material/delete_forever:", key="delete_for_good", on_click=_delete, args=(one.id,)
    ):
        st.rerun()


def _delete(id: str) -> None:
    try:
        store().delete(id)
    except ShowdownError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    forget(id)
    st.session_state[GENERATION] = st.session_state.get(GENERATION, 0) + 1
    st.query_params.pop(PARAMETER, None)


def show_problem() -> None:
    """Why the last deletion did not happen, if it did not; once."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(formats.plain(problem), title="It was not deleted", icon=":material/error:")
