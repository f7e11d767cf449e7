"""Two recordings next to each other, of one framework or of both: where the time per step differs, by whatever both have names
for.
"""

from __future__ import annotations

import polars as pl

from core.analysis.devices import device_work
from core.analysis.kernels import with_operator_names
from core.analysis.operators import class_table, layer_table, operator_table
from core.analysis.steps import windows
from core.traces.schema import Trace

GROUPS = ("op_class", "layer", "operator", "kernel")


def on_devices(*traces: Trace) -> bool:
    """Whether every recording has device work; else their operators are compared, which on a CPU are the kernels."""
    return all(not device_work(trace.events).is_empty() for trace in traces)


def step_count(trace: Trace) -> int:
    """Steps to divide by: those marked, at least one."""
    return max(len(trace.facts.steps), 1)


def cost_by(trace: Trace, group: str, *, device: bool) -> pl.DataFrame:
    """What a step costs by one of GROUPS: `key` (null: not known), `ns` and `count`, both per step.

    On devices: all device work that belongs to a marked step, where steps are marked; else all of it. On the host: operators'
    self time inside the steps (`core.analysis.operators`); there a kernel is its operator.
    """
    if not device:
        table = {"op_class": class_table, "layer": layer_table}.get(group, operator_table)(trace.events, windows(trace))
        column = "name" if group in ("operator", "kernel") else group
        return table.group_by(pl.col(column).alias("key")).agg(pl.col("self_ns").sum().alias("ns"), pl.col("count").sum())
    work = device_work(trace.events)
    if trace.facts.steps:
        work = work.filter(pl.col("step").is_not_null())
    steps = step_count(trace)
    named = with_operator_names(work, trace.events)
    return named.group_by(pl.col(group).alias("key")).agg(
        (pl.col("duration_ns").sum() / steps).alias("ns"), (pl.len() / steps).alias("count")
    )


def difference(a: Trace, b: Trace, group: str) -> pl.DataFrame:
    """One row per key of either side, largest difference first: `key`, `a_ns`, `b_ns`, `difference_ns` (b minus a), `ratio` (b
    over a; null where a has none), `a_count`, `b_count`, all per step. The differences sum to that of the two totals.
    """
    device = on_devices(a, b)
    left, right = (
        cost_by(trace, group, device=device).rename({"ns": f"{side}_ns", "count": f"{side}_count"})
        for side, trace in (("a", a), ("b", b))
    )
    both = left.join(right, on="key", how="full", coalesce=True, nulls_equal=True).with_columns(
        pl.col("a_ns", "b_ns", "a_count", "b_count").fill_null(0.0)
    )
    return (
        both.with_columns(
            (pl.col("b_ns") - pl.col("a_ns")).alias("difference_ns"),
            pl.when(pl.col("a_ns") > 0).then(pl.col("b_ns") / pl.col("a_ns")).alias("ratio"),
        )
        .select("key", "a_ns", "b_ns", "difference_ns", "ratio", "a_count", "b_count")
        .sort(pl.col("difference_ns").abs(), "key", descending=[True, False])
    )
