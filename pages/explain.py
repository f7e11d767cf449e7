"""Explain: why does one side take longer?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.difference import on_devices
from core.analysis.explain import REST, can_be_explained, explain
from core.charts.explain import step_waterfall
from core.report.words import timed_steps
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.linked import carried, forget_unless
from pages._parts.opened import AGAINST, COMPARISON, TRACE, choose_opened, opened_sides, show_notes
from pages._parts.places import link

_GROUPS = {"class": "op_class", "layer": "layer", "operator": "operator"}
_MOST = (5, 10, 20)

st.title("Explain", anchor=False)
opened = choose_opened()
if len(opened) < 2:
    st.info("Choose a second recording beside the first, or a comparison with a profile of both sides.", title="There is nothing to compare with",
            icon=":material/compare_arrows:")  # fmt: skip
    link("kernels", "What costs most in this one?", **carried(COMPARISON, TRACE))
    st.stop()
show_notes(opened)
a, b = opened
if not can_be_explained(a.trace, b.trace):
    unmarked = " and ".join(formats.plain(one.label) for one in opened if not one.trace.facts.steps)
    why = f"{unmarked} marks no step" if unmarked else "The work on the device belongs to no marked step"
    st.info(f"{why}, and only a step's length can be divided. What each operation costs in all is on the Kernels page.",
            title="This cannot be explained step by step", icon=":material/straighten:")  # fmt: skip
    link("kernels", "Compare the two by what they cost", **carried(COMPARISON, TRACE, AGAINST))
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    groups = [*_GROUPS, "kernel"] if on_devices(a.trace, b.trace) else list(_GROUPS)
    forget_unless("group", groups)
    forget_unless("top", _MOST)
    group = st.segmented_control("Group by", groups, default="class", required=True, key="group", bind="query-params")
    most = st.selectbox("Bars", _MOST, index=1, key="top", bind="query-params", width=90)
sides = opened_sides(opened)
found = explain(a.trace, b.trace, _GROUPS.get(group, group), most=most, declared=(a.declared, b.declared))
a_ms, b_ms = found.a_ns / 1e6, found.b_ns / 1e6
longer, shorter = (sides.short_b, sides.short_a) if b_ms >= a_ms else (sides.short_a, sides.short_b)
# Only what moves the step the way it went: all work may take less where the step takes longer.
adds = found.parts.filter((pl.col("kind") == "work") & (pl.col("difference_ns") * (1 if b_ms >= a_ms else -1) > 0))
largest = adds.sort(pl.col("difference_ns").abs(), descending=True).row(0, named=True) if not adds.is_empty() else None
st.markdown(
    f"Under the profiler a step of **{formats.plain(longer)}** takes {formats.ms(abs(b_ms - a_ms))} longer than one of "
    f"**{formats.plain(shorter)}** ({formats.ms(max(a_ms, b_ms))} and {formats.ms(min(a_ms, b_ms))})"
    + (f"; what adds most to that is {formats.plain(largest['what'])}: {abs(largest['difference_ns']) / 1e6:,.2f} ms." if largest else ".")
)
table = found.parts.select(
    "what", *((pl.col(f"{side}_ns") / 1e6).alias(f"{side}_ms") for side in "ab"), (pl.col("difference_ns") / 1e6).alias("difference_ms"),
)  # fmt: skip
number = st.column_config.NumberColumn
chart_with_table(
    step_waterfall(found.parts, sides, a_ms=a_ms, b_ms=b_ms),
    table,
    alt=f"From a step of {a_ms:.2f} ms in A to one of {b_ms:.2f} ms in B, part by part",
    download_name="explain",
    columns={"what": "part", "a_ms": number(f"{sides.short_a} (ms per step)", format="%.3f"),
             "b_ms": number(f"{sides.short_b} (ms per step)", format="%.3f"), "difference_ms": number("B minus A (ms)", format="%+.3f")},
)  # fmt: skip
rest = found.parts.filter(pl.col("what") == REST[found.device])
whose = "of the devices" if found.device else "of the operators, which on a CPU are the kernels"
st.caption(
    f"Work is that {whose}. What is no work, '{REST[found.device]}', is always shown: "
    + (" and ".join(formats.ms(rest[f"{side}_ns"][0] / 1e6) for side in "ab") if not rest.is_empty() else "there is none")
    + ". The parts add up to the difference of the two steps exactly."
)
slow = [f"{formats.plain(one.short)} {formats.factor(one.profiler_slowdown)}" for one in opened if one.profiler_slowdown is not None]
if slow:
    timed = timed_steps([one.timed_step_ms for one in opened], (a_ms, b_ms))
    st.caption(f"The profiler makes a step take longer ({', '.join(slow)} as long); the verdict is of runs without it. {timed}".rstrip())
link("kernels", "See these operations one by one", **carried(COMPARISON, TRACE, AGAINST))
