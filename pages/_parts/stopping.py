"""The button that stops a comparison, and the sentence where it cannot be stopped."""

from __future__ import annotations

import streamlit as st

from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.stored import store

#: Id -> why its last stop was not asked for. Kept by the session: what holds the button is redrawn every few seconds.
_PROBLEMS = "stop_problems"


def stop_button(one: StoredComparison, *, key: str) -> None:
    """Asks the referee to stop, which it does within a second; not in the demo, where nothing runs."""
    if is_hosted() or not st.button("Stop", icon=":material/stop_circle:", key=key, help="Ends within a second."):
        return
    problems: dict[str, str] = st.session_state.setdefault(_PROBLEMS, {})
    problems.pop(one.id, None)
    try:
        store().request_cancel(one.id)
    except ShowdownError as error:
        problems[one.id] = str(error)
    else:
        st.toast("Stopping; the run in progress is ended.", icon=":material/stop_circle:")


def show_stop_problem(one: StoredComparison) -> None:
    """Why it was not stopped, if that was tried in vain."""
    if problem := st.session_state.get(_PROBLEMS, {}).get(one.id):
        st.error(formats.plain(problem), title="It was not stopped", icon=":material/error:")
