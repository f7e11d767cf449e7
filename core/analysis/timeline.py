"""What happened when: a few thousand marks that stand for any stretch of a recording, however many events are in it.

Where a lane has few slices in the window, they are drawn as they are. Where it has many, it is drawn level by level, the outer slices
first and what lies in them below; in a level that still has many, a bin of time stands for those in it. Either way nothing is lost
of how long a lane was busy: the marks of its first row cover its busy time in the window, to the nanosecond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.analysis.timeline_index import Index, Lane, Window
from core.traces.nesting import Integers
from core.traces.schema import HOST, Step

#: Marks of all lanes in one chart; with the overview and the steps about 2,000, as many as a browser moves quickly.
LANE_MARKS = 1500
#: More bins than this are narrower than the eye needs.
MOST_BINS = 600
#: Below the first row: levels with more than this part of a lane's marks are many, and so many of those are drawn.
_FEW, _BINNED_LEVELS = 10, 3
MARKS_SCHEMA = pl.Schema(
    {
        # Place of the lane among those asked for.
        "lane": pl.Int32(),
        # The slice or the bin, cut to the window.
        "start_ns": pl.Int64(),
        "end_ns": pl.Int64(),
        # Row from the outermost slice inwards.
        "depth": pl.Int32(),
        # Time in the mark that is covered by any slice: of a slice all of it.
        "busy_ns": pl.Int64(),
        # Part of it that is covered by slices that match the search.
        "matched_ns": pl.Int64(),
        # Slices that touch it, whatever their depth.
        "count": pl.Int64(),
        # The slice's row in the events; of a bin, that of the longest slice that touches it, of those that match where any does.
        "row": pl.UInt32(),
        "aggregated": pl.Boolean(),
    }
)


def marks(lanes: Sequence[Lane], window: Window, *, limit: int = LANE_MARKS, matching: NDArray[np.bool_] | None = None) -> pl.DataFrame:
    """What to draw of these lanes in a window: at most `limit` rows in `MARKS_SCHEMA`, lane by lane, row by row, in order of time.

    `matching` says of every event whether it matches a search (`Index.matching`). Lanes whose slices are few are given first; the
    others share what is left. Every lane has at least one mark where anything touches the window.
    """
    counts = [lane.count(window) for lane in lanes]
    parts: list[pl.DataFrame] = []
    for number, (lane, count, room) in enumerate(zip(lanes, counts, _shares(counts, limit), strict=True)):
        if 0 < count <= room:
            places = lane.touching(window)
            rows = depths(lane.start_ns[places], lane.end_ns[places])
            parts.append(_slices(number, lane, window, places, rows, matching))
        elif count:
            parts += _levels(number, lane, window, room, matching)
    return pl.concat(parts) if parts else pl.DataFrame(schema=MARKS_SCHEMA)


def _levels(number: int, lane: Lane, window: Window, room: int, matching: NDArray[np.bool_] | None) -> list[pl.DataFrame]:
    """A lane of many slices: each level as slices where they are few, in bins where they are many, down to the last that has room."""
    inner: list[tuple[int, Lane]] = []
    for depth, level in enumerate(lane.inner, 1):
        binned = sum(one.count(window) > room // _FEW for _, one in inner)
        if level.count(window) and binned < _BINNED_LEVELS and len(inner) + 1 < room:
            inner.append((depth, level))
    # Half of the room is for the first row, which is what the lane as a whole did, and more where the others leave it.
    shares = _shares([level.count(window) for _, level in inner], room // 2) if inner else []
    outer, room = lane.touching_outer(window), room - sum(shares)
    parts = [
        _slices(number, lane, window, outer, np.zeros(len(outer)), matching)
        if len(outer) <= room
        else _bins(number, lane, window, min(room, MOST_BINS), 0, matching)
    ]
    for (depth, level), share in zip(inner, shares, strict=True):
        places = level.touching(window)
        parts.append(
            _slices(number, level, window, places, np.full(len(places), depth), matching)
            if len(places) <= share
            else _bins(number, level, window, min(share, MOST_BINS), depth, matching)
        )
    return parts


def _shares(counts: Sequence[int], limit: int) -> list[int]:
    """Marks for each of several: all of its slices where that is at most an equal part of what the smaller ones left, else that part."""
    shares = [0] * len(counts)
    left = limit
    for waiting, number in enumerate(sorted(range(len(counts)), key=counts.__getitem__)):
        shares[number] = max(1, min(counts[number], left // (len(counts) - waiting)))
        left -= shares[number]
    return shares


def _slices(
    number: int, lane: Lane, window: Window, places: Integers, rows: NDArray[Any], matching: NDArray[np.bool_] | None
) -> pl.DataFrame:
    start = np.maximum(lane.start_ns[places], window.start_ns)
    end = np.minimum(lane.end_ns[places], window.end_ns)
    matched = np.zeros(len(places), np.bool_) if matching is None else matching[lane.rows[places]]
    return _frame(number, start, end, rows, end - start, (end - start) * matched, np.ones(len(places)), lane.rows[places], False)


def _bins(number: int, lane: Lane, window: Window, bins: int, depth: int, matching: NDArray[np.bool_] | None) -> pl.DataFrame:
    edges = window.edges(bins)
    longest = lane.longest(edges)
    row = lane.rows[longest]
    matched_ns = np.zeros(len(row), np.int64)
    found = None if matching is None else lane.only(matching, window)
    if found is not None:
        matched_ns = found.busy_ns(edges)
        matched = found.longest(edges)
        row = np.where(matched >= 0, found.rows[matched], row)
    made = _frame(number, edges[:-1], edges[1:], np.full(len(row), depth), lane.busy_ns(edges), matched_ns, lane.counts(edges), row, True)
    return made.filter(longest >= 0)


def _frame(
    number: int, start: Integers, end: Integers, depth: NDArray[Any], busy: Integers, matched: Integers,
    count: NDArray[Any], row: NDArray[np.uint32], aggregated: bool,
) -> pl.DataFrame:  # fmt: skip
    columns = {"lane": np.full(len(start), number), "start_ns": start, "end_ns": end, "depth": depth, "busy_ns": busy, "matched_ns": matched,
               "count": count, "row": row, "aggregated": np.full(len(start), aggregated)}  # fmt: skip
    return pl.DataFrame(columns, schema_overrides=MARKS_SCHEMA)


def depths(start_ns: Integers, end_ns: Integers) -> Integers:
    """A row for each slice, sorted by start and longest first: the first one that is free, so that no two overlap.

    Of slices that nest it is how deep each lies. Only ever asked about what a chart can draw, so it may go slice by slice.
    """
    free_at: list[int] = []
    result = []
    for start, end in zip(start_ns.tolist(), end_ns.tolist(), strict=True):
        row = next((row for row, free in enumerate(free_at) if free <= start), len(free_at))
        free_at[row : row + 1] = [end]
        result.append(row)
    return np.array(result, np.int64)


def with_names(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The marks with `name`, `kind`, `op_class`, `layer`, `phase` and `step` of the slice, or of a bin's longest."""
    names = ("name", "kind", "op_class", "layer", "phase", "step")
    chosen = events.select(names)[found["row"]]
    return found.hstack(chosen.with_columns(pl.col(names[:-1]).cast(pl.String)))


def lane_table(lanes: Sequence[Lane], window: Window, matching: NDArray[np.bool_] | None = None) -> pl.DataFrame:
    """Each lane in the window: `lane`, `slices`, `busy_ns`, `idle_ns`, `longest_idle_ns` and its start `longest_idle_at_ns`;
    with a search also `matched` and `matched_ns`, the slices that match and what they cover.

    Busy is the union of the lane's slices, idle the rest of the window; where there is none, no start.
    """
    rows: list[tuple[str | int | None, ...]] = []
    for lane in lanes:
        busy_ns = int(lane.busy_ns(window.edges(1))[0])
        at_ns, gap_ns = lane.longest_idle(window) or (None, 0)
        row: tuple[str | int | None, ...] = (lane.label, lane.count(window), busy_ns, window.length_ns - busy_ns, gap_ns, at_ns)
        if matching is not None:
            found = lane.only(matching, window)
            row += (0, 0) if found is None else (len(found.rows), int(found.busy_ns(window.edges(1))[0]))
        rows.append(row)
    names = ["slices", "busy_ns", "idle_ns", "longest_idle_ns", "longest_idle_at_ns", *([] if matching is None else ["matched", "matched_ns"])]
    return pl.DataFrame(rows, schema={"lane": pl.String, **dict.fromkeys(names, pl.Int64)}, orient="row")


def overview(index: Index, window: Window, bins: int) -> pl.DataFrame:
    """The share of each bin in which devices and host were busy: `start_ns`, `end_ns`, `what` (`devices` or `host`), `busy`.

    Of several devices it is the mean; what a recording does not have, has no rows.
    """
    edges = window.edges(bins)
    lengths = np.maximum(np.diff(edges), 1)
    shares = {}
    if index.devices:
        shares["devices"] = np.mean([np.diff(busy.before_ns(edges)) / lengths for busy in index.devices], axis=0)
    if index.host.length_ns:
        shares["host"] = np.diff(index.host.before_ns(edges)) / lengths
    schema = {"start_ns": pl.Int64, "end_ns": pl.Int64, "what": pl.String, "busy": pl.Float64}
    parts = [
        pl.DataFrame({"start_ns": edges[:-1], "end_ns": edges[1:], "what": [what] * len(share), "busy": share}, schema=schema)
        for what, share in shares.items()
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def default_lanes(index: Index, *, streams: int = 4, threads: int = 2) -> list[Lane]:
    """A handful to begin with, in the index's order.

    The busiest stream of every device, up to eight; where these are fewer than `streams`, the busiest of the others as well; the
    first `threads` of the host, or twice as many where there is no device.
    """
    on_devices = sorted((lane for lane in index.lanes if lane.device != HOST), key=lambda lane: -lane.busy.length_ns)
    chosen = {lane.device: lane for lane in reversed(on_devices)}.values()
    others = [lane for lane in on_devices if lane not in chosen]
    wanted = {lane.label for lane in (*list(chosen)[:8], *others[: max(0, streams - len(chosen))])}
    on_host = [lane for lane in index.lanes if lane.device == HOST]
    wanted |= {lane.label for lane in on_host[: threads if on_devices else 2 * threads]}
    return [lane for lane in index.lanes if lane.label in wanted]


def slice_table(lane: Lane, places: Integers, events: pl.DataFrame) -> pl.DataFrame:
    """Slices of a lane in full: `name, start_ns, duration_ns, lane, kind, operator, layer, phase, op_class, input_shapes, step`.

    `operator` is the name of the operator around it or around its launch; `input_shapes` are the event's own, else that operator's.
    """
    rows = events[pl.Series(lane.rows[places])]
    around = events.select(pl.col("name").alias("operator_name"), pl.col("input_shapes").alias("operator_shapes"))[rows["operator"].fill_null(0)]
    known = pl.col("operator").is_not_null()
    text = ("name", "kind", "layer", "phase", "op_class")
    return (
        rows.hstack(around)
        .with_columns(
            pl.col(text).cast(pl.String),
            pl.lit(lane.label).alias("lane"),
            pl.when(known).then(pl.col("operator_name").cast(pl.String)).alias("operator"),
            pl.coalesce(
                pl.col("input_shapes").cast(pl.String), pl.when(known).then(pl.col("operator_shapes").cast(pl.String))
            ).alias("input_shapes"),
        )
        .select("name", "start_ns", "duration_ns", "lane", "kind", "operator", "layer", "phase", "op_class", "input_shapes", "step")
    )


@dataclass(frozen=True, kw_only=True)
class AlignedStep:
    """A step to put at zero, and the one of the other recording that belongs to it."""

    a: Step
    b: Step | None


def aligned_steps(a: Sequence[Step], b: Sequence[Step] = ()) -> dict[str, AlignedStep]:
    """Steps of a recording by their number, each with that of another one: by number where they share any, else by order.

    A number that comes again is told apart by a count: `7`, `7 (2)`. With `b`, steps that have no partner are left out.
    """
    named_a, named_b = _numbered(a), _numbered(b)
    if not b:
        return {name: AlignedStep(a=step, b=None) for name, step in named_a.items()}
    if named_a.keys() & named_b.keys():
        return {name: AlignedStep(a=step, b=named_b[name]) for name, step in named_a.items() if name in named_b}
    return {
        f"{name_a} / {name_b}": AlignedStep(a=named_a[name_a], b=named_b[name_b]) for name_a, name_b in zip(named_a, named_b, strict=False)
    }


def _numbered(steps: Sequence[Step]) -> dict[str, Step]:
    seen: Counter[int] = Counter()
    named = {}
    for step in steps:
        seen[step.number] += 1
        named[str(step.number) if seen[step.number] == 1 else f"{step.number} ({seen[step.number]})"] = step
    return named
