"""What a page shows while nothing has been compared: the first page that anybody sees, so it needs neither frames nor charts."""

from __future__ import annotations

import streamlit as st

from core.model.comparison import PRESETS
from core.model.hosted import is_hosted
from pages._parts.places import go, link


def show_empty() -> None:
    """Nothing has been compared on this machine yet, or nothing was recorded for the demo."""
    if is_hosted():
        _show_nothing_recorded()
        return
    quick = PRESETS["quick"]
    with st.container(border=True, gap="small"):
        st.title("Which is faster here?", anchor=False)
        st.markdown(
            "Nothing has been compared on this machine yet. A first comparison trains the same small network on MNIST in "
            "**TensorFlow** and in **PyTorch**, and tells you which is faster, by how much, and how sure that is."
        )
        for step, icon in (
            ("Proves that both sides are the same model, from parameters to gradients", ":material/verified:"),
            (f"Times {quick.pairs} pairs of runs, each in its own process, in alternating order", ":material/timer:"),
            ("Measures how much this machine differs from itself, so that noise is not taken for a result", ":material/graphic_eq:"),
            ("Profiles both sides, to show which operations make the difference", ":material/stacked_bar_chart:"),
        ):
            st.markdown(f"{icon} {step}")
        st.caption(f"{quick.summary} Everything stays on this machine; you can close the page meanwhile.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Run your first comparison", type="primary", icon=":material/play_arrow:", key="first_comparison"):
                go("run")
            link("setup", "Check this machine first")


def _show_nothing_recorded() -> None:
    with st.container(border=True, gap="small"):
        st.title("Nothing was recorded here", anchor=False)
        st.markdown("This demo shows comparisons that were made elsewhere, and it has none yet. You can look at a recording of your own.")
        link("library", "Bring a recording")
