"""Fragmentation of device memory: what the caching allocator holds of the device and cannot use, or cannot give back.

Over time it is `unused_bytes` of `core.analysis.snapshot.allocated_over_time`; where it lies is known at the end alone.
"""

from __future__ import annotations

import polars as pl

from core.traces.snapshot_schema import Snapshot


def fragmentation(snapshot: Snapshot) -> pl.DataFrame:
    """What the segments hold unused at the end: a row per segment, most unused first.

    Columns: `device`, `address`, `segment_type`, `pool`, `stream`, `total_bytes`, `active_bytes` (allocated, or waiting for a
    stream), `inactive_bytes` (total less active), `free_blocks`, `largest_free_bytes` (the largest request that it could still
    serve), `inactive_split_bytes`: the inactive bytes of a segment in which something is active, which cannot be given back to the
    device; 0 in a segment that is free as a whole.
    """
    inactive = (
        snapshot.blocks.filter(pl.col("state") == "inactive")
        .group_by("segment")
        .agg(pl.len().cast(pl.Int64).alias("free_blocks"), pl.col("size_bytes").max().alias("largest_free_bytes"))
    )
    in_use = snapshot.blocks.filter(pl.col("state") != "inactive")
    active = in_use.group_by("segment").agg(pl.col("size_bytes").sum().alias("active_bytes"))
    unused = pl.col("total_bytes") - pl.col("active_bytes")
    return (
        snapshot.segments.drop("active_bytes")
        .with_row_index("segment")
        .join(inactive, on="segment", how="left")
        .join(active, on="segment", how="left")
        .with_columns(pl.col("free_blocks", "largest_free_bytes", "active_bytes").fill_null(0))
        .with_columns(
            unused.alias("inactive_bytes"),
            pl.when(pl.col("active_bytes") > 0).then(unused).otherwise(0).alias("inactive_split_bytes"),
        )
        .sort("inactive_split_bytes", "inactive_bytes", "segment", descending=[True, True, False])
        .select(
            "device", "address", "segment_type", "pool", "stream", "total_bytes", "active_bytes", "inactive_bytes", "free_blocks",
            "largest_free_bytes", "inactive_split_bytes",
        )
    )  # fmt: skip


def fragmentation_by_device(snapshot: Snapshot) -> pl.DataFrame:
    """`fragmentation` per device: `device`, `segments`, `reserved_bytes`, `inactive_bytes`, `inactive_split_bytes`,
    `largest_free_bytes`, and `split_share`, the part of the reserved bytes that is inactive in split segments.
    """
    return (
        fragmentation(snapshot)
        .group_by(pl.col("device").cast(pl.String))
        .agg(
            pl.len().cast(pl.Int64).alias("segments"),
            pl.col("total_bytes").sum().alias("reserved_bytes"),
            pl.col("inactive_bytes", "inactive_split_bytes").sum(),
            pl.col("largest_free_bytes").max(),
        )
        .with_columns((pl.col("inactive_split_bytes") / pl.col("reserved_bytes").clip(1)).alias("split_share"))
        .sort("device")
    )
