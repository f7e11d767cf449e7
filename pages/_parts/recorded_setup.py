"""The Setup page of the hosted demo: the machine that was recorded, as a comparison found it; this one is not looked at."""

from __future__ import annotations

import streamlit as st

from pages._parts import formats
from pages._parts.compare_sections import show_machine, shown
from pages._parts.empty import show_empty
from pages._parts.hosted import show_command, shown_comparison
from pages._parts.places import link


def show_recorded_setup() -> None:
    """Of the comparison that the address names, else of the newest."""
    one = shown_comparison()
    if one is None or one.result is None or one.spec is None:
        show_empty()
        return
    st.title("Setup", anchor=False)
    st.markdown(
        "Can a machine run both, and can its numbers be trusted? This is the one that everything here was recorded on, as it was "
        f"{formats.moment(one.spec.created)}."
    )
    link("compare", "The comparison that was made then", comparison=one.id)
    show_machine(shown(one))
    st.subheader("And yours?", anchor=False)
    show_command("python -m core doctor", does="looks at it, and says what stands in the way")
