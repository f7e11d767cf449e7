"""The one schema that every profiler's recording is read into: a row per event, a row per allocation, and facts about the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from core.model.errors import ShowdownError

#: Version of `events.parquet` and `facts.json`; a cache of another version is built anew.
SCHEMA_VERSION = 3

KINDS = (
    "operator", "kernel", "memcpy", "memset", "communication", "runtime call", "annotation", "python function", "layer",
    "synchronisation", "input", "other",
)  # fmt: skip
PHASES = ("forward", "backward", "optimizer", "input", "other")
OP_CLASSES = (
    "convolution forward", "convolution backward", "convolution backward data", "convolution backward weights",
    "matrix multiply", "attention", "normalisation", "pooling", "elementwise", "reduction and loss", "embedding and gather",
    "optimizer", "copy host-device", "copy device-host", "copy device-device", "memset", "communication", "data layout",
    "random", "graph launch", "input pipeline", "other",
)  # fmt: skip

#: What the host's threads are called in the column `device`; accelerators are `gpu:0`, `gpu:1`, …
HOST = "cpu"

#: Rows are sorted by device, lane, start and longest first, so that an event follows the one it is nested in.
EVENT_SCHEMA = pl.Schema(
    {
        # Place of the event in the whole frame; what `operator` points at, and what survives a filter.
        "row": pl.UInt32(),
        # Whole nanoseconds after `Facts.origin_ns`.
        "start_ns": pl.Int64(),
        "duration_ns": pl.Int64(),
        # Operators: duration without the operators nested in it on its own lane. Null for every other kind.
        "self_ns": pl.Int64(),
        # Operators: the operation (`aten::addmm`, `MatMul`, an HLO instruction), never one call's own name.
        "name": pl.Categorical(),
        "kind": pl.Enum(KINDS),
        "device": pl.Categorical(),
        # A thread of the host or a stream of a device; unique within its device.
        "lane": pl.Categorical(),
        "rank": pl.Int32(),
        # Number of the training step whose window holds the event's start (a device's event: its launch); null outside.
        "step": pl.Int32(),
        "correlation": pl.Int64(),
        # `row` of the innermost operator around the event, or around its launch. Null: none, or the profiler does not say.
        "operator": pl.UInt32(),
        # Device work: `row` of the call on the host that launched it (by correlation); null where that was not recorded.
        "launch": pl.UInt32(),
        "layer": pl.Categorical(),
        "phase": pl.Enum(PHASES),
        # Operators and device work only.
        "op_class": pl.Enum(OP_CLASSES),
        # The graph's own name of the operation, where the framework has graphs: `mnist_cnn_1/conv1_1/Relu`.
        "scope": pl.Categorical(),
        # As the profiler wrote them, JSON.
        "input_shapes": pl.Categorical(),
        # Moved by a copy, set by a memset, sent and received by a collective.
        "bytes": pl.Int64(),
        # Floating-point operations as the profiler counted them; null where it did not.
        "flops": pl.Int64(),
        # Kernels: blocks (work-groups) in the grid, and threads in a block.
        "blocks": pl.Int64(),
        "threads_per_block": pl.Int32(),
        # Kernels: blocks per multiprocessor of the device, and the profiler's own estimate of achieved occupancy, 0 to 100.
        "blocks_per_sm": pl.Float32(),
        "occupancy_percent": pl.Float32(),
    }
)

#: One row per allocation or release that the profiler saw, in order of time within each device.
MEMORY_SCHEMA = pl.Schema(
    {
        # Whole nanoseconds after `Facts.origin_ns`.
        "time_ns": pl.Int64(),
        # As in the events: `cpu`, `gpu:0`, …
        "device": pl.Categorical(),
        # Where the block lies; tells which release frees which allocation. Null where the profiler does not say.
        "address": pl.UInt64(),
        # Positive: allocated, negative: released.
        "delta_bytes": pl.Int64(),
        # The device's totals right after it, as the profiler counted them; null where it did not.
        "allocated_bytes": pl.Int64(),
        "reserved_bytes": pl.Int64(),
        # `row` of the innermost operator on the thread at that time, its layer and phase, and the step, as in the events.
        "operator": pl.UInt32(),
        "layer": pl.Categorical(),
        "phase": pl.Enum(PHASES),
        "step": pl.Int32(),
    }
)


class TraceError(ShowdownError):
    """A file that cannot be read as a profiler's trace."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The window of one training step, as the program marked it on one of its threads."""

    number: int
    start_ns: int
    end_ns: int
    lane: str
    """The thread that marked it: the step's main lane."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that the recording speaks of."""

    label: str
    """As in the column `device`."""
    name: str
    """What its maker calls it; empty where the recording does not say."""
    memory_bytes: int | None = None
    multiprocessors: int | None = None
    """Streaming multiprocessors (NVIDIA) or compute units (AMD)."""
    max_threads_per_multiprocessor: int | None = None
    compute_capability: str | None = None
    """`9.0` for an H100."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What of the recording is in the frame: `events_found` is `events_read` plus all of `events_skipped`."""

    events_found: int
    events_read: int
    """Rows of the events' frame and of the memory frame."""
    events_skipped: dict[str, int] = field(default_factory=dict)
    """Reason -> count."""
    device_events: int = 0
    device_events_linked: int = 0
    """Device events whose launching operator is known."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What holds for a recording as a whole."""

    schema: int = SCHEMA_VERSION
    source: str
    """`kineto` or `xplane`."""
    framework: str | None
    """`pytorch`, `tensorflow`, `jax`, or None where nothing in the recording tells."""
    versions: dict[str, str] = field(default_factory=dict)
    """What the recording says of versions, in its own words."""
    devices: tuple[Device, ...] = ()
    """Devices with at least one event."""
    rank: int | None = None
    world_size: int | None = None
    origin_ns: int
    """The profiler's clock at `start_ns` 0: nanoseconds since 1970 where the recording says, its own zero otherwise."""
    steps: tuple[Step, ...] = ()
    """In order of time, never overlapping."""
    notes: tuple[str, ...] = ()
    """What a reader has to know before believing anything: one sentence each, such as that the file is cut off."""
    coverage: Coverage


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A recording: its events in `EVENT_SCHEMA`, its allocations in `MEMORY_SCHEMA`, and its facts."""

    events: pl.DataFrame
    memory: pl.DataFrame
    facts: Facts
