"""What was copied between host and devices: how often, how much, how fast."""

from __future__ import annotations

import polars as pl

from core.analysis.devices import device_work


def copy_table(events: pl.DataFrame) -> pl.DataFrame:
    """Copies and memsets by device and direction: `device`, `direction` (the op class; `memset`), `name`, `count`, `bytes`
    (null where the profiler did not say), `total_ns`, `bandwidth_gb_per_s` (10^9 bytes per second of copying), `synchronous`
    (how many the host waited for: called by a function without `Async` in its name).
    """
    work = device_work(events).filter(pl.col("kind").is_in(["memcpy", "memset"]))
    call = events["name"].gather(work["launch"]).cast(pl.String)
    sized = pl.col("bytes").is_not_null()
    return (
        work.with_columns(call.alias("call"))
        .group_by(
            pl.col("device").cast(pl.String), pl.col("op_class").cast(pl.String).alias("direction"), pl.col("name").cast(pl.String)
        )
        .agg(
            pl.len().alias("count"),
            pl.when(sized.any()).then(pl.col("bytes").sum()).alias("bytes"),
            pl.col("duration_ns").sum().alias("total_ns"),
            (pl.col("bytes").sum() / pl.col("duration_ns").filter(sized).sum()).alias("bandwidth_gb_per_s"),
            (pl.col("call").is_not_null() & ~pl.col("call").str.contains("(?i)async|memset|launch")).sum().alias("synchronous"),
        )
        .with_columns(pl.when(pl.col("bandwidth_gb_per_s").is_finite()).then(pl.col("bandwidth_gb_per_s")))
        .sort("total_ns", "name", descending=[True, False])
    )
