"""Selections that are kept in the address: written there as they are made, shown again from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.charts.picking import UNTOUCHED


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """What a session knows of a chart or a table from the last time it was drawn."""

    begun: tuple[str, ...]
    """What was picked as it was drawn first. It stays so: a chart whose specification changes is drawn anew, under the click."""
    address: tuple[str, ...]
    """What the address said when it was drawn."""
    state: Any = None
    """Its selection, as Streamlit has it."""
    generation: int = 0
    """Counts the addresses that came from elsewhere: a new key, so that what was picked in it before is gone."""


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A chart or a table whose selection is kept in the address."""

    parameter: str
    key: str
    """Of the chart or the table."""
    begun: tuple[str, ...]
    """What has to be picked in it as it is drawn first."""
    offered: tuple[str, ...]
    element: str

    def follow(self, state: Any, chosen: Sequence[str] | None) -> list[str]:
        """What is picked now, which the address then says; values that are not offered are let go.

        `state` is what Streamlit has of it, `chosen` the values in that, None where nobody has clicked in it yet.
        """
        memory: _Memory = st.session_state[_memory_key(self.element)]
        values = memory.begun if chosen is None else chosen
        picked = [value for value in dict.fromkeys(values) if value in self.offered]
        keep(self.parameter, picked)
        st.session_state[_memory_key(self.element)] = replace(memory, address=tuple(picked), state=state)
        return picked


def linked(parameter: str, element: str, offered: Sequence[str]) -> Linked:
    """How to draw a chart or a table so that it shows what the address says; `Linked.follow` has to come after it.

    `element` names it: another name where it has other rows, such as those of another grouping. `offered` are the values that can be
    picked in it.
    """
    asked = tuple(st.query_params.get_all(parameter))
    memory: _Memory | None = st.session_state.get(_memory_key(element))
    if memory is None:
        memory = _Memory(begun=asked, address=asked)
    else:
        state = st.session_state.get(_key(element, memory.generation))
        if state is None:  # it was not on the page just now, so its own selection is gone
            memory = replace(memory, begun=asked, address=asked, state=None)
        elif asked != memory.address and state == memory.state:  # nobody clicked in it: the browser went back, or followed a link
            memory = _Memory(begun=asked, address=asked, generation=memory.generation + 1)
    st.session_state[_memory_key(element)] = memory
    return Linked(
        parameter=parameter, key=_key(element, memory.generation), begun=tuple(value for value in memory.begun if value in offered),
        offered=tuple(offered), element=element,
    )  # fmt: skip


def picked_in(state: Any, name: str, field: str) -> list[str] | None:
    """Values of `field` in the point selection `name` of a chart made by `core.charts.picking.with_picked`; None: it was never clicked."""
    selection = (state or {}).get("selection") or {}
    if UNTOUCHED in selection:
        return None
    return [point[field] for point in selection.get(name) or [] if isinstance(point.get(field), str)]


def keep(parameter: str, values: Sequence[str]) -> None:
    """Have the address say exactly this; without a value it does not name the parameter."""
    if st.query_params.get_all(parameter) == list(values):
        return
    if values:
        st.query_params[parameter] = list(values)
    else:
        del st.query_params[parameter]


def forget_unless(key: str, options: Iterable[object]) -> None:
    """Let go of what a bound widget never offers, before it is drawn: a choice of another page, whose widget has the same key."""
    known = {str(option) for option in options}
    if st.session_state.get(key) is not None and str(st.session_state[key]) not in known:
        del st.session_state[key]
    if not set(st.query_params.get_all(key)) <= known:
        try:
            del st.query_params[key]
        except StreamlitAPIException:
            pass  # the widget was drawn just now and still holds the parameter; Streamlit lets it go with the widget


def carried(*parameters: str) -> dict[str, str]:
    """Those of the parameters that the address has, for a link that shows the same on another page."""
    return {name: st.query_params[name] for name in parameters if name in st.query_params}


def _key(element: str, generation: int) -> str:
    return f"{element}_{generation}"


def _memory_key(element: str) -> str:
    return f"linked_{element}"
