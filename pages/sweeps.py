"""Sweeps: does the difference widen with larger models and batches?"""

from __future__ import annotations

import streamlit as st

from core.bench.sweep import start_sweep_detached
from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.store.sweeps import StoredSweep, SweepStore
from pages._parts import formats
from pages._parts.hosted import show_command
from pages._parts.sweep_form import SweepWish, sweep_wish
from pages._parts.sweep_view import SWEEP_PARAMETER, choose_sweep, show_sweep, sweep_command

EXAMPLE = "python -m core sweep run --workloads mlp,mnist_cnn --small"


def main() -> None:
    st.title("Sweeps", anchor=False)
    st.markdown("Does the difference widen with larger models and batches? A sweep runs a grid of comparisons as one plan.")
    sweeps = SweepStore()
    shown = choose_sweep(sweeps)
    if shown is not None:
        show_sweep(sweeps, shown)
    if is_hosted():
        _show_recorded(shown)
        return
    with st.container(border=True):
        st.subheader("Plan one" if shown is None else "Plan another one", anchor=False)
        _form(sweeps, sweep_wish())


def _show_recorded(shown: StoredSweep | None) -> None:
    """What plans the same grid elsewhere; the form would plan one for the machine that the demo runs on."""
    with st.container(border=True):
        if shown is None or shown.spec is None:
            show_command(EXAMPLE, does="runs a first one")
        else:
            show_command(sweep_command(shown.spec), does="runs the same grid")


def _form(sweeps: SweepStore, wanted: SweepWish) -> None:
    if wanted.problem:
        st.info(formats.plain(wanted.problem), icon=":material/rule:")
    else:
        st.caption(wanted.duration_words)
    if not st.button("Start", type="primary", icon=":material/play_arrow:", key="start_sweep", disabled=wanted.spec is None):
        return
    assert wanted.spec is not None
    try:
        sweeps.create(wanted.spec)
        start_sweep_detached(sweeps, wanted.spec.id)
    except ShowdownError as error:
        st.error(formats.plain(str(error)), title="It was not started", icon=":material/error:")
    except OSError as error:
        st.error(f"The store cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.", title="It was not started",
                 icon=":material/error:")  # fmt: skip
    else:
        st.query_params[SWEEP_PARAMETER] = wanted.spec.id
        st.rerun()


main()
