"""Kernels: what costs most, and how do the two sides pair up?"""

from __future__ import annotations

import streamlit as st

from pages._parts.kernel_account import show_coverage
from pages._parts.kernel_sections import sections
from pages._parts.kernel_work import View
from pages._parts.opened import choose_opened, opened_sides, show_notes

st.title("Kernels", anchor=False)
opened = choose_opened()
it = View(opened=tuple(opened), sides=opened_sides(opened))
show_notes(opened)
show_coverage(it)
offered = sections(it)
tabs = st.tabs(list(offered), key="view", on_change="rerun", bind="query-params")
for tab, show in zip(tabs, offered.values(), strict=True):
    if tab.open:  # only the open one is computed
        with tab:
            show(it)
