"""The newest comparisons, each with its state and a link to it."""

from __future__ import annotations

import streamlit as st

from core.model.comparison import VERDICT_LABELS
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.places import link
from pages._parts.states import STATES


def show_recent(comparisons: list[StoredComparison], count: int = 5) -> None:
    """The newest `count`, and a link to all."""
    st.subheader("Recent comparisons", anchor=False)
    for one in comparisons[:count]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = STATES[one.state][1]
            if one.spec is None:
                link("library", f"{one.id}: unreadable", icon=icon, comparison=one.id)
                continue
            target = "run" if not one.ended else "compare"
            link(target, f"{one.spec.a.label} / {one.spec.b.label}", icon=icon, comparison=one.id)
            st.caption(f"{formats.plain(one.spec.workload_name)} · {_outcome(one)} · {formats.ago(one.spec.created)}", width="content")
    link("library", f"All {len(comparisons)} in the library")


def _outcome(one: StoredComparison) -> str:
    result = one.result
    if result is None or one.state != "finished":
        return one.state
    ratio = f", B ÷ A {result.ratio:.2f}" if result.ratio and result.verdict != "not_comparable" else ""
    return VERDICT_LABELS[result.verdict] + ratio
