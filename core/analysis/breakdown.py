"""What each training step was made of: every nanosecond of it has one owner, so the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from core.analysis.intervals import Intervals
from core.traces.schema import HOST, Step

#: From the strongest claim to the weakest: where a kernel runs it is the kernel's time, whatever else goes on.
PARTS = ("kernel", "memcpy", "memset", "communication", "runtime", "input", "operator", "other")
_KINDS = {"runtime": ["runtime call", "synchronisation"], "input": ["input"], "operator": ["operator"]}


#: The parts that xprof's overview shows, from the strongest claim to the weakest; input stands for two claims of different strength.
XPROF_PARTS = (
    "device compute", "output", "device to device", "input", "device collectives", "kernel launch", "compilation", "host compute",
    "all others",
)  # fmt: skip


def step_breakdown(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """One row per step and part: `step`, `part`, `duration_ns`, `share` of the step.

    A moment belongs to the first of PARTS that happens in it, on any device or thread; `other` is when nothing recorded
    happened. So the parts of a step sum to its wall time. The order is that of torch-tb-profiler's step-time breakdown.
    """
    return _owned(steps, PARTS, ((part, Intervals.of(_events(events, part))) for part in PARTS[:-1]))


def xprof_breakdown(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """As `step_breakdown`, in the nine classes of xprof's overview page, which speaks of TensorFlow and JAX.

    The order is that of xprof's event types: device compute, copies to the host (output), copies on the device, waiting for
    input, collectives, calls that launch (kernel launch), copies to the device (input), compilation, and whatever else the host
    does. Without a device nothing is launched, and such calls are the host's.
    """
    on_host, on_device = pl.col("device") == HOST, pl.col("device") != HOST
    has_device = not events.filter(on_device).is_empty()
    launching = pl.col("kind").is_in(["runtime call", "synchronisation"]) | pl.col("name").cast(pl.String).str.starts_with(
        "ExecutorState::Process"
    )
    claims = (
        ("device compute", on_device & pl.col("kind").is_in(["kernel", "memset"])),
        ("output", on_device & (pl.col("op_class") == "copy device-host")),
        ("device to device", on_device & (pl.col("op_class") == "copy device-device")),
        ("input", on_host & (pl.col("kind") == "input")),
        ("device collectives", on_device & (pl.col("kind") == "communication")),
        ("kernel launch", on_host & launching & has_device),
        ("input", on_device & (pl.col("op_class") == "copy host-device")),
        ("compilation", on_host & pl.col("name").cast(pl.String).str.contains(r"(?i)^\S*compil")),
        ("host compute", on_host & pl.col("kind").is_in(["operator", "runtime call", "synchronisation", "other"])),
    )
    return _owned(steps, XPROF_PARTS, ((part, Intervals.of(events.filter(rows))) for part, rows in claims))


def _owned(steps: Sequence[Step], parts: Sequence[str], claims: Iterable[tuple[str, Intervals]]) -> pl.DataFrame:
    """Each moment of each step to the first claim on it; what nobody claims is the last of the parts."""
    start, end = (np.array([getattr(step, name) for step in steps], np.int64) for name in ("start_ns", "end_ns"))
    claimed = Intervals(np.empty(0, np.int64), np.empty(0, np.int64))
    before = np.zeros(len(steps), np.int64)
    rows = {part: np.zeros(len(steps), np.int64) for part in parts}
    for part, claim in claims:
        claimed |= claim
        inside = claimed.inside_ns(start, end)
        rows[part] = rows[part] + inside - before
        before = inside
    rows[parts[-1]] = (end - start) - before
    wall_ns = np.maximum(end - start, 1)
    schema: dict[str, Any] = {"step": pl.Int32, "part": pl.Enum(parts), "duration_ns": pl.Int64, "share": pl.Float64}
    numbers = [step.number for step in steps]
    return pl.concat(
        pl.DataFrame(
            {"step": numbers, "part": [part] * len(steps), "duration_ns": length, "share": length / wall_ns}, schema=schema
        )
        for part, length in rows.items()
    ).sort("step", "part", maintain_order=True)


def _events(events: pl.DataFrame, part: str) -> pl.DataFrame:
    """Times of the events that claim a part."""
    columns = ("start_ns", "duration_ns", "device")
    if part in _KINDS:
        return events.lazy().filter(pl.col("kind").is_in(_KINDS[part])).select(columns).filter(pl.col("device") == HOST).collect()
    return events.lazy().filter(pl.col("kind") == part).select(columns).filter(pl.col("device") != HOST).collect()


def input_bound_share(breakdown: pl.DataFrame) -> float | None:
    """Part of the steps' time in which only fetching input was going on, 0 to 1; None without steps."""
    whole = int(breakdown["duration_ns"].sum())
    return int(breakdown.filter(pl.col("part") == "input")["duration_ns"].sum()) / whole if whole else None
