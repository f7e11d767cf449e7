"""How the devices spent their time: busy or idle and why, what launching cost, and how well they were filled."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from core.analysis.idle import CAUSES, LAUNCH_GAP_BELOW_NS
from core.analysis.launches import LaunchStatistics
from core.charts.breakdown import share_bars, stacked_rows
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened

_CAUSE_KEYS = {cause: f"{cause.replace(' ', '_')}_ns" for cause in CAUSES}
#: Devices and streams in the chart; the rest, the least busy ones, are in the table alone.
_MOST_ROWS = 24


def show_idle(it: View) -> None:
    """Busy, and idle by cause: each device, and each stream of it."""
    rows = pl.concat(_account_rows(one, len(it.opened)) for one in on_devices(it))
    labels = rows["label"].unique(maintain_order=True).to_list()
    wide = rows.pivot("part", index=["label", "events"], values="ns").select(
        pl.col("label").alias("of"), "events", *((pl.col(part) / 1e6).alias(f"{part} ms") for part in ("busy", *CAUSES)),
        (pl.col("busy") / pl.max_horizontal(pl.sum_horizontal("busy", *CAUSES), 1) * 100).alias("busy share"),
    )  # fmt: skip
    first = wide.row(0, named=True)
    chart_with_table(
        stacked_rows(rows.filter(pl.col("label").is_in(labels[:_MOST_ROWS])), ("busy", *CAUSES), title="ms from the first start to the last end"), wide,
        alt=f"Busy and idle time by cause of {len(labels)} devices and streams. {first['of']}: busy {first['busy share']:.1f} %.", download_name="idle",
        columns={name: st.column_config.NumberColumn(name, format="%.1f %%" if name == "busy share" else "%.3f") for name in wide.columns[2:]},
    )  # fmt: skip
    if len(labels) > _MOST_ROWS:
        st.caption(f"{len(labels) - _MOST_ROWS} more streams are in the table.")
    st.caption(
        "*Host wait*: the next event was launched only after the last one had ended, so the host was late. *Launch gap*: it was launched in "
        f"time and began within {LAUNCH_GAP_BELOW_NS // 1000} µs. *Dependency*: it waited longer, for another stream, an event or a lock, or its "
        "launch was not recorded. A device is idle while none of its streams works."
    )
    accounts = _accounts(it)
    with st.expander("Computing, communicating and copying by device", icon=":material/table:", type="compact"):
        st.dataframe(
            accounts,
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in accounts.columns if name.endswith("ms")},
        )
        downloads(accounts, "devices")


def _account_rows(one: Opened, of: int) -> pl.DataFrame:
    """`label`, `events`, `part`, `ns`: devices, each followed by its streams, the busiest first."""
    accounts: dict[str, dict[str, int]] = analysis(one, "devices")
    idle: dict[str, Any] = analysis(one, "idle causes")
    streams: pl.DataFrame = analysis(one, "streams")
    before = f"{one.side.upper()} · " if of > 1 else ""
    rows: list[tuple[str, int, str, int]] = []
    for device, account in accounts.items():
        rows += _parts(f"{before}{device}", account["events"], account["busy_ns"], idle[device])
        own = streams.filter(pl.col("device") == device)
        if len(own) > 1:
            for lane, events, busy_ns in own.select("lane", "events", "busy_ns").iter_rows():
                rows += _parts(f"{before}{device} · {lane}", events, busy_ns, idle[device]["streams"][lane])
    return pl.DataFrame(rows, schema={"label": pl.String, "events": pl.Int64, "part": pl.String, "ns": pl.Int64}, orient="row")


def _parts(label: str, events: int, busy_ns: int, idle: dict[str, int]) -> list[tuple[str, int, str, int]]:
    return [(label, events, "busy", busy_ns), *((label, events, cause, idle[key]) for cause, key in _CAUSE_KEYS.items())]


def _accounts(it: View) -> pl.DataFrame:
    rows = []
    for one in on_devices(it):
        names = {device.label: device.name for device in one.trace.facts.devices}
        for label, account in analysis(one, "devices").items():
            times = {
                f"{name.removesuffix('_ns').replace('_', ' ')} ms": value / 1e6
                for name, value in account.items()
                if name.endswith("_ns")
            }
            rows.append(
                {"recording": one.short, "device": label, "name": names.get(label, ""), **times, "events": account["events"]}
            )
    return pl.DataFrame(rows)


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
    st.dataframe(table, hide_index=True, height="content", column_config={"what": st.column_config.TextColumn(width=230),
                                                                          **{short: st.column_config.TextColumn(width=140) for short in shorts}})  # fmt: skip
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
                  help="At most: gaps inside a step in which the device waited for the host or for its own next launch, before work whose launch was recorded.")  # fmt: skip


def _us(value_ns: float | None) -> str:
    return formats.NONE if value_ns is None else f"{formats.ms(value_ns / 1e3).removesuffix(' ms')} µs"


#: What the table says of launches: how it is written, and what it means.
_LAUNCH_ROWS: dict[str, tuple[Any, str]] = {
    "device events with a launch": (lambda one: f"{one.launched:,}", "The call on the host that started them is known, by correlation."),
    "device events without": (lambda one: f"{one.unlaunched:,}", "Started before the recording, or their call was not recorded."),
    "launch to start, median": (lambda one: _us(one.latency_p50_ns), "From the end of the host's call to the start on the device."),
    "launch to start, 95 % within": (lambda one: _us(one.latency_p95_ns), "A long tail means a full queue: the device is what limits."),
    "began before the call returned": (lambda one: f"{one.negative:,}", "The device was quicker than the call."),
    "kernels shorter than their call": (lambda one: f"{one.shorter_than_launch:,}", "The host cannot keep up with these; fusing or capturing helps."),
    "launching calls, in all": (lambda one: formats.ms(one.launch_calls_ns / 1e6), "Time of the host in them."),
    "mean queue depth": (lambda one: formats.NONE if one.queue_depth_mean is None else f"{one.queue_depth_mean:.2f}", "Launches that wait for the device."),
    "idle time": (lambda one: formats.ms(one.idle_ns / 1e6), "Of all devices, between their first and last event."),
    "of it, the host was late": (lambda one: formats.ms(one.host_wait_ns / 1e6), "The next work was launched after the last had ended."),
    "a captured graph could save": (lambda one: formats.ms(one.graph_recoverable_ns / 1e6), "At most: waits for the host and launch gaps inside steps."),
}  # fmt: skip

_MEASURES = {
    "GPU utilisation": "utilisation", "estimated SM efficiency": "sm_efficiency", "estimated occupancy": "occupancy",
}  # fmt: skip


def show_efficiency(it: View) -> None:
    """How well the devices were filled while the steps ran."""
    rows = []
    colours = it.colours
    for one in on_devices(it):
        before = f"{one.side.upper()} · " if len(it.opened) > 1 else ""
        found = analysis(one, "efficiency")
        rows += [
            (measure, f"{before}{label}", one.short, getattr(value, name))
            for label, value in found.items()
            for measure, name in _MEASURES.items()
        ]
        cores = analysis(one, "tensor core share")
        for measure, of in (("tensor cores, of kernel time", "kernels"), ("tensor cores, of matrix products", "products")):
            whole = sum(cores[of].values())
            rows.append(
                (
                    measure,
                    f"{before}all devices" if len(found) > 1 else f"{before}{next(iter(found))}",
                    one.short,
                    cores[of]["yes_ns"] / whole if whole else None,
                )
            )
    order = [*_MEASURES, "tensor cores, of kernel time", "tensor cores, of matrix products"]
    table = pl.DataFrame(
        rows, schema={"measure": pl.String, "label": pl.String, "group": pl.String, "share": pl.Float64}, orient="row"
    )
    table = table.sort(pl.col("measure").cast(pl.Enum(order)), maintain_order=True)
    best = table.drop_nulls("share")
    words = (
        f"{best['label'][0]}: {best['measure'][0]} {formats.percent(best['share'][0])}." if len(best) else "Nothing was recorded."
    )
    chart_with_table(
        share_bars(table, colours), table.select("measure", pl.col("label").alias("of"), pl.col("share") * 100), alt=f"Shares by device. {words}",
        download_name="efficiency", columns={"share": st.column_config.NumberColumn("share", format="%.2f %%")},
    )  # fmt: skip
    st.caption(
        "*GPU utilisation*: a kernel ran, of the steps' time (of the device's own span where no step is marked). *SM efficiency*: mean share of "
        "multiprocessors with a block. *Occupancy*: mean share of a multiprocessor's threads that are resident while kernels run, as the profiler "
        "estimated it. *Tensor cores* (matrix cores): by the families of kernel names below; a name that does not say counts as not using them."
    )
    for one in on_devices(it):
        families = analysis(one, "tensor cores")
        st.markdown(f"**Families of kernels: {formats.plain(one.label)}**")
        shown = families.select(
            "family", pl.when("tensor_core").then(pl.lit("yes")).when(~pl.col("tensor_core")).then(pl.lit("no")).otherwise(pl.lit("unknown")).alias("tensor_cores"),
            "count", (pl.col("total_ns") / 1e6).alias("ms"), (pl.col("share") * 100).alias("share"),
        )  # fmt: skip
        st.dataframe(shown, hide_index=True, column_config={
            "tensor_cores": "tensor cores", "count": st.column_config.NumberColumn("launches", format="localized"), "ms": st.column_config.NumberColumn("ms", format="%.3f"),
            "share": st.column_config.ProgressColumn("share of kernel time", format="%.1f %%", min_value=0, max_value=100)})  # fmt: skip
        downloads(shown, f"tensor-cores-{one.side}")
