"""Library: what is stored?"""

import streamlit as st

from pages._parts import formats
from pages._parts.empty import show_empty
from pages._parts.library_rows import GENERATION, library_table, show_chosen, show_problem
from pages._parts.stored import PARAMETER, store

here = store()
comparisons = here.all()
st.title("Library", anchor=False)
show_problem()
if not comparisons:
    show_empty()
else:
    table = library_table(comparisons)
    asked = st.query_params.get(PARAMETER)
    preset = [index for index, one in enumerate(comparisons) if one.id == asked]
    st.caption(f"{len(comparisons)} stored, {formats.size(sum(table['mib']) * 2**20)} on disk. Select a row to open or delete it.")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    event = st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        height="content" if len(table) < 15 else 560,
        key=f"library_{st.session_state.get(GENERATION, 0)}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": preset}},
        column_config={
            "when": st.column_config.DatetimeColumn("when", format="D MMM YYYY, HH:mm"),
            "a": text("A"),
            "b": text("B"),
            "ratio": number("B ÷ A", format="%.3f", help="Step time of B over step time of A; above 1, A is faster"),
            "mib": number("on disk", format="%.1f MiB"),
        },
    )
    rows = [index for index in event["selection"]["rows"] if index < len(comparisons)]
    if rows:
        st.query_params[PARAMETER] = comparisons[rows[0]].id
        show_chosen(comparisons[rows[0]])
    else:
        st.query_params.pop(PARAMETER, None)
st.caption("Everything is kept in this folder:")
st.code(str(here.root), language=None)
