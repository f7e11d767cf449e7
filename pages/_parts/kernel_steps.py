"""What each step was made of, one owner for every nanosecond."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.breakdown import PARTS, input_bound_share
from core.charts.breakdown import MOST_STEPS, step_bars
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.kernel_work import View, analysis
from pages._parts.opened import Opened

_ORDER = {
    "kernel": "a kernel ran", "memcpy": "copying", "memset": "setting memory", "communication": "a collective ran",
    "runtime": "a call to the device's runtime",
    "input": "fetching input", "operator": "an operator on the host", "other": "nothing recorded",
}  # fmt: skip


def show_steps(it: View) -> None:
    """A bar per step and side, on one axis."""
    found = {one.side: analysis(one, "breakdown") for one in it.opened if one.trace.facts.steps}
    reach = (
        max(float(table.group_by("step").agg(pl.col("duration_ns").sum())["duration_ns"].max()) for table in found.values()) / 1e6
    )
    columns = st.columns(len(it.opened), gap="medium")
    for column, one in zip(columns, it.opened, strict=True):
        with column:
            st.markdown(f"**{formats.plain(one.label)}**")
            if one.side in found:
                _side(one, found[one.side], reach * 1.02)
            else:
                st.caption("No step is marked in this recording.")
    words = "; ".join(f"*{part}*: {_ORDER[part]}" for part in PARTS)
    st.caption(
        f"A moment belongs to the first of these that happens in it: {words}. So the parts of a step sum to its time, to the nanosecond."
    )


def _side(one: Opened, table: pl.DataFrame, reach_ms: float) -> None:
    steps = one.trace.facts.steps
    bound = input_bound_share(table)
    median = pl.Series([step.end_ns - step.start_ns for step in steps]).median()
    with st.container(horizontal=True, gap="medium"):
        st.metric("Steps marked", f"{len(steps):,}", width=120)
        st.metric("Median step", formats.ms(float(median) / 1e6 if isinstance(median, int | float) else None), width=140)
        st.metric("Waiting for input alone", formats.percent(bound), width=180)
    parts = table.group_by("part").agg(pl.col("duration_ns").sum()).sort("duration_ns", descending=True)
    largest, whole = parts.row(0), max(int(parts["duration_ns"].sum()), 1)
    means = f", drawn as means of neighbours, {MOST_STEPS} bars at most" if len(steps) > MOST_STEPS else ""
    number = st.column_config.NumberColumn
    chart_with_table(
        step_bars(table, PARTS, reach_ms=reach_ms), table.select("step", "part", (pl.col("duration_ns") / 1e6).alias("ms"), pl.col("share") * 100),
        alt=f"Parts of {len(steps)} steps of {one.label}{means}; most is {largest[0]}, {formats.percent(largest[1] / whole)}.",
        download_name=f"steps-{one.side}",
        columns={"ms": number("ms", format="%.4f"), "share": number("share of the step", format="%.1f %%")},
    )  # fmt: skip
