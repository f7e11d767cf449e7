"""How each device and each of its streams spent its time: busy, or idle and why."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.idle import CAUSES, LAUNCH_GAP_BELOW_NS, busy_and_idle
from core.charts.breakdown import stacked_rows
from pages._parts.charts import chart_with_table, downloads
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened

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
    drawn = rows.filter(pl.col("label").is_in(labels[:_MOST_ROWS]))
    number = st.column_config.NumberColumn
    chart_with_table(
        stacked_rows(drawn, ("busy", *CAUSES), title="ms from the first start to the last end"), wide, download_name="idle",
        alt=f"Busy and idle time by cause of {len(labels)} devices and streams. {first['of']}: busy {first['busy share']:.1f} %.",
        columns={name: number(name, format="%.1f %%" if name == "busy share" else "%.3f") for name in wide.columns[2:]},
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
    before = f"{one.side.upper()} · " if of > 1 else ""
    return busy_and_idle(analysis(one, "devices"), analysis(one, "idle causes"), analysis(one, "streams"), before=before)


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
