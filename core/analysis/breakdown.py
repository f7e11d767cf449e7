"""What each training step was made of: every nanosecond of it has one owner, so the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.analysis.intervals import Intervals
from core.traces.schema import HOST, Step

#: From the strongest claim to the weakest: where a kernel runs it is the kernel's time, whatever else goes on.
PARTS = ("kernel", "memcpy", "memset", "communication", "runtime", "input", "operator", "other")
_KINDS = {"runtime": ["runtime call", "synchronisation"], "input": ["input"], "operator": ["operator"]}


def step_breakdown(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """One row per step and part: `step`, `part`, `duration_ns`, `share` of the step.

    A moment belongs to the first of PARTS that happens in it, on any device or thread; `other` is when nothing recorded
    happened. So the parts of a step sum to its wall time. The order is that of torch-tb-profiler's step-time breakdown.
    """
    start, end = (np.array([getattr(step, name) for step in steps], np.int64) for name in ("start_ns", "end_ns"))
    claimed = Intervals(np.empty(0, np.int64), np.empty(0, np.int64))
    before = np.zeros(len(steps), np.int64)
    rows: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for part in PARTS[:-1]:
        claimed |= Intervals.of(_events(events, part))
        inside = claimed.inside_ns(start, end)
        rows[part] = inside - before
        before = inside
    rows["other"] = (end - start) - before
    wall_ns = np.maximum(end - start, 1)
    return pl.concat(
        pl.DataFrame(
            {
                "step": [step.number for step in steps],
                "part": [part] * len(steps),
                "duration_ns": length,
                "share": length / wall_ns,
            },
            schema={"step": pl.Int32, "part": pl.Enum(PARTS), "duration_ns": pl.Int64, "share": pl.Float64},
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
