"""Which release belongs to which allocation: the life of every block of device memory that an allocator's recording speaks of.

An address holds one block at a time, so on one device an allocation lives until the next completed release at its address. What a
recording does not hold is told from what it does:

- released without having been allocated: it was there before the recording, or before what a ring buffer still held;
- at the end in use, but never allocated: likewise, and the block itself says where it was allocated, if that was recorded then;
- allocated twice in a row: the release between is missing (the recording was paused); it is taken to be at the second allocation;
- released twice in a row: the allocation between is missing; the block counts for no time at all;
- allocated, not released, and at the end not in use: released after the recording was stopped; it stays to the end.

The recording counts bytes as they were asked for, the snapshot's blocks as the allocator rounded them. So that allocated memory
ends at what the snapshot holds, the difference over the blocks that live at the end is one more row, which is there all the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ORIGINS = ("recorded", "before", "rounding")

#: A row per block, by device and start. At a time t it holds memory where `start_ns` <= t < `end_ns`, null being without bound.
LIFE_SCHEMA = pl.Schema(
    {
        "device": pl.Categorical(),
        "address": pl.UInt64(),
        "size_bytes": pl.Int64(),
        "start_ns": pl.Int64(),
        # When its release was requested; until `end_ns` it then waits for other streams. -1: before the recording.
        "requested_ns": pl.Int64(),
        "end_ns": pl.Int64(),
        "stack": pl.UInt32(),
        "origin": pl.Enum(ORIGINS),
    }
)

_PLACE = ("device", "address")


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What a device's recording contradicts itself in, in blocks."""

    releases_missing: int = 0
    allocations_missing: int = 0
    outlived: int = 0
    """Neither released in the recording nor in use at the end."""


def block_lives(events: pl.DataFrame, blocks: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Gaps]]:
    """Lives in `LIFE_SCHEMA`, and what is missing, by device.

    `events` and `blocks` as in `core.traces.snapshot`, with no two events of a device at the same time.
    """
    moves = _moves(events)
    in_use = blocks.filter(pl.col("state") != "inactive").unique(_PLACE, keep="first")
    waiting_since = pl.when(pl.col("state") == "awaiting free").then(-1).alias("requested_ns")
    held = in_use.select(*_PLACE, "stack", pl.col("size_bytes").alias("held_bytes"), waiting_since)
    is_allocation = pl.col("action") == "alloc"
    recorded = moves.filter(is_allocation).with_columns(end_ns="next_ns")
    still = recorded.filter(pl.col("end_ns").is_null()).join(held.drop("stack", "requested_ns"), on=_PLACE, how="left")
    first_release = moves.filter(~is_allocation & pl.col("previous").is_null()).with_columns(end_ns="time_ns")
    unseen = held.join(still, on=_PLACE, how="anti")
    rounding = (
        still.filter(pl.col("held_bytes").is_not_null())
        .group_by("device")
        .agg((pl.col("held_bytes") - pl.col("size_bytes")).sum().alias("size_bytes"))
        .filter(pl.col("size_bytes") != 0)
    )
    lives = pl.concat(
        [
            _rows(recorded.with_columns(start_ns="time_ns"), "recorded"),
            _rows(first_release.with_columns(pl.lit(None).alias("stack")), "before"),
            _rows(unseen.rename({"held_bytes": "size_bytes"}), "before"),
            _rows(rounding, "rounding"),
        ]
    )
    order = [pl.col("device").cast(pl.String), pl.col("start_ns"), pl.col("end_ns"), pl.col("address")]
    lives = _with_requests(lives, events).sort(order, nulls_last=[False, False, True, False])
    return lives, _gaps(moves, still, unseen, sorted({*events["device"].unique(), *blocks["device"].unique()}))


def _moves(events: pl.DataFrame) -> pl.DataFrame:
    """Allocations and completed releases, address by address, each with the `previous` action there and the time of the next."""
    moves = events.filter(pl.col("action").is_in(["alloc", "free_completed"])).sort(*_PLACE, "time_ns")
    follows = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _PLACE)
    precedes = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in _PLACE)
    return moves.with_columns(
        pl.when(follows).then(pl.col("action").shift(1)).alias("previous"),
        pl.when(precedes).then(pl.col("time_ns").shift(-1)).alias("next_ns"),
    )


def _rows(frame: pl.DataFrame, origin: str) -> pl.DataFrame:
    """The columns of `LIFE_SCHEMA` that a frame has, the others null."""
    frame = frame.with_columns(pl.lit(origin).alias("origin"))
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in LIFE_SCHEMA.items()
    )


def _with_requests(lives: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Fill `requested_ns`: the last request to release an address within the life of its block, else what is there."""
    asked = events.filter(pl.col("action") == "free_requested").sort("time_ns")
    requests = asked.select(*_PLACE, pl.col("time_ns").alias("asked_ns"))
    found = (
        lives.with_columns(pl.col("end_ns").fill_null(pl.Int64.max()).alias("until_ns"))
        .sort("until_ns")
        .join_asof(requests, left_on="until_ns", right_on="asked_ns", by=list(_PLACE), check_sortedness=False)
    )
    inside = pl.col("asked_ns") >= pl.col("start_ns").fill_null(pl.Int64.min())
    requested = pl.when(inside).then("asked_ns").otherwise("requested_ns").alias("requested_ns")
    return found.with_columns(requested).select(LIFE_SCHEMA.names())


def _gaps(moves: pl.DataFrame, still: pl.DataFrame, unseen: pl.DataFrame, devices: list[str]) -> dict[str, Gaps]:
    allocated_twice = moves.filter((pl.col("action") == "alloc") & (pl.col("previous") == "alloc"))
    released_twice = moves.filter((pl.col("action") == "free_completed") & (pl.col("previous") == "free_completed"))
    in_use_after_release = unseen.join(moves.filter(pl.col("next_ns").is_null()), on=_PLACE, how="semi")
    outlived = still.filter(pl.col("held_bytes").is_null())

    def count(frame: pl.DataFrame, device: str) -> int:
        return len(frame.filter(pl.col("device") == device))

    return {
        device: Gaps(
            releases_missing=count(allocated_twice, device),
            allocations_missing=count(released_twice, device) + count(in_use_after_release, device),
            outlived=count(outlived, device),
        )
        for device in devices
    }
