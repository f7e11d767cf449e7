"""The window of time that the Timeline shows: the brush, the step, two numbers and a few buttons, all of it in the address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.analysis.timeline import aligned_steps
from core.analysis.timeline_index import Index, Window
from core.charts.minimap import MOMENT, WINDOW
from core.traces.schema import Step

#: Keys of the widgets, which are the query parameters too.
FROM, LENGTH, STEP = "from", "length", "step"
_BRUSHED, _SEEN = "timeline_brushed", "timeline_seen"
#: Counts the windows that no brush chose: a new key for the minimap, so that its old brush is gone.
_GENERATION = "timeline_generation"
#: Below this nothing more is to be seen: profilers write whole nanoseconds, mostly microseconds.
_SHORTEST_NS = 100
_FARTHEST_MS = 1e12


@dataclass(frozen=True, kw_only=True)
class View:
    """What is looked at; both windows are after zero."""

    window: Window
    whole: Window
    zeros_ns: tuple[int, ...]
    """Of each recording, its moment that is drawn at 0."""
    zero: str
    """What that moment is, in words."""

    def own(self, number: int) -> Window:
        """The window in the time of one of the recordings."""
        return shifted(self.window, self.zeros_ns[number])


def shifted(window: Window, by_ns: int) -> Window:
    return Window(start_ns=window.start_ns + by_ns, end_ns=window.end_ns + by_ns)


def choose_window(indexes: Sequence[Index], steps: Sequence[Sequence[Step]]) -> View:
    """The controls, and the view that they, the brush or the address ask for: the whole, or the chosen step, where nothing does."""
    _follow_brush()
    aligned = aligned_steps(*steps) if all(steps) else {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = None
        if aligned:
            chosen = st.selectbox(
                "Step", list(aligned), index=None, placeholder="all", key=STEP, bind="query-params", width=150, on_change=_go, args=(None, None),
                help="Jump to a step; its start is put at 0, in both recordings.",
            )  # fmt: skip
        zeros, zero = _zeros(indexes, aligned, chosen)
        whole = _whole(indexes, zeros)
        usual = _usual(whole, aligned, chosen)
        start_ms = st.number_input("From (ms)", value=None, step=1.0, format="%.4f", key=FROM, bind="query-params", width=185,
                                   placeholder=_number(usual.start_ns), on_change=_drop_brush)  # fmt: skip
        length_ms = st.number_input("Length (ms)", min_value=0.0, value=None, step=1.0, format="%.4f", key=LENGTH, bind="query-params",
                                    width=185, placeholder=_number(usual.length_ns), on_change=_drop_brush)  # fmt: skip
        window = asked_window(start_ms, length_ms, usual, whole)
        _buttons(window, whole)
    return View(window=window, whole=whole, zeros_ns=zeros, zero=zero)


def asked_window(start_ms: float | None, length_ms: float | None, usual: Window, whole: Window) -> Window:
    """The window of two numbers, each in milliseconds after zero, kept where there is something to see; `usual` for what is not given."""
    start_ns = usual.start_ns if start_ms is None else _ns(start_ms)
    length_ns = min(max(usual.length_ns if length_ms is None else _ns(length_ms), _SHORTEST_NS), 2 * max(whole.length_ns, _SHORTEST_NS))
    start_ns = min(max(start_ns, whole.start_ns - length_ns // 2), whole.end_ns - length_ns // 2)
    return Window(start_ns=start_ns, end_ns=start_ns + length_ns)


def brushed(selection: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Start and length in ms of the interval that a chart's state holds; None where it holds none."""
    chosen = ((selection or {}).get("selection") or {}).get(WINDOW) or {}
    moments = chosen.get(MOMENT) or []
    if len(moments) != 2 or not all(isinstance(moment, int | float) and math.isfinite(moment) for moment in moments):
        return None
    return min(moments), abs(moments[1] - moments[0])


def _follow_brush() -> None:
    """A new brush moves the window; one that was followed already leaves it to the other controls."""
    new = brushed(st.session_state.get(minimap_key()))
    if new is not None and new != st.session_state.get(_BRUSHED):
        st.session_state[FROM], st.session_state[LENGTH] = (round(number, 4) for number in new)
    st.session_state[_BRUSHED] = new


def minimap_key() -> str:
    """Key of the minimap, whose state holds the brush."""
    return f"timeline_minimap_{st.session_state.get(_GENERATION, 0)}"


def _go(start_ms: float | None, length_ms: float | None) -> None:
    st.session_state[FROM], st.session_state[LENGTH] = start_ms, length_ms
    _drop_brush()


def _drop_brush() -> None:
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1


def others_chosen(digests: Sequence[str], more: Sequence[str]) -> bool:
    """Whether other recordings were chosen on the page just now: then their first view is the whole, and the caller forgets its own.

    A link that names others may name their window too; so an address whose parameters, these and `more`, changed with the
    recordings is left as it is.
    """
    (now, asked), before = _address(digests, more), st.session_state.get(_SEEN)
    if before is None or now == before[0] or asked != before[1]:
        return False
    st.session_state[STEP] = None
    _go(None, None)
    return True


def remember_address(digests: Sequence[str], more: Sequence[str]) -> None:
    """What `others_chosen` compares with next time; after the last control of the page."""
    st.session_state[_SEEN] = _address(digests, more)


def _address(digests: Sequence[str], more: Sequence[str]) -> tuple[tuple[str, ...], list[list[str]]]:
    return tuple(digests), [st.query_params.get_all(name) for name in (FROM, LENGTH, STEP, *more)]


def _buttons(window: Window, whole: Window) -> None:
    start, length = window.start_ns / 1e6, window.length_ns / 1e6
    moves = {
        "zoom_in": ("Zoom in", start + length / 4, length / 2),
        "zoom_out": ("Zoom out", start - length / 2, length * 2),
        "chevron_left": ("Earlier", start - length / 2, length),
        "chevron_right": ("Later", start + length / 2, length),
        "fit_width": ("Everything", whole.start_ns / 1e6, whole.length_ns / 1e6),
    }
    for icon, (words, to_start, to_length) in moves.items():
        st.button("", icon=f":material/{icon}:", help=words, key=f"timeline_{icon}", on_click=_go, args=(round(to_start, 6), round(to_length, 6)))


def _zeros(indexes: Sequence[Index], aligned: Mapping[str, Any], chosen: str | None) -> tuple[tuple[int, ...], str]:
    """Each recording's moment at 0: the start of the chosen step, the first one of two recordings, else the first event."""
    name = chosen if chosen is not None or len(indexes) < 2 else next(iter(aligned), None)
    if name is None:
        return tuple(index.whole.start_ns for index in indexes), "the recording began" if len(indexes) == 1 else "each recording began"
    step = aligned[name]
    return tuple(one.start_ns for one in (step.a, step.b) if one is not None), f"step {name} began"


def _whole(indexes: Sequence[Index], zeros: Sequence[int]) -> Window:
    windows = [shifted(index.whole, -zero) for index, zero in zip(indexes, zeros, strict=True)]
    return Window(start_ns=min(window.start_ns for window in windows), end_ns=max(window.end_ns for window in windows))


def _usual(whole: Window, aligned: Mapping[str, Any], chosen: str | None) -> Window:
    if chosen is None:
        return whole
    steps = [one for one in (aligned[chosen].a, aligned[chosen].b) if one is not None]
    return Window(start_ns=0, end_ns=max(step.end_ns - step.start_ns for step in steps))


def _ns(ms: float) -> int:
    return round(min(max(ms, -_FARTHEST_MS), _FARTHEST_MS) * 1e6) if not math.isnan(ms) else 0


def _number(ns: int) -> str:
    return f"{ns / 1e6:.4f}"
