"""Run: what will run, and is it going well?"""

from __future__ import annotations

import streamlit as st

from core.analysis.comparison import command
from core.bench.start import start_detached
from core.model.comparison import ComparisonSpec
from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.model.variant import FRAMEWORK_LABELS
from core.store.comparisons import StoredComparison
from core.workloads.spec import WorkloadSpec
from pages._parts import formats
from pages._parts.hosted import show_command
from pages._parts.queue import show_queue, unfinished_comparisons
from pages._parts.run_again import like_stored
from pages._parts.run_duration import duration_words
from pages._parts.run_form import Wish, missing_frameworks, wish
from pages._parts.run_live import watch
from pages._parts.stored import PARAMETER, store


def main() -> None:
    st.title("Run", anchor=False)
    changes = like_stored(store())
    unfinished = [] if is_hosted() else unfinished_comparisons()
    shown = _shown(unfinished)
    if shown is not None:
        watch(shown.id)
    if unfinished:
        show_queue(shown.id if shown else None)
    with st.container(border=True):
        st.subheader(_heading(shown), anchor=False)
        if changes:
            st.info(formats.plain(f"Changed to fit this machine: {'; '.join(changes)}."), icon=":material/rule_settings:")
        _form(wish(), unfinished)


def _heading(shown: StoredComparison | None) -> str:
    if is_hosted():
        return "What would run on your machine?"
    return "What will run?" if shown is None else "Start another one"


def _form(wanted: Wish, unfinished: list[StoredComparison]) -> None:
    spec, workload = wanted.spec, wanted.workload
    if spec is None or workload is None:
        st.error(formats.plain(wanted.problem), title="This cannot be started", icon=":material/error:")
        if not is_hosted():
            st.button("Start", type="primary", icon=":material/play_arrow:", key="start", disabled=True)
        return
    st.caption(formats.plain(duration_words(store(), spec, workload)))
    _notes(spec, workload)
    if is_hosted():
        show_command(command(spec), does="measures exactly that")
        return
    missing = missing_frameworks(spec)
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
        _start(spec)
    with st.expander("The same on the command line", icon=":material/terminal:", key="run_command"):
        st.code(command(spec), language="bash")


def _notes(spec: ComparisonSpec, workload: WorkloadSpec) -> None:
    """What to know before it runs: which choices make two models of it, and what then happens."""
    if spec.a == spec.b:
        st.info("Both sides are the same: this measures how much the machine differs from itself.", icon=":material/info:")
    networks = {spec.a.network, spec.b.network}
    if any(variant.network == "article" and variant.framework == "pytorch" for variant in (spec.a, spec.b)):
        st.info("The network as printed cannot run in PyTorch, so this ends at the parity proof, and shows why.", icon=":material/info:")
        return
    mixed = spec.a.framework != spec.b.framework
    reasons = {
        f"the library's own model ({workload.library.rstrip('.')})": "library" in networks,
        "the article's network": "library" not in networks and networks != {"spec"} and (mixed or len(networks) > 1),
        "a native optimizer": "native" in (spec.a.optimizer, spec.b.optimizer) and (mixed or spec.a.optimizer != spec.b.optimizer),
    }
    different = [words for words, there in reasons.items() if there]
    if different:
        then = "it ends there, without a ratio, unless you allow two models under More settings"
        if not spec.require_parity:
            then = "both are timed all the same, and the result says that they are not the same model"
        st.info(formats.plain(f"With {' and '.join(different)}, the proof will fail: {then}."), icon=":material/info:")


def _start(spec: ComparisonSpec) -> None:
    try:
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
