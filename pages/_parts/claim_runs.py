"""Testing claims from the page: what it will take, how far it is, and the button that stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.claims.catalogue import CLAIMS
from core.claims.ledger import LedgerRow
from core.claims.progress import RunProgress, run_progress
from core.claims.running import environment, plan, start_detached, total_s
from core.machine.facts import machine_facts
from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from core.store.files import tail
from pages._parts import formats
from pages._parts.hosted import show_command

POLL_S = 2.0
#: Key of the price of an hour, in the currency of whoever types it.
PRICE = "price"


@st.cache_data(ttl=300, show_spinner=False)
def here() -> dict[str, Any]:
    """This machine and its versions, as results carry them."""
    return environment(machine_facts())


def is_busy(store: ClaimStore) -> bool:
    """Is a run going on, or about to?"""
    return store.is_running() or store.is_starting()


def price_arguments() -> list[str]:
    """The price, where one has been typed in."""
    price = st.session_state.get(PRICE)
    return [f"--price-per-hour={price}"] if price else []


def start(store: ClaimStore, arguments: Sequence[str]) -> None:
    """Start a run as a process of its own, and show it."""
    try:
        start_detached(store, [*arguments, *price_arguments()])
    except OSError as error:
        st.error(f"The store cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.", title="It was not started",
                 icon=":material/error:")  # fmt: skip
        return
    st.rerun()


def machine_words(result: ClaimResult) -> str:
    """The machine that a result holds for; empty where it does not say."""
    known, cores = result.environment, result.environment.get("usable_cores")
    words = [known.get("cpu_model"), f"{cores} cores" if cores else "", *(known.get("gpus") or [])]
    return ", ".join(str(word) for word in words if word)


def show_recorded(rows: Sequence[LedgerRow]) -> None:
    """In the place of `show_run` where nothing is run: where the results come from, and what gives one's own."""
    with st.container(border=True):
        machines = dict.fromkeys(words for row in rows if row.result is not None and (words := machine_words(row.result)))
        if machines:
            st.markdown(f"Tested on {formats.plain('; '.join(machines))}.")
        show_command("python -m core claims run --all-here", does="tests all of them")


def show_run(store: ClaimStore) -> None:
    """What is being tested now; where nothing is, the button that tests all that is left."""
    busy = is_busy(store)
    done = len(_progress(store).done) if busy else 0

    @st.fragment(run_every=POLL_S if busy else None)
    def live() -> None:
        now = _progress(store)
        if busy and (not is_busy(store) or len(now.done) != done):
            st.rerun()
        if busy:
            _show_live(store, now)
        else:
            _show_offer(store, now)

    live()


def _progress(store: ClaimStore) -> RunProgress:
    found = run_progress(store.events(), alive=store.is_running(), now=datetime.now(UTC))
    return found or RunProgress(state="running")


def _show_live(store: ClaimStore, now: RunProgress) -> None:
    with st.container(border=True):
        if not now.ids:
            st.info("Its process is starting.", title="Starting", icon=":material/hourglass_empty:")
        else:
            left = formats.seconds(round(now.remaining_s))
            st.progress(now.fraction, text=f"Claim {min(len(now.done) + 1, len(now.ids))} of {len(now.ids)}, about {left} left")
        if now.current is not None:
            st.markdown(f"**Now:** {formats.plain(f'{now.current}: {now.words}' if now.words else now.current)}")
        if st.button("Stop", icon=":material/stop_circle:", key="stop_claims", help="What is tested by then is kept; 'Test what is left' goes on."):
            store.request_stop()
            st.toast("Stopping; the run in progress is ended.", icon=":material/stop_circle:")


def _show_offer(store: ClaimStore, last: RunProgress) -> None:
    left = plan(store, [claim.id for claim in CLAIMS], here=here())
    with st.container(border=True):
        if last.state in ("stopped", "interrupted") and last.ids:
            st.caption(f"The last run was {last.state} after {len(last.done)} of {len(last.ids)} claims; what it had tested is kept.")
        if last.state == "interrupted" and (lines := tail(store.run_folder / "log.txt", 8)):
            st.code("\n".join(lines), language=None)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Price of an hour of this machine", min_value=0.0, step=0.1, key=PRICE, bind="query-params", width=240,
                            help="For the claim about cost, in your currency; 0: not given.")  # fmt: skip
            if st.button(f"Test what is left ({len(left)})", type="primary", icon=":material/play_arrow:", key="run_all", disabled=not left):
                start(store, ["--all-here"])
            if st.button("Test all again", icon=":material/replay:", key="run_all_again", help="Every claim, with new comparisons."):
                start(store, ["--all-here", "--again"])
        if left:
            st.caption(
                f"About {formats.seconds(round(total_s(left)))} on this machine, one after the other in a process of its own: you can close the "
                "page, stop it, and go on later. Use the machine for nothing else meanwhile."
            )
        else:
            st.caption("Every claim has been tested on this machine with these versions.")


