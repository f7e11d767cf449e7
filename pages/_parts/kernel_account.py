"""Does it add up? What was read, linked and classified of each recording, and how a step's time divides to the nanosecond."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from core.analysis.steps import ALL_LANES
from pages._parts import formats
from pages._parts.charts import downloads
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened

_PARTS = ("wall", "self", "overlap", "rest")


def show_coverage(it: View) -> None:
    """One line per recording: how much of it the numbers on this page rest on."""
    st.caption("  \n".join(f"{formats.plain(one.label)}: {_coverage_words(one)}" for one in it.opened))


def _coverage_words(one: Opened) -> str:
    found: dict[str, Any] = analysis(one, "coverage")
    skipped = sum(found["events_skipped"].values())
    words = [
        f"{found['events_read']:,} of {found['events_found']:,} events read"
        if skipped
        else f"all {found['events_found']:,} events read"
    ]
    if found["device_time_ns"]:
        words.append(f"{formats.percent(found['device_time_linked_fraction'])} of device time linked to an operator")
        words.append(f"{formats.percent(found['device_time_classified_fraction'])} classified")
    steps = len(one.trace.facts.steps)
    words.append("no step marked" if not steps else f"{steps} step{'' if steps == 1 else 's'} marked")
    return ", ".join(words)


def show_account(it: View) -> None:
    """Coverage as a table; a step's wall time divided, for each side."""
    table = _coverage_table(it)
    st.dataframe(table, hide_index=True, height="content")
    downloads(table, "coverage")
    for one in it.opened:
        found = analysis(one, "coverage")
        linked = found["device_time_linked_fraction"]
        if linked is not None and linked < 0.95:
            st.caption(f"{formats.plain(one.label)}: {_why_unlinked(found)}")
    st.subheader("A step's time on the host", anchor=False)
    for column, one in zip(st.columns(2), it.opened, strict=False):
        with column, st.container(border=True):
            _show_step(one)
    lanes = pl.concat(
        _accounting(one).select(*([] if len(it.opened) == 1 else [pl.lit(one.short).alias("recording")]), pl.all())
        for one in it.opened
    )
    with st.expander("Thread by thread", icon=":material/receipt_long:"):
        st.dataframe(
            lanes, hide_index=True,
            column_config={
                "lane": "thread", "main": st.column_config.CheckboxColumn("marked the step"),
                **{f"{name}_ms": st.column_config.NumberColumn(f"{label} (ms per step)", format="%.3f")
                   for name, label in zip(_PARTS, ("step", "operators", "overlap", "in no operator"), strict=True)},
            },
        )  # fmt: skip
        downloads(lanes, "threads")


def _coverage_table(it: View) -> pl.DataFrame:
    rows: dict[str, list[str]] = {}
    for one in it.opened:
        found, facts = analysis(one, "coverage"), one.trace.facts
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in found["events_skipped"].items()) or "none"
        values = {
            "format": facts.source,
            "framework": formats.framework(facts.framework),
            "devices": ", ".join(f"{device.label} {device.name}".strip() for device in facts.devices),
            "steps marked": f"{len(facts.steps):,}",
            "events found": f"{found['events_found']:,}",
            "events read": f"{found['events_read']:,}",
            "left out, and why": skipped,
        }
        on_device = {
            "kernels": f"{found['kernels']:,}",
            "kernels linked to an operator": f"{found['kernels_linked']:,}",
            "device time": formats.ms(found["device_time_ns"] / 1e6),
            "device time whose launch is known": formats.percent(found["device_time_launched_fraction"]),
            "device time linked to an operator": formats.percent(found["device_time_linked_fraction"]),
            "device time classified": formats.percent(found["device_time_classified_fraction"]),
        }
        for label, value in (values | on_device if on_devices(it) else values).items():
            rows.setdefault(label, []).append(value)
    shorts = [one.short for one in it.opened]
    return pl.DataFrame(
        [(label, *values) for label, values in rows.items()], schema=dict.fromkeys(["what", *shorts], pl.String), orient="row"
    )


def _why_unlinked(found: dict[str, Any]) -> str:
    """Each reason with its share of device time."""
    parts = (f"{formats.percent(part['device_time_ns'] / found['device_time_ns'])} {why}" for why, part in found["unlinked"].items())
    return f"of device time without an operator, {'; '.join(parts)}."


def _accounting(one: Opened) -> pl.DataFrame:
    """Means over the steps per lane, in ms: `lane`, `main`, `wall_ms`, `self_ms`, `overlap_ms`, `rest_ms`."""
    table: pl.DataFrame = analysis(one, "accounting")
    return table.group_by("lane", "main", maintain_order=True).agg(
        (pl.col(f"{name}_ns").mean() / 1e6).alias(f"{name}_ms") for name in _PARTS
    )


def _show_step(one: Opened) -> None:
    st.markdown(f"**{formats.plain(one.label)}**")
    if not analysis(one, "has operators"):
        st.caption("No operator of the host was recorded.")
        return
    account = _accounting(one)
    total = account.row(by_predicate=pl.col("lane") == ALL_LANES, named=True)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Profiled step" if one.trace.facts.steps else "Whole recording", formats.ms(total["wall_ms"]), width=140)
        st.metric("In operators", formats.ms(total["self_ms"]), width=130)
        st.metric("In no operator", formats.ms(total["rest_ms"]), width=130,
                  help="No thread was inside an operator: Python, the framework's dispatch, waiting.")  # fmt: skip
    overlap = (
        f", less {formats.ms(total['overlap_ms'])} in which several threads worked at once" if total["overlap_ms"] > 0.0005 else ""
    )
    st.caption(
        f"Operators{overlap}, and the rest ({formats.percent(total['rest_ms'] / total['wall_ms'])}) add up to the step, to the nanosecond."
    )
    if one.profiler_slowdown is not None:
        st.caption(f"Under the profiler a step takes {formats.factor(one.profiler_slowdown)} as long; no timed run carries it.")
    elif not analysis(one, "has device work"):
        st.caption("On the CPU an operator is its own kernel: no device works behind it.")
