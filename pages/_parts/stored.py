"""The store as pages see it, and the picker that keeps the chosen comparison in the address."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.charts.palette import Sides, sides_of
from core.store.comparisons import ComparisonStore, StoredComparison
from core.store.files import StoreError
from pages._parts import formats

#: Name of the query parameter, and of the last choice in the session: it survives a change of page.
PARAMETER = "comparison"
_WIDGET = "comparison_picker"
_REMEMBERED = "remembered_comparison"


def store() -> ComparisonStore:
    """The folder of this machine's comparisons."""
    return ComparisonStore()


def comparison_label(one: StoredComparison, *, with_state: bool = True) -> str:
    """One line in a list: what was compared, and when; its state where that is not `finished`."""
    state = f" · {one.state}" if with_state and one.state != "finished" else ""
    if one.spec is None:
        return f"{one.id}{state}"
    return f"{one.spec.workload_name} · {one.spec.a.label} / {one.spec.b.label} · {one.spec.preset.label} · {formats.moment(one.spec.created)}{state}"


def comparison_labels(comparisons: Sequence[StoredComparison]) -> dict[str, str]:
    """A line for each id, no two alike."""
    return formats.distinct({one.id: comparison_label(one) for one in comparisons})


def choose_comparison(comparisons: list[StoredComparison], *, label: str = "Comparison") -> StoredComparison | None:
    """A picker whose choice is the query parameter `comparison`; the newest finished one where nothing is asked for.

    None where there is none at all. Where the address asks for one that does not exist, it says so and stops the page.
    """
    if not comparisons:
        return None
    by_id = {one.id: one for one in comparisons}
    asked = st.query_params.get(PARAMETER)
    if asked is not None and asked not in by_id:
        st.error(_unknown(asked), title="This comparison is not here", icon=":material/link_off:")
        if st.button("Show the newest one", icon=":material/undo:"):
            st.session_state.pop(_REMEMBERED, None)
            del st.query_params[PARAMETER]
            st.rerun()
        st.stop()
    remembered = st.session_state.get(_REMEMBERED)
    finished = next((one.id for one in comparisons if one.state == "finished"), comparisons[0].id)
    # Streamlit's own binding would write the label into the address; an id is shorter, and stays true when the label changes.
    st.session_state[_WIDGET] = asked or (remembered if remembered in by_id else finished)
    labels = comparison_labels(comparisons)
    chosen: str = st.selectbox(
        label, list(by_id), format_func=lambda id: labels[id], key=_WIDGET, label_visibility="collapsed",
        on_change=lambda: st.query_params.update({PARAMETER: st.session_state[_WIDGET]}),
    )  # fmt: skip
    if asked != chosen:
        st.query_params[PARAMETER] = chosen
    st.session_state[_REMEMBERED] = chosen
    return by_id[chosen]


def forget(id: str) -> None:
    """A comparison that is gone is no longer the session's last choice."""
    if st.session_state.get(_REMEMBERED) == id:
        del st.session_state[_REMEMBERED]


def _unknown(asked: str) -> str:
    try:
        store().load(asked)
    except StoreError as error:
        return formats.plain(str(error))
    return "It was made just now; reload the page."


def sides(one: StoredComparison) -> Sides:
    """Names and colours of a readable comparison."""
    assert one.spec is not None
    return sides_of(one.spec)


def bytes_on_disk(one: StoredComparison) -> int:
    """Size of all files of a comparison; remembered once it has ended."""
    return _ended_bytes(str(one.folder)) if one.ended else _folder_bytes(one.folder)


@st.cache_data(max_entries=2000, show_spinner=False)
def _ended_bytes(folder: str) -> int:
    return _folder_bytes(Path(folder))


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # a run may delete its file just now
            total += path.stat().st_size if path.is_file() else 0
    return total
