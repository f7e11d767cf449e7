"""Run: what will run, and is it going well?"""

from __future__ import annotations

import streamlit as st

from core.bench.start import start_detached
from core.model.errors import ShowdownError
from core.model.variant import FRAMEWORK_LABELS
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.queue import show_queue, unfinished_comparisons
from pages._parts.run_again import like_stored
from pages._parts.run_form import Wish, duration_words, missing_frameworks, wish
from pages._parts.run_live import watch
from pages._parts.stored import PARAMETER, store


def main() -> None:
    st.title("Run", anchor=False)
    changes = like_stored(store())
    unfinished = unfinished_comparisons()
    shown = _shown(unfinished)
    if shown is not None:
        watch(shown.id)
    if unfinished:
        show_queue(shown.id if shown else None)
    with st.container(border=True):
        st.subheader("What will run?" if shown is None else "Start another one", anchor=False)
        if changes:
            st.info(formats.plain(f"Changed to fit this machine: {'; '.join(changes)}."), icon=":material/rule_settings:")
        _form(wish(), unfinished)


def _form(wanted: Wish, unfinished: list[StoredComparison]) -> None:
    st.caption(duration_words(store(), wanted))
    if wanted.a == wanted.b:
        st.info("Both sides are the same: this measures how much the machine differs from itself.", icon=":material/info:")
    if "article" in (wanted.a.network, wanted.b.network):
        st.info(
            "The network as printed is not the same model, so this ends at the parity proof, and shows why.", icon=":material/info:"
        )
    missing = missing_frameworks(wanted)
    for name in missing:
        st.warning(
            "Install it and reload this page:",
            title=f"{FRAMEWORK_LABELS[name]} is not installed here",
            icon=":material/extension_off:",
        )
        st.code("python -m pip install -r requirements.txt", language="bash")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Start", type="primary", icon=":material/play_arrow:", key="start", disabled=bool(missing))
        if unfinished:
            st.caption("Another one is at work, so this one will wait for it.")
    if pressed:
        try:
            spec = wanted.spec()
            start_detached(store(), spec)
        except ShowdownError as error:
            st.error(formats.plain(str(error)), title="It was not started", icon=":material/error:")
        except OSError as error:
            st.error(f"The store cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.", title="It was not started",
                     icon=":material/error:")  # fmt: skip
        else:
            st.query_params[PARAMETER] = spec.id
            st.rerun()


def _shown(unfinished: list[StoredComparison]) -> StoredComparison | None:
    """The comparison that the address names, else the newest that is not over."""
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        return unfinished[-1] if unfinished else None
    try:
        return store().load(asked)
    except ShowdownError as error:
        st.error(formats.plain(str(error)), title="This comparison is not here", icon=":material/link_off:")
        return None


main()
