"""Library: what is stored, and can I bring mine?"""

import streamlit as st

from core.model.hosted import is_hosted
from pages._parts.empty import show_empty
from pages._parts.library_add import show_add
from pages._parts.library_bundle import show_import
from pages._parts.library_recordings import show_recordings
from pages._parts.library_rows import show_comparisons, show_problem
from pages._parts.opened import library
from pages._parts.places import link
from pages._parts.stored import store

st.title("Library", anchor=False)
show_problem()
show_add(library())
show_import()
recordings = library().all()
if recordings:
    st.subheader("Traces and memory snapshots", anchor=False)
    show_recordings(library(), recordings)
comparisons = store().all()
if comparisons:
    st.subheader("Comparisons", anchor=False)
    show_comparisons(comparisons)
elif recordings:
    link("run", "Compare the two frameworks on this machine")
else:
    show_empty()
if not is_hosted():
    st.caption("Everything is kept in these folders:")
    st.code(f"{store().root}\n{library().root}", language=None)
