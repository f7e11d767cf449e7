"""Which device, which measure, which stretch of time and which moment the Memory page shows: controls, clicks and the address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.analysis.memory import peak_place, place_at
from core.analysis.timeline_index import Window
from core.charts.memory_over_time import MOMENT, PICKED, WINDOW
from pages._parts.linked import forget_unless
from pages._parts.memory_held import Held

#: Keys of the widgets, which are the query parameters too.
DEVICE, MEASURE, SINCE, UNTIL, AT = "device", "amount", "since", "until", "at"
_FOLLOWED = "memory_followed"
_SHORTEST_NS = 1000
_FARTHEST_MS = 1e12
_MEASURES = {"allocated": "allocated_bytes", "reserved": "reserved_bytes", "fragmentation": "unused_bytes"}


@dataclass(frozen=True, kw_only=True)
class View:
    """What is looked at, in ns since each recording began."""

    window: Window
    whole: Window
    at_ns: int | None
    """The chosen moment; None: each recording's peak."""

    def place(self, held: Held) -> int:
        """The row of a recording's series to look at: its peak in the window, or the moment that was chosen."""
        if self.at_ns is not None:
            return place_at(held.series, self.at_ns)
        return peak_place(held.series, self.window.start_ns, self.window.end_ns)


def choose_device(labels: Sequence[str]) -> str:
    """The first accelerator unless another device is asked for; a control where there is a choice."""
    if len(labels) == 1:
        forget_unless(DEVICE, labels)
        return labels[0]
    return str(st.segmented_control("Device", list(labels), default=labels[0], required=True, key=DEVICE, bind="query-params"))


def choose_measure(*, reserved: bool) -> str:
    """One of `core.analysis.memory.MEASURES`; without a reserved total there is but one."""
    forget_unless(MEASURE, _MEASURES if reserved else ["allocated"])
    if not reserved:
        return "allocated_bytes"
    chosen = st.segmented_control("Measure", list(_MEASURES), default="allocated", required=True, key=MEASURE, bind="query-params",
                                  help="Reserved: what the allocator holds of the device. Fragmentation: what of it is not allocated.")  # fmt: skip
    return _MEASURES[str(chosen)]


def choose_view(held: Sequence[Held]) -> View:
    """The window and the moment: those of the newest drag or click on a chart, else of the numbers, else everything and the peak."""
    _follow()
    whole = Window(start_ns=min(one.whole.start_ns for one in held), end_ns=max(one.whole.end_ns for one in held))
    since = _number(SINCE, "From (ms)", f"{whole.start_ns / 1e6:g}")
    until = _number(UNTIL, "To (ms)", f"{whole.end_ns / 1e6:.4f}")
    at = _number(AT, "What was live at (ms)", "the peak")
    st.button("", icon=":material/fit_width:", help="Everything, at the peak", key="memory_everything", on_click=forget_window)
    return View(window=asked_window(since, until, whole), whole=whole, at_ns=None if at is None else _ns(at))


def _number(key: str, label: str, placeholder: str) -> float | None:
    return st.number_input(
        label, value=None, step=1.0, format="%.4f", key=key, bind="query-params", width=180, placeholder=placeholder
    )


def asked_window(since_ms: float | None, until_ms: float | None, whole: Window) -> Window:
    """The window of two numbers in either order, kept inside the whole, and never too short to be seen."""
    edges = (whole.start_ns if since_ms is None else _ns(since_ms), whole.end_ns if until_ms is None else _ns(until_ms))
    start, end = (min(max(edge, whole.start_ns), whole.end_ns) for edge in sorted(edges))
    if end - start < _SHORTEST_NS:
        start = max(min(start, whole.end_ns - _SHORTEST_NS), whole.start_ns)
        end = start + _SHORTEST_NS
    return Window(start_ns=start, end_ns=end)


def chart_key(held: Held, measure: str, window: Window) -> str:
    """Key of a chart's element. With the window in it, the chart of another window begins without a brush."""
    return f"memory_chart_{held.digest[:16]}_{held.side}_{held.device}_{measure}_{window.start_ns}_{window.end_ns}"


def watch(key: str) -> None:
    """Follow this chart's selection at the next run."""
    st.session_state.setdefault(_FOLLOWED, {}).setdefault(key, (None, None))


def _follow() -> None:
    """A new drag moves the window and a new click the moment; what was followed already leaves both to the other controls."""
    followed = st.session_state.setdefault(_FOLLOWED, {})
    for key, before in followed.items():
        interval, moment = followed[key] = selected(st.session_state.get(key))
        if interval is not None and interval != before[0]:
            st.session_state[SINCE], st.session_state[UNTIL] = (round(edge, 6) for edge in interval)
        if moment is not None and moment != before[1]:
            st.session_state[AT] = round(moment, 6)


def selected(state: Mapping[str, Any] | None) -> tuple[tuple[float, float] | None, float | None]:
    """The interval and the moment, in ms, that a chart's state holds; None where it holds none."""
    selection = (state or {}).get("selection") or {}
    edges = [edge for edge in (selection.get(WINDOW) or {}).get(MOMENT) or [] if _is_number(edge)]
    points = [point[MOMENT] for point in selection.get(PICKED) or [] if _is_number(point.get(MOMENT))]
    return (min(edges), max(edges)) if len(edges) == 2 and edges[0] != edges[1] else None, points[0] if points else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def forget_window() -> None:
    """Back to everything, at the peak."""
    for key in (SINCE, UNTIL, AT):
        st.session_state[key] = None


def _ns(ms: float) -> int:
    return 0 if math.isnan(ms) else round(min(max(ms, -_FARTHEST_MS), _FARTHEST_MS) * 1e6)
