"""Overview: which is faster here, and where does the time go?"""

import streamlit as st

from core.store.comparisons import ComparisonStore
from pages._parts.empty import show_empty

comparisons = ComparisonStore().all()
if not comparisons:
    show_empty()
    st.stop()

# Frames and charts take longer to read in than all the rest, and the first page of all does without.
from pages._parts.overview import show_overview  # noqa: E402

show_overview(comparisons)
