"""Navigation, and the frame around every page."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:  # the app may be started from any folder
    sys.path.insert(0, ROOT)

from pages._parts.places import PLACES, page  # noqa: E402

st.set_page_config(page_title="Framework Showdown", page_icon="⚖️", layout="wide")
shown = [page(name) for name in PLACES if (Path(__file__).parent / f"{name}.py").exists()]  # DEVELOPMENT
st.navigation(shown, position="top").run()
