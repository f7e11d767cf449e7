"""What a memory snapshot is read into: tables of segments, blocks and events, the life of each block, and facts about the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from core.traces.block_lives import Gaps
from core.traces.schema import Coverage

ACTIONS = (
    "alloc", "free_requested", "free_completed", "segment_alloc", "segment_free", "segment_map", "segment_unmap",
    "oom", "snapshot", "workspace_snapshot", "user_defined", "annotate", "empty_cache",
)  # fmt: skip
STATES = ("allocated", "awaiting free", "inactive")

#: A row per segment, in the snapshot's order.
SEGMENT_SCHEMA = pl.Schema(
    {
        "device": pl.Categorical(),
        "address": pl.UInt64(),
        "stream": pl.Int64(),
        "total_bytes": pl.Int64(),
        "allocated_bytes": pl.Int64(),
        # Allocated, or released but still waiting for a stream.
        "active_bytes": pl.Int64(),
        # As the program asked for it, before the allocator rounded up.
        "requested_bytes": pl.Int64(),
        # `large` or `small`.
        "segment_type": pl.Categorical(),
        "is_expandable": pl.Boolean(),
        # `default`, or the number of a private pool, as CUDA graphs have them. Null where the snapshot does not say.
        "pool": pl.Categorical(),
    }
)
#: A row per block, segment by segment and by address; the blocks of a segment fill it.
BLOCK_SCHEMA = pl.Schema(
    {
        # Row of the segment.
        "segment": pl.UInt32(),
        "device": pl.Categorical(),
        "address": pl.UInt64(),
        "size_bytes": pl.Int64(),
        "requested_bytes": pl.Int64(),
        "state": pl.Enum(STATES),
        # Row in `stacks`; null where none was recorded.
        "stack": pl.UInt32(),
    }
)
#: A row per action, by device, in the order of the recording.
SNAPSHOT_EVENT_SCHEMA = pl.Schema(
    {
        # Whole nanoseconds after `SnapshotFacts.origin_ns`; unique within a device.
        "time_ns": pl.Int64(),
        "device": pl.Categorical(),
        "action": pl.Enum(ACTIONS),
        "address": pl.UInt64(),
        # Of `oom`: what could not be had.
        "size_bytes": pl.Int64(),
        "stream": pl.Int64(),
        "stack": pl.UInt32(),
        # Of `oom`: what the device still had.
        "device_free_bytes": pl.Int64(),
    }
)
#: A row per span that the program or an optimizer marked. Null: its other end is not in the recording.
ANNOTATION_SCHEMA = pl.Schema({"device": pl.Categorical(), "name": pl.String(), "start_ns": pl.Int64(), "end_ns": pl.Int64()})


@dataclass(frozen=True, kw_only=True)
class SnapshotDevice:
    """A device of a snapshot, and what stood there before the first event in `Snapshot.events`."""

    label: str
    """`gpu:0`, …"""
    events: int
    reserved_before_bytes: int
    """What the segments held then: what they hold at the end, less what the events added."""
    gaps: Gaps


@dataclass(frozen=True, kw_only=True)
class SnapshotFacts:
    """What holds for a snapshot as a whole."""

    source: str
    devices: tuple[SnapshotDevice, ...]
    """Devices with a segment or an event, by number."""
    origin_ns: int
    """Nanoseconds since 1970 at `time_ns` 0, the first event of any device; 0 where the recording has no times."""
    start_ns: int
    end_ns: int
    """The recording is [start_ns, end_ns): of all events, or of the range that was chosen."""
    settings: dict[str, str] = field(default_factory=dict)
    """The allocator's, in its own words."""
    coverage: Coverage
    """Of the trace's events."""
    parts_skipped: dict[str, int] = field(default_factory=dict)
    """Segments, blocks, frames and annotations that could not be read: reason -> count."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot: `segments`, `blocks`, `events` and `annotations` in the schemas above, `lives` in `LIFE_SCHEMA`.

    `stacks` and `frames` in `STACK_SCHEMA` and `FRAME_SCHEMA` of `core.traces.stack_frames`.
    """

    segments: pl.DataFrame
    blocks: pl.DataFrame
    events: pl.DataFrame
    lives: pl.DataFrame
    stacks: pl.DataFrame
    frames: pl.DataFrame
    annotations: pl.DataFrame
    facts: SnapshotFacts


def reserved_delta() -> pl.Expr:
    """What an event adds to the memory that the allocator holds of its device, in bytes; negative where it gives back."""
    return (
        pl.when(pl.col("action").is_in(["segment_alloc", "segment_map"]))
        .then(pl.col("size_bytes"))
        .when(pl.col("action").is_in(["segment_free", "segment_unmap"]))
        .then(-pl.col("size_bytes"))
        .otherwise(0)
    )
