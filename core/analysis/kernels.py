"""What ran on the devices: kernels, copies, memsets and collectives, by name, by what they do, by operator and by layer."""

from __future__ import annotations

import polars as pl

from core.analysis.devices import device_work
from core.analysis.tensor_cores import family


def with_operator_names(work: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Names as text: `kernel` (its own), `operator` (that of its operator; null where none is linked), `op_class`, `layer`,
    `phase`.
    """
    operator = events["name"].gather(work["operator"]).cast(pl.String)
    return work.with_columns(
        pl.col("name").cast(pl.String).alias("kernel"),
        pl.coalesce(operator.alias("operator"), pl.col("scope").cast(pl.String)).alias("operator"),
        pl.col("op_class", "layer", "phase", "device", "lane").cast(pl.String),
    )


def kernel_table(events: pl.DataFrame) -> pl.DataFrame:
    """Device work by name, largest first: `name`, `kind`, `count`, `total_ns`, `mean_ns`, `min_ns`, `max_ns`, `share` (of all
    device work), `op_class`, `operator` (those that most of its time belongs to), `tensor_core` (null: its name does not tell),
    `tensor_core_family`, `blocks_per_sm` and `occupancy_percent` (means by duration).
    """
    work = with_operator_names(device_work(events), events)
    by = ["kernel", "kind"]
    most = [_most(work, by, column) for column in ("op_class", "operator")]
    weight = pl.col("duration_ns").cast(pl.Float64)
    table = work.group_by(by).agg(
        pl.len().alias("count"),
        pl.col("duration_ns").sum().alias("total_ns"),
        pl.col("duration_ns").mean().alias("mean_ns"),
        pl.col("duration_ns").min().alias("min_ns"),
        pl.col("duration_ns").max().alias("max_ns"),
        *(
            ((pl.col(name) * weight).sum() / weight.filter(pl.col(name).is_not_null()).sum()).fill_nan(None).alias(name)
            for name in ("blocks_per_sm", "occupancy_percent")
        ),
    )
    for column in most:
        table = table.join(column, on=by, how="left")
    families = {name: family(name) for name in table["kernel"].to_list()}
    known = pl.DataFrame(
        [(name, found.tensor_core, found.family) for name, found in families.items()],
        schema={"kernel": pl.String, "tensor_core": pl.Boolean, "tensor_core_family": pl.String}, orient="row",
    )  # fmt: skip
    total = pl.col("total_ns").sum()
    return (
        table.join(known, on="kernel", how="left")
        .with_columns((pl.col("total_ns") / pl.max_horizontal(total, 1)).alias("share"))
        .rename({"kernel": "name"})
        .select("name", "kind", "count", "total_ns", "mean_ns", "min_ns", "max_ns", "share", "op_class", "operator", "tensor_core",
                "tensor_core_family", "blocks_per_sm", "occupancy_percent")
        .sort("total_ns", "name", descending=[True, False])
    )  # fmt: skip


def _most(work: pl.DataFrame, by: list[str], column: str) -> pl.DataFrame:
    """The value of a column that most of a group's time has."""
    return (
        work.group_by(*by, column)
        .agg(pl.col("duration_ns").sum())
        .sort("duration_ns", column, descending=[True, False])
        .group_by(by, maintain_order=True)
        .agg(pl.col(column).first())
    )
