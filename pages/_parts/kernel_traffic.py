"""What moved: copies by direction, collectives by kind, and how much of the communication hides behind computing."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.charts.breakdown import MOST_STEPS, grouped_bars, step_bars
from core.charts.kernel_names import axis_labels
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened

_MOST_BARS = 20
#: What a device does at a moment, by whether it computes and whether it communicates.
_OVERLAP = {
    "computing": "computing_ns",
    "computing and communicating": "overlap_ns",
    "communicating alone": "exposed_ns",
    "neither": "neither_ns",
}


def show_copies(it: View) -> None:
    """Copies and memsets by direction, with their bandwidth."""
    table = pl.concat(analysis(one, "copies").select(pl.lit(one.short).alias("recording"), pl.all()) for one in on_devices(it))
    directions = (
        table.group_by("recording", "direction", maintain_order=True)
        .agg(
            pl.col("total_ns").sum(), pl.col("count").sum(), pl.col("bytes").sum(),
            (pl.col("bytes").sum() / pl.col("total_ns").filter(pl.col("bytes").is_not_null()).sum()).alias("gb_per_s"), pl.col("synchronous").sum(),
        )
        .with_columns(pl.when(pl.col("gb_per_s").is_finite()).then("gb_per_s"))
    )  # fmt: skip
    said = [_copy_words(row["total_ns"], row["count"], row["bytes"], row["gb_per_s"]) for row in directions.iter_rows(named=True)]
    drawn = directions.select(
        pl.col("direction").alias("key"),
        pl.col("recording").alias("group"),
        (pl.col("total_ns") / 1e6).alias("ms"),
        pl.Series("text", said),
    )
    shown = table.select(
        *([] if len(it.opened) == 1 else ["recording"]), "device", "direction", "name", "count", (pl.col("bytes") / 2**20).alias("mib"),
        (pl.col("total_ns") / 1e6).alias("ms"), pl.col("bandwidth_gb_per_s").alias("gb_per_s"), "synchronous",
    )  # fmt: skip
    largest = drawn.sort("ms", descending=True).row(0, named=True)
    number = st.column_config.NumberColumn
    chart_with_table(
        grouped_bars(drawn.sort("ms", descending=True), it.colours, title="ms of copying, in all"), shown,
        alt=f"Time of copies by direction. Longest: {largest['key']}, {largest['text']}.", download_name="copies", folded=False,
        columns={"mib": number("MiB", format="%.3f"), "ms": number("ms", format="%.3f"), "gb_per_s": number("GB/s", format="%.2f"),
                 "count": number(format="localized"),
                 "synchronous": number("the host waited", help="Called by a function without Async in its name.", format="localized")},
    )  # fmt: skip
    waits = int(directions["synchronous"].sum())
    st.caption(
        f"GB/s: 10⁹ bytes per second of copying, of those copies whose size was recorded. "
        f"{f'The host waited for {waits:,} of them.' if waits else 'The host waited for none of them.'}"
    )


def _copy_words(total_ns: int, count: int, size: int, gb_per_s: float | None) -> str:
    speed = "size not recorded" if gb_per_s is None else f"{formats.size(size)} at {gb_per_s:,.3g} GB/s"
    return f"{formats.ms(total_ns / 1e6)} · {count:,}x · {speed}"


def show_communication(it: View) -> None:
    """Collectives, and how much of them is exposed."""
    here = [one for one in on_devices(it) if not analysis(one, "collectives").is_empty()]
    table = pl.concat(analysis(one, "collectives").select(pl.lit(one.short).alias("recording"), pl.all()) for one in here)
    _overlap_metrics(here)
    largest = (
        table.group_by("recording", "name", maintain_order=True)
        .agg(pl.col("total_ns", "count").sum())
        .sort("total_ns", descending=True)
        .head(_MOST_BARS)
    )
    said = [f"{formats.ms(row['total_ns'] / 1e6)} · {row['count']:,}x" for row in largest.iter_rows(named=True)]
    names = largest["name"].unique(maintain_order=True).to_list()
    drawn = largest.select(
        pl.col("name").replace(dict(zip(names, axis_labels(names), strict=True))).alias("key"), pl.col("recording").alias("group"),
        (pl.col("total_ns") / 1e6).alias("ms"), pl.Series("text", said),
    )  # fmt: skip
    number = st.column_config.NumberColumn
    shown = table.select(
        *([] if len(it.opened) == 1 else ["recording"]), "device", "name", "count", (pl.col("total_ns") / 1e6).alias("ms"),
        *((pl.col(f"{name}_ns") / 1e3).alias(f"{name}_us") for name in ("mean", "min", "max")), (pl.col("bytes") / 2**20).alias("mib"),
    )  # fmt: skip
    st.markdown("**Collectives**")
    chart_with_table(
        grouped_bars(drawn, {one.short: it.colours[one.short] for one in here}, title="ms on the devices, in all"), shown,
        alt=f"Time of collectives. Longest: {drawn['key'][0]}, {drawn['text'][0]}.", download_name="collectives",
        columns={"count": number(format="localized"), "ms": number("ms", format="%.3f"), "mib": number("MiB", format="%.3f"),
                 **{f"{name}_us": number(f"{name} (µs)", format="%.1f") for name in ("mean", "min", "max")}},
    )  # fmt: skip
    st.markdown("**How much of it hides behind computing**")
    columns = st.columns(len(here), gap="medium")
    reach = max(float(analysis(one, "overlap")["wall_ns"].max()) for one in here) / 1e6 * 1.02
    for column, one in zip(columns, here, strict=True):
        with column:
            _overlap(one, reach, titled=len(it.opened) > 1)


def _overlap_metrics(here: list[Opened]) -> None:
    for one in here:
        table = analysis(one, "overlap")
        sums = {name: int(table[f"{name}_ns"].sum()) for name in ("wall", "communication", "exposed", "overlap")}
        if len(here) > 1:
            st.markdown(f"**{formats.plain(one.label)}**")
        with st.container(horizontal=True, gap="medium"):
            st.metric("Communicating, in the steps", formats.ms(sums["communication"] / 1e6), width=220)
            st.metric(
                "Hidden behind computing",
                formats.percent(sums["overlap"] / sums["communication"] if sums["communication"] else None),
                width=210,
            )
            st.metric("Exposed", formats.ms(sums["exposed"] / 1e6), width=150)
            st.metric(
                "Exposed, of the steps' time", formats.percent(sums["exposed"] / sums["wall"] if sums["wall"] else None), width=220
            )


def _overlap(one: Opened, reach_ms: float, *, titled: bool) -> None:
    if titled:
        st.markdown(formats.plain(one.label))
    table: pl.DataFrame = analysis(one, "overlap")
    numbered = table.with_columns(
        pl.col("step").fill_null(0), (pl.col("compute_ns") - pl.col("overlap_ns")).alias("computing_ns")
    ).group_by("step", maintain_order=True).agg(pl.col(*_OVERLAP.values()).sum())  # fmt: skip
    parts = pl.concat(
        numbered.select("step", pl.lit(part).alias("part"), pl.col(column).alias("duration_ns"))
        for part, column in _OVERLAP.items()
    ).sort("step", maintain_order=True)
    exposed = float(table["exposed_ns"].sum()) / max(float(table["wall_ns"].sum()), 1)
    shown = table.select(
        "device",
        "step",
        *((pl.col(name) / 1e6).alias(f"{name.removesuffix('_ns')}_ms") for name in table.columns if name.endswith("_ns")),
    )
    means = f", means of neighbours, {MOST_STEPS} bars at most" if parts["step"].n_unique() > MOST_STEPS else ""
    chart_with_table(
        step_bars(parts, tuple(_OVERLAP), reach_ms=reach_ms if table["device"].n_unique() == 1 else None), shown,
        alt=f"Computing and communicating by step of {one.label}{means}: {formats.percent(exposed)} of the time is communication that nothing hides.",
        download_name=f"overlap-{one.side}",
        columns={name: st.column_config.NumberColumn(name.replace("_ms", " (ms)"), format="%.3f") for name in shown.columns[2:]},
    )  # fmt: skip
