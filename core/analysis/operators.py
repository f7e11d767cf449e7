"""Where a step's time goes by operator, by what operators do, and by layer; and two sides of a comparison next to each other.

All tables are means over the steps given, in nanoseconds per step. `self_ns` is self time as `core.analysis.steps` defines it,
over all threads of the host, cut at the steps. `share` is its part of the steps' wall time: on one thread the shares and that of
what is in no operator add up to 1; operators that overlap on several threads bring them above it by the overlap.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import polars as pl

from core.analysis.steps import begun_inside, operator_pieces, time_inside
from core.traces.schema import HOST, Step

#: What the rows beyond the largest are summed up as.
REMAINDER = "all others"
#: One operator that computes both gradients (PyTorch on a CPU) cannot be divided; two that compute one each can be added.
_BOTH_GRADIENTS = "convolution backward"
_ONE_GRADIENT = ("convolution backward data", "convolution backward weights")


def operator_costs(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """Operators by all that they are known by: one row per `operator` (its name), `op_class`, `layer` (null: no layer is known) and
    `phase`, with `count` (begun per step), `self_ns`, `total_ns`, `share`; largest first.

    `total_ns` is the time inside the operator with everything nested in it, so it holds some time more than once.
    """
    return _table(events, steps, ("name", "op_class", "layer", "phase")).rename({"name": "operator"})


def regrouped(costs: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows of `operator_costs` put together by some of what they are known by; largest first."""
    sums = pl.col("count", "self_ns", "total_ns", "share").sum()
    return costs.group_by(keys).agg(sums).sort("self_ns", *keys, descending=[True, *[False] * len(keys)])


def _table(events: pl.DataFrame, steps: Sequence[Step], keys: tuple[str, ...]) -> pl.DataFrame:
    wall_ns = sum(step.end_ns - step.start_ns for step in steps)
    operators = events.filter((pl.col("kind") == "operator") & (pl.col("device") == HOST))
    own = operator_pieces(events, steps).group_by("row").agg((pl.col("end_ns") - pl.col("start_ns")).sum().alias("own_ns"))
    inside = (
        operators.select("row", *keys)
        .with_columns(time_inside(operators, steps), begun_inside(operators, steps))
        .filter((pl.col("total_ns") > 0) | pl.col("begun"))
        .join(own, on="row", how="left")
    )
    per_step = max(len(steps), 1)
    self_ns = pl.col("own_ns").sum()
    return (
        inside.group_by(keys)
        .agg(
            (pl.col("begun").sum() / per_step).alias("count"),
            (self_ns / per_step).alias("self_ns"),
            (pl.col("total_ns").sum() / per_step).alias("total_ns"),
            (self_ns / max(wall_ns, 1)).alias("share"),
        )
        .with_columns(pl.col(keys).cast(pl.String))
        .sort("self_ns", *keys, descending=[True, *[False] * len(keys)])
    )


def name_layers(table: pl.DataFrame, declared: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Give the layers of a table the names that the program gave them, so that two sides can be mirrored by layer.

    `declared` is (name, kind) of the model's layers in order, as a run's `parity` event lists them. Kineto calls a module by its
    class and its number among those of that class (`Conv2d_1`), Keras adds a number to a name that was used before (`conv1_1`).
    What fits no declared layer keeps its name.
    """
    seen: Counter[str] = Counter()
    names: dict[str, str] = {}
    for name, kind in declared:
        names[f"{kind}_{seen[kind]}"] = name
        seen[kind] += 1
    own = {name for name, _ in declared}
    for layer in table["layer"].drop_nulls().unique().to_list():
        base = re.sub(r"_\d+$", "", layer)
        if layer in own or base in own:
            names[layer] = layer if layer in own else base
    return table.with_columns(pl.col("layer").replace(names))


def mirror(a: pl.DataFrame, b: pl.DataFrame, *, by: str, measure: str = "self_ns", top: int = 15) -> pl.DataFrame:
    """Two sides' tables as one for a mirrored chart: `key`, `op_class`, `a`, `b`, largest of either side first.

    `by` is the column that matches them: `op_class`, `layer`, `operator`, `kernel`. `measure` is the column that is summed up: a time in
    nanoseconds, given in milliseconds here, or `count`. A key that only one side has is 0 on the other; the rows beyond `top` are
    summed up in one called `REMAINDER`, so both columns sum to their side's whole.
    By `op_class`, the two gradients of a convolution are one row where either side computes them in one operator.
    """
    sides = [_keyed(side, by, measure) for side in (a, b)]
    if by == "op_class":
        sides = [
            side.with_columns(pl.col("key").alias("op_class")).group_by("key", "op_class").agg(pl.col("value").sum())
            for side in with_gradients_together(*sides)
        ]
    both = (
        sides[0].rename({"value": "a", "op_class": "a_class"})
        .join(sides[1].rename({"value": "b", "op_class": "b_class"}), on="key", how="full", coalesce=True)
        .select("key", pl.coalesce("a_class", "b_class").alias("op_class"), pl.col("a", "b").fill_null(0.0))
        .sort(pl.max_horizontal("a", "b"), "key", descending=[True, False])
    )  # fmt: skip
    if len(both) <= top:
        return both
    rest = both[top:].select(
        pl.lit(f"{REMAINDER} ({len(both) - top})").alias("key"),
        pl.lit("other").alias("op_class"),
        pl.col("a", "b").sum(),
    )
    return pl.concat([both[:top], rest])


def with_gradients_together(*sides: pl.DataFrame) -> list[pl.DataFrame]:
    """Tables with op classes in `key`, where both gradients of a convolution have one key if any side computes them in one operator;
    rows are renamed, not summed up.
    """
    if not any(_BOTH_GRADIENTS in side["key"].to_list() for side in sides):
        return list(sides)
    together = pl.when(pl.col("key").is_in(_ONE_GRADIENT)).then(pl.lit(_BOTH_GRADIENTS)).otherwise(pl.col("key"))
    return [side.with_columns(together.alias("key")) for side in sides]


def _keyed(table: pl.DataFrame, by: str, measure: str) -> pl.DataFrame:
    """`key`, `op_class` (that of the key's largest row; `other` where the table has none), `value`."""
    named = table.with_columns(
        pl.col(by).cast(pl.String).fill_null(f"no {by}").alias("key"),
        pl.col("op_class").cast(pl.String) if "op_class" in table.columns else pl.lit("other").alias("op_class"),
    )
    return (
        named.sort(measure, descending=True)
        .group_by("key", maintain_order=True)
        .agg(pl.col("op_class").first(), (pl.col(measure).sum() / (1e6 if measure.endswith("_ns") else 1.0)).alias("value"))
    )
