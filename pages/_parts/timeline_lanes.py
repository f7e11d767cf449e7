"""Which lanes the Timeline shows, and the index of each recording, made once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.analysis.timeline import default_lanes
from core.analysis.timeline_index import HOST_GROUPS, Index, Lane, prepare
from core.traces.schema import Trace
from pages._parts.kept import kept
from pages._parts.opened import Opened

#: Keys of the widgets, which are the query parameters too.
LANES, KINDS, HIGHLIGHT = "lanes", "kinds", "highlight"
_USUAL_KINDS = ["operators", "runtime calls"]
_MOST_LANES = 30


def choose_kinds() -> tuple[str, ...]:
    """What threads of the host show."""
    chosen = st.pills("Threads show", list(HOST_GROUPS), selection_mode="multi", default=_USUAL_KINDS, key=KINDS, bind="query-params",
                      help="Devices always show kernels, copies and communication.")  # fmt: skip
    return tuple(sorted(chosen))


def indexes_of(opened: Sequence[Opened], kinds: tuple[str, ...]) -> list[Index]:
    return [_index(one.digest, kinds, one.trace) for one in opened]


@kept(max_entries=4, show_spinner="Sorting the recording into lanes")
def _index(digest: str, kinds: tuple[str, ...], _trace: Trace) -> Index:
    return prepare(_trace.events, _trace.facts.steps, kinds)


def choose_lanes(opened: Sequence[Opened], indexes: Sequence[Index], *, anew: bool) -> list[list[Lane]]:
    """The lanes to show of each recording, in their order; a handful where nothing else is asked for, or `anew`."""
    names = [{_name(one, lane, len(opened)): lane for lane in index.lanes} for one, index in zip(opened, indexes, strict=True)]
    usual = [[_name(one, lane, len(opened)) for lane in default_lanes(index)] for one, index in zip(opened, indexes, strict=True)]
    handful = [name for own in usual for name in own]
    if anew:
        st.session_state[LANES] = handful
    chosen = st.multiselect(
        "Lanes", [name for own in names for name in own], default=handful, max_selections=_MOST_LANES,
        key=LANES, bind="query-params", placeholder="Choose streams and threads",
    )  # fmt: skip
    return [[lane for name, lane in own.items() if name in chosen] for own in names]


def _name(one: Opened, lane: Lane, of: int) -> str:
    return lane.label if of == 1 else f"{one.side.upper()} · {lane.label}"


def choose_highlight(indexes: Sequence[Index]) -> list[NDArray[np.bool_]] | None:
    """Which events have the search text in their name; None without one."""
    text = st.text_input("Highlight", type="search", key=HIGHLIGHT, bind="query-params", placeholder="gemm, nccl, conv …", width=240)
    return [index.matching(text) for index in indexes] if text and text.strip() else None
