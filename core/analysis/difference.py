"""Two recordings next to each other, of one framework or of both: where the time per step differs, by whatever both have names
for.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from core.analysis.operators import name_layers, with_gradients_together
from core.analysis.work import device_costs, has_device_work, host_costs
from core.traces.schema import Trace

#: Names and kinds of a model's layers.
Declared = Sequence[tuple[str, str]]
GROUPS = ("op_class", "layer", "operator", "kernel")


def on_devices(*traces: Trace) -> bool:
    """Whether every recording has device work; else their operators are compared, which on a CPU are the kernels."""
    return all(has_device_work(trace) for trace in traces)


def cost_by(trace: Trace, group: str, *, device: bool, declared: Declared = ()) -> pl.DataFrame:
    """What a step costs by one of GROUPS: `key` (null: not known), `ns` and `count`, both per step.

    On devices device time, on the host operators' self time, as `core.analysis.work` defines them; there a kernel is its operator.
    Layers take the names that are `declared` (`core.analysis.operators.name_layers`).
    """
    costs = device_costs(trace) if device else host_costs(trace)
    if group == "layer" and declared:
        costs = name_layers(costs.with_columns(pl.col("layer").cast(pl.String)), declared)
    key = group if group in costs.columns else "operator"
    return costs.group_by(pl.col(key).alias("key")).agg(
        pl.col("time_ns" if device else "self_ns").sum().alias("ns"), pl.col("count").sum()
    )


def difference(a: Trace, b: Trace, group: str, declared: tuple[Declared, Declared] = ((), ())) -> pl.DataFrame:
    """One row per key of either side, largest difference first: `key`, `a_ns`, `b_ns`, `difference_ns` (b minus a), `ratio` (b
    over a; null where a has none), `a_count`, `b_count`, all per step. The differences sum to that of the two totals.
    By `op_class`, the two gradients of a convolution are one row where either side computes them in one operator. By `layer`, those meet
    that both sides call alike: `declared`, (name, kind) of each side's layers in order, tells what the program calls them.
    """
    device = on_devices(a, b)
    sides = [cost_by(trace, group, device=device, declared=layers) for trace, layers in zip((a, b), declared, strict=True)]
    if group == "op_class":
        sides = [side.group_by("key").agg(pl.col("ns", "count").sum()) for side in with_gradients_together(*sides)]
    left, right = (side.rename({"ns": f"{letter}_ns", "count": f"{letter}_count"}) for letter, side in zip("ab", sides, strict=True))
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
