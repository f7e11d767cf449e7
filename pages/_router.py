"""Navigation, and the frame around every page."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:  # the app may be started from any folder
    sys.path.insert(0, ROOT)

from core.model.hosted import is_hosted  # noqa: E402
from pages._parts.brand import wordmark  # noqa: E402
from pages._parts.places import PLACES, page  # noqa: E402

# An emoji is part of the page; a Material icon here would be fetched from fonts.gstatic.com.
st.set_page_config(page_title="Framework Showdown", page_icon="⚖️", layout="wide")
st.logo(wordmark("dark" if st.context.theme.type == "dark" else "light"), size="medium")
chosen = st.navigation([page(name) for name in PLACES], position="top")
if is_hosted():
    from pages._parts.hosted import show_frame

    show_frame()
chosen.run()
