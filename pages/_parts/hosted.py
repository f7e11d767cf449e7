"""What the hosted demo says of itself: on which machine it was recorded, that it runs and keeps nothing, and how to have the program."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.model.errors import ShowdownError
from core.model.hosted import OWN_COMMANDS
from core.report.words import machine, processors
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.stored import PARAMETER, store

#: Where the address names one of these, the page shows no comparison.
_RECORDINGS = ("trace", "snapshot")
_PROMISE = "This demo runs nothing and keeps nothing."


def show_frame() -> None:
    """One line above every page; on a phone it is two. The whole machine is in the help of its name."""
    environment = _environment()
    recorded = f"Recorded on {formats.plain(words)}. " if (words := processors(environment)) else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="demo_frame"):
        st.caption(f":material/history: {recorded}{_PROMISE}", width="content", help=formats.plain(machine(environment)) or None)
        with st.popover("Run it on your machine", icon=":material/computer:", type="tertiary"):
            show_own()


def _environment() -> dict[str, Any]:
    one = None if any(name in st.query_params for name in _RECORDINGS) else shown_comparison()
    return {} if one is None else one.environment()


def shown_comparison() -> StoredComparison | None:
    """The one that the address names, else the newest that is finished."""
    here, asked = store(), st.query_params.get(PARAMETER)
    if asked is not None:
        try:
            return here.load(asked)
        except ShowdownError:
            pass  # the page says so
    return next((one for one in map(here.load, here.ids()) if one.state == "finished"), None)


def show_own() -> None:
    """How the whole program is started."""
    st.markdown("The program measures on your own machine. In a copy of this project, with Python 3.11 to 3.13, two commands start it:")
    st.code("\n".join(OWN_COMMANDS), language="bash")


def show_command(command: str, *, does: str) -> None:
    """What would be started here, if this were not the demo."""
    st.markdown(f"This demo runs nothing. On your own machine, this {does}:")
    st.code(command, language="bash", wrap_lines=True)
