"""Comparisons that run or wait on this machine beside the one that is shown."""

from __future__ import annotations

import streamlit as st

from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.places import link
from pages._parts.states import state_badge
from pages._parts.stopping import show_stop_problem, stop_button
from pages._parts.stored import comparison_label, store

POLL_S = 5.0


def unfinished_comparisons() -> list[StoredComparison]:
    """Comparisons that wait or run, oldest first; finished ones are told by their file alone and not read."""
    here = store()
    candidates = [here.load(id) for id in here.ids() if not (here.folder(id) / "result.json").exists()]
    return sorted((one for one in candidates if not one.ended), key=lambda one: one.id)


@st.fragment(run_every=POLL_S)
def show_queue(shown_id: str | None) -> None:
    """Who else works or waits on this machine, in this store."""
    others = [one for one in unfinished_comparisons() if one.id != shown_id]
    if not others:
        return
    st.subheader("Others at work here", anchor=False)
    for one in others:
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(one.state)
            behind = next((event["behind"] for event in reversed(one.events()) if event["event"] == "waiting"), None)
            st.markdown(formats.plain(comparison_label(one)), width="content")
            if one.state == "queued" and behind:
                st.caption(f"waiting behind {formats.plain(str(behind))}", width="content")
            link("run", "Watch", comparison=one.id)
            stop_button(one, key=f"stop_other_{one.id}")
        show_stop_problem(one)
