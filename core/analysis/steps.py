"""Whose each nanosecond of a training step is: the pieces of time that operators own, and what no operator owns.

An operator's *self time* is its duration without the operators nested in it, on its own thread. Threads are not added up into a
step without saying so: a frame of pieces keeps its lanes, and `accounting` states per lane, and for all lanes together, how a
step's wall time divides to the nanosecond.

- PyTorch on a CPU: operators run on the thread that steps, and a thread of its own for backward where there is a GPU. The
  threads inside an operator are not recorded; its time is wall time with them working.
- TensorFlow on a CPU: in a graph the stepping thread waits while executor threads run the operators; these count on the thread
  they ran on. The pool inside an operator is no operator. With several executor threads operators overlap: self times of all
  lanes then add up to more than the step, by exactly `overlap_ns`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.traces import nesting
from core.traces.building import step_index
from core.traces.nesting import Integers
from core.traces.schema import HOST, Step, Trace

#: Stands for the union of all threads in `accounting`.
ALL_LANES = "all threads"


def windows(trace: Trace) -> tuple[Step, ...]:
    """The steps to account for: those that were marked, else the whole recording as one, from its first to its last host event."""
    if trace.facts.steps:
        return trace.facts.steps
    host = trace.events.filter((pl.col("device") == HOST) & pl.col("kind").is_in(["operator", "runtime call"]))
    if host.is_empty():
        return ()
    first, last = host.select(pl.col("start_ns").min(), (pl.col("start_ns") + pl.col("duration_ns")).max().alias("end")).row(0)
    busiest = host.group_by("lane").agg(pl.col("self_ns").sum()).sort("self_ns", "lane", descending=[True, False])["lane"][0]
    return (Step(number=0, start_ns=first, end_ns=last, lane=str(busiest)),)


def operator_pieces(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """Cut the operators' own time at the steps: one row per piece that one operator owns inside one step.

    Columns: `row` (the operator), `lane`, `window` (place in `steps`), `start_ns`, `end_ns`. On one lane pieces never overlap, and their lengths
    sum to the union of the lane's operators inside the steps. Time outside the steps is left out.
    """
    operators = events.filter((pl.col("kind") == "operator") & (pl.col("device") == HOST)).sort("row")
    lane = operators["lane"].to_physical().to_numpy().astype(np.int64)
    # Rows are sorted by lane already, but by its name; the codes only have to change where the lane does.
    start = operators["start_ns"].to_numpy()
    end = start + operators["duration_ns"].to_numpy()
    owner, first, last = nesting.exclusive_segments(lane, start, end)
    piece, window, first, last = _cut(first, last, steps)
    rows = owner[piece]
    return pl.DataFrame(
        {
            "row": operators["row"].gather(rows),
            "lane": operators["lane"].gather(rows).cast(pl.String),
            "window": window,
            "start_ns": first,
            "end_ns": last,
        }
    )


def _cut(first: Integers, last: Integers, steps: Sequence[Step]) -> tuple[Integers, Integers, Integers, Integers]:
    """Parts of intervals inside the steps' windows: (interval's index, step's index, start, end)."""
    starts = np.array([step.start_ns for step in steps], np.int64)
    ends = np.array([step.end_ns for step in steps], np.int64)
    lowest = np.searchsorted(ends, first, side="right")
    count = np.maximum(np.searchsorted(starts, last, side="left") - lowest, 0)
    piece = np.repeat(np.arange(len(first)), count)
    within = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    step = lowest[piece] + within
    return piece, step, np.maximum(first[piece], starts[step]), np.minimum(last[piece], ends[step])


def time_inside(events: pl.DataFrame, steps: Sequence[Step]) -> pl.Series:
    """Length of each event's part inside the steps, `total_ns`."""
    start = events["start_ns"].to_numpy()
    return pl.Series("total_ns", _before(start + events["duration_ns"].to_numpy(), steps) - _before(start, steps))


def begun_inside(events: pl.DataFrame, steps: Sequence[Step]) -> pl.Series:
    """Whether each event began inside a step, `begun`."""
    return pl.Series("begun", step_index(steps, events["start_ns"].to_numpy()) >= 0)


def _before(moments_ns: Integers, steps: Sequence[Step]) -> Integers:
    """Time inside the steps before each moment."""
    if not steps:
        return np.zeros(len(moments_ns), np.int64)
    starts = np.array([step.start_ns for step in steps], np.int64)
    lengths = np.array([step.end_ns - step.start_ns for step in steps], np.int64)
    place = np.searchsorted(starts, moments_ns, side="right") - 1
    done = np.concatenate([[0], np.cumsum(lengths)])[np.maximum(place, 0)]
    return np.where(place < 0, 0, done + np.minimum(moments_ns - starts[np.maximum(place, 0)], lengths[np.maximum(place, 0)]))


def accounting(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """How each step's wall time divides, per thread that ran an operator, for the main one, and for all together.

    Columns: `step`, `lane`, `main` (the lane that marked the step), `wall_ns`, `self_ns` (sum of the operators' self times),
    `overlap_ns` (what of it ran at the same time on several lanes: 0 on one lane), `rest_ns` (in no operator).
    In every row, to the nanosecond: self_ns - overlap_ns + rest_ns = wall_ns. The rest of a main lane is Python, the
    framework's dispatch, and waiting for other threads; that of `ALL_LANES` is when no thread was in an operator.
    """
    pieces = operator_pieces(events, steps)
    lanes = sorted({*pieces["lane"].unique().to_list(), *(step.lane for step in steps)})
    lengths = pieces.group_by("window", "lane").agg((pl.col("end_ns") - pl.col("start_ns")).sum())
    own = {(window, lane): length for window, lane, length in lengths.iter_rows()}
    busy = {
        window: nesting.union_length(part["start_ns"].to_numpy(), part["end_ns"].to_numpy()) for (window,), part in pieces.group_by("window")
    }
    rows = []
    for window, step in enumerate(steps):
        wall_ns = step.end_ns - step.start_ns
        self_ns = [own.get((window, lane), 0) for lane in lanes]
        rows += [
            (step.number, lane, lane == step.lane, wall_ns, length, 0, wall_ns - length) for lane, length in zip(lanes, self_ns, strict=True)
        ]
        busy_ns = busy.get(window, 0)
        rows.append((step.number, ALL_LANES, False, wall_ns, sum(self_ns), sum(self_ns) - busy_ns, wall_ns - busy_ns))
    return pl.DataFrame(
        rows,
        schema={
            "step": pl.Int32, "lane": pl.String, "main": pl.Boolean, "wall_ns": pl.Int64,
            "self_ns": pl.Int64, "overlap_ns": pl.Int64, "rest_ns": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
