"""Compare: which is faster, by how much, how sure?"""

import streamlit as st

from core.analysis.comparison import unit_of_work
from core.analysis.live import pair_ratios
from pages._parts.baseline import choose_baseline, show_baseline
from pages._parts.compare_sections import sections, shown
from pages._parts.empty import show_empty
from pages._parts.library_bundle import show_origin
from pages._parts.places import link
from pages._parts.states import show_state
from pages._parts.stored import choose_comparison, store
from pages._parts.verdict import show_verdict

comparisons = store().all()
if not comparisons:
    show_empty()
    st.stop()

pickers = st.container(horizontal=True)
with pickers:
    one = choose_comparison(comparisons)
assert one is not None
finished = show_state(one)
if one.spec is None or one.result is None:
    pairs = pair_ratios(one.events())
    if one.spec is not None and one.state == "interrupted" and not pairs.is_empty():
        st.caption(f"The pairs that it had finished: {unit_of_work(one.spec)} time of B over that of A.")
        st.dataframe(pairs, hide_index=True, column_config={"ratio": st.column_config.NumberColumn("B ÷ A", format="%.3f")})
    st.stop()

it = shown(one)
if finished:
    with pickers:
        baseline = choose_baseline(one, comparisons)
    show_verdict(it.spec, it.result)
    show_origin(one)
    if baseline is not None:
        show_baseline(one, baseline)
offered = sections(it)
tabs = st.tabs(list(offered), key="view", on_change="rerun", bind="query-params")
for tab, show in zip(tabs, offered.values(), strict=True):
    if tab.open:  # only the open one is computed
        with tab:
            show(it)
if finished:
    with st.container(horizontal=True):
        link("explain", "What makes the difference?", comparison=one.id)
        link("kernels", "Which operations cost most?", comparison=one.id)
