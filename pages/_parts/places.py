"""The page map: where each page lives, and links that open it at an exact view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One page of the navigation."""

    title: str
    icon: str


PLACES = {
    "overview": Place(title="Overview", icon=":material/speed:"),
    "compare": Place(title="Compare", icon=":material/balance:"),
    "explain": Place(title="Explain", icon=":material/waterfall_chart:"),
    "kernels": Place(title="Kernels", icon=":material/stacked_bar_chart:"),
    "timeline": Place(title="Timeline", icon=":material/view_timeline:"),
    "memory": Place(title="Memory", icon=":material/memory:"),
    "run": Place(title="Run", icon=":material/play_circle:"),
    "choose": Place(title="Choose", icon=":material/rule:"),
    "sweeps": Place(title="Sweeps", icon=":material/grid_on:"),
    "claims": Place(title="Claims", icon=":material/fact_check:"),
    "models": Place(title="Models", icon=":material/code:"),
    "setup": Place(title="Setup", icon=":material/checklist:"),
    "library": Place(title="Library", icon=":material/inventory_2:"),
}


def page(name: str) -> StreamlitPage:
    """The page of a name in `PLACES`; built from an absolute path, because the router is not the script that was started."""
    place = PLACES[name]
    default = name == "overview"
    return st.Page(_FOLDER / f"{name}.py", title=place.title, icon=place.icon, url_path=None if default else name, default=default)


def link(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: Any) -> None:
    """A link to a page at an exact view, e.g. `link("compare", "Open it", comparison=id)`."""
    given = {key: str(value) for key, value in query.items() if value is not None}
    st.page_link(page(name), label=label, icon=icon or PLACES[name].icon, help=help, query_params=given)


def go(name: str, **query: Any) -> None:
    """Leave for a page at an exact view."""
    st.switch_page(page(name), query_params={key: str(value) for key, value in query.items() if value is not None})
