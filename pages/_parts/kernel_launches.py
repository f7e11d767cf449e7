"""What launching work cost: how long it waited for the device, and what one launch for all would save."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from core.analysis.launches import LaunchStatistics
from pages._parts import formats
from pages._parts.charts import downloads
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened


def show_launches(it: View) -> None:
    """What launching costs, and what one launch for all would save."""
    found: dict[str, LaunchStatistics] = {one.side: analysis(one, "launches") for one in on_devices(it)}
    for one in on_devices(it):
        _launch_metrics(one, found[one.side], titled=len(it.opened) > 1)
    rows = {label: tuple(words(one) for one in found.values()) for label, (words, _) in _LAUNCH_ROWS.items()}
    shorts = [one.short for one in on_devices(it)]
    table = pl.DataFrame(
        [(label, *values, _LAUNCH_ROWS[label][1]) for label, values in rows.items()],
        schema=dict.fromkeys(["what", *shorts, "what it means"], pl.String), orient="row",
    )  # fmt: skip
    text = st.column_config.TextColumn
    config = {"what": text(width=230), **{short: text(width=140) for short in shorts}}
    st.dataframe(table, hide_index=True, height="content", column_config=config)
    downloads(table, "launches")


def _launch_metrics(one: Opened, found: LaunchStatistics, *, titled: bool) -> None:
    if titled:
        st.markdown(f"**{formats.plain(one.label)}**")
    if not found.launched:
        st.info("Without the calls of the runtime nothing is known of launches; record the CPU's activities too.", icon=":material/info:",
                title="No launch was recorded")  # fmt: skip
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric("Launches", f"{found.launched:,}", width=120)
        st.metric("Launch to start, median", _us(found.latency_p50_ns), width=190)
        st.metric("95 % within", _us(found.latency_p95_ns), width=140)
        st.metric("Idle because the host was late", formats.percent(found.launch_bound), width=230)
        st.metric("A captured graph could save", formats.ms(found.graph_recoverable_ns / 1e6), width=220,
                  help="At most: gaps inside a step in which the device waited for the host or for its own next launch, before work whose "
                       "launch was recorded.")  # fmt: skip


def _us(value_ns: float | None) -> str:
    if value_ns is None or abs(value_ns) >= 1e6:
        return formats.ms(None if value_ns is None else value_ns / 1e6)
    return f"{formats.ms(value_ns / 1e3).removesuffix(' ms')} µs"


def _depth(mean: float | None) -> str:
    return formats.NONE if mean is None else f"{mean:.2f}"


#: What the table says of launches: how it is written, and what it means.
_LAUNCH_ROWS: dict[str, tuple[Any, str]] = {
    "device events with a launch": (lambda one: f"{one.launched:,}", "The call on the host that started them is known, by correlation."),
    "device events without": (lambda one: f"{one.unlaunched:,}", "Started before the recording, or their call was not recorded."),
    "launch to start, median": (lambda one: _us(one.latency_p50_ns), "From the end of the host's call to the start on the device."),
    "launch to start, 95 % within": (lambda one: _us(one.latency_p95_ns), "A long tail means a full queue: the device is what limits."),
    "began before the call returned": (lambda one: f"{one.negative:,}", "The device was quicker than the call."),
    "kernels shorter than their call": (lambda one: f"{one.shorter_than_launch:,}", "The host cannot keep up with these; fusing or capturing helps."),
    "launching calls, in all": (lambda one: formats.ms(one.launch_calls_ns / 1e6), "Time of the host in them."),
    "mean queue depth": (lambda one: _depth(one.queue_depth_mean), "Launches that wait for the device."),
    "idle time": (lambda one: formats.ms(one.idle_ns / 1e6), "Of all devices, between their first and last event."),
    "of it, the host was late": (lambda one: formats.ms(one.host_wait_ns / 1e6), "The next work was launched after the last had ended."),
    "a captured graph could save": (lambda one: formats.ms(one.graph_recoverable_ns / 1e6), "At most; gaps inside steps."),
}  # fmt: skip
