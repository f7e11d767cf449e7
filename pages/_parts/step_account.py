"""What a profiled step is made of, what the profiler could not place, and what it cost."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.steps import ALL_LANES
from core.charts.palette import Sides
from core.store.comparisons import StoredComparison
from core.traces.schema import HOST
from pages._parts import formats
from pages._parts.profiles import Profile, step_accounting


def show_account(one: StoredComparison, found: dict[str, Profile], names: Sides) -> None:
    """A step's wall time divided to the nanosecond, coverage of the recording, and the profiler's slowdown."""
    st.subheader("Does it add up?", anchor=False)
    accounts = {side: step_accounting(profile) for side, profile in found.items()}
    for column, (side, account) in zip(st.columns(2), accounts.items(), strict=False):
        with column, st.container(border=True):
            _show_side(one, found[side], account, names.name(side))
    if all(device.label == HOST for profile in found.values() for device in profile.trace.facts.devices):
        st.caption("Both ran on the CPU, where an operator is its own kernel: no device works behind it.")
    else:
        st.caption("These are the operators on the host; on a GPU they launch the kernels that do the work.")
    with st.expander("Thread by thread, and what was read of the recordings", icon=":material/receipt_long:"):
        _details(found, accounts, names)


def _show_side(one: StoredComparison, profile: Profile, account: pl.DataFrame, name: str) -> None:
    total = account.row(by_predicate=pl.col("lane") == ALL_LANES, named=True)
    st.markdown(f"**{formats.plain(name)}**")
    with st.container(horizontal=True, gap="medium"):
        st.metric("Profiled step", formats.ms(total["wall_ms"]), width=130)
        st.metric("In operators", formats.ms(total["self_ms"]), width=130)
        st.metric("In no operator", formats.ms(total["rest_ms"]), width=130,
                  help="No thread was inside an operator: Python, the framework's dispatch, waiting.")  # fmt: skip
    overlap = (
        f", less {formats.ms(total['overlap_ms'])} in which several threads worked at once" if total["overlap_ms"] > 0.0005 else ""
    )
    st.caption(
        f"Operators{overlap}, and the rest ({formats.percent(total['rest_ms'] / total['wall_ms'])}) add up to the step, to the nanosecond."
    )
    assert one.result is not None
    summary = one.result.sides.get(profile.side)
    if summary is not None and summary.profiler_slowdown is not None:
        slowdown = summary.profiler_slowdown
        st.caption(f"Under the profiler a step takes {formats.factor(slowdown)} as long; no timed run carries it.")


def _details(found: dict[str, Profile], accounts: dict[str, pl.DataFrame], names: Sides) -> None:
    lanes = pl.concat([account.select(pl.lit(names.name(side)).alias("side"), pl.all()) for side, account in accounts.items()])
    st.dataframe(
        lanes, hide_index=True,
        column_config={
            "lane": "thread", "main": st.column_config.CheckboxColumn("marked the step"),
            **{f"{name}_ms": st.column_config.NumberColumn(f"{label} (ms per step)", format="%.3f")
               for name, label in (("wall", "step"), ("self", "operators"), ("overlap", "overlap"), ("rest", "in no operator"))},
        },
    )  # fmt: skip
    rows = []
    for side, profile in found.items():
        facts, coverage = profile.trace.facts, profile.trace.facts.coverage
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in coverage.events_skipped.items()) or "none"
        rows.append((names.name(side), facts.source, len(facts.steps), coverage.events_found, coverage.events_read, skipped))
    columns = ["side", "format", "steps marked", "events found", "events read", "left out, and why"]
    st.dataframe(pl.DataFrame(rows, schema=columns, orient="row"), hide_index=True)
