"""What a memory snapshot tells: allocated and reserved memory over time, the peak and whose it was, two snapshots compared.

*Reserved* is what the caching allocator holds of the device, in segments. *Allocated* is what blocks in it hold: a block counts
from its allocation until its release is complete (`free_completed`), because until then nothing else can have the memory; what of
it has been released but still waits for other streams is *awaiting*. The level is that of the snapshot: what stood before the first
event is what is in use at the end less what the events add up to, so that a recording that began late, or whose ring buffer lost
its beginning, is at the right height. Events count the bytes that were asked for, the snapshot those that the allocator rounded up
to; the difference is a row of its own (`ROUNDING`), so that every table adds up to the byte.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import polars as pl

from core.traces.snapshot_schema import Snapshot, SnapshotDevice, reserved_delta

#: Stands for all devices together in `summary`.
ALL_DEVICES = "all"
#: Frames of memory whose stack is not known.
BEFORE = "allocated before the recording"
ROUNDING = "rounded up by the allocator"
NO_STACK = "no stack recorded"


def allocated_over_time(snapshot: Snapshot, device: str) -> pl.DataFrame:
    """Memory of a device right after each of its events, in bytes: one row per event, in order of time.

    Columns: `time_ns`, `action`, `allocated_bytes`, `awaiting_bytes` (part of it), `reserved_bytes`, `unused_bytes` (reserved less
    allocated). The first row, 1 ns before the start of the recording and with a null action, is what stood there before.
    """
    lives = snapshot.lives.filter(pl.col("device") == device)
    events = snapshot.events.filter(pl.col("device") == device)
    start_ns = snapshot.facts.start_ns
    reserved = events.select("time_ns", "action", reserved_delta().alias("reserved_bytes"))
    first = {"time_ns": start_ns - 1, "action": None, "reserved_bytes": _device(snapshot, device).reserved_before_bytes}
    steps = pl.concat([pl.DataFrame([first], schema=reserved.schema), reserved])
    for name, begin, end in (("allocated_bytes", "start_ns", "end_ns"), ("awaiting_bytes", "requested_ns", "end_ns")):
        steps = _with_changes(steps, name, lives, begin, end, start_ns)
    levels = steps.with_columns(pl.col("allocated_bytes", "awaiting_bytes", "reserved_bytes").cum_sum())
    return levels.select(
        "time_ns", "action", "allocated_bytes", "awaiting_bytes", "reserved_bytes",
        (pl.col("reserved_bytes") - pl.col("allocated_bytes")).alias("unused_bytes"),
    )  # fmt: skip


def _with_changes(steps: pl.DataFrame, name: str, lives: pl.DataFrame, begin: str, end: str, start_ns: int) -> pl.DataFrame:
    """Add to each event what it changes in the bytes that count from `begin` to `end`; to the first row what counts already."""
    if begin == "requested_ns":
        lives = lives.filter(pl.col(begin).is_not_null())
    before_ns = start_ns - 1
    changes = (
        pl.concat(
            [
                _holding(lives, before_ns, begin, end).select(pl.lit(before_ns, pl.Int64).alias("time_ns"), "size_bytes"),
                lives.filter(pl.col(begin) >= start_ns).select(pl.col(begin).alias("time_ns"), "size_bytes"),
                lives.filter(pl.col(end) >= start_ns).select(pl.col(end).alias("time_ns"), -pl.col("size_bytes")),
            ]
        )
        .group_by("time_ns")
        .agg(pl.col("size_bytes").sum().alias(name))
    )
    return steps.join(changes, on="time_ns", how="left", maintain_order="left").with_columns(pl.col(name).fill_null(0))


def _holding(lives: pl.DataFrame, time_ns: int, begin: str = "start_ns", end: str = "end_ns") -> pl.DataFrame:
    """Blocks that count at a time, from `begin` to just before `end`."""
    return lives.filter((pl.col(begin).is_null() | (pl.col(begin) <= time_ns)) & (pl.col(end).is_null() | (pl.col(end) > time_ns)))


def _device(snapshot: Snapshot, label: str) -> SnapshotDevice:
    return {device.label: device for device in snapshot.facts.devices}[label]


def peak(snapshot: Snapshot, device: str) -> tuple[int, int]:
    """(time in ns, bytes) of the most that was allocated, at its first moment."""
    size_bytes, time_ns = _highest(allocated_over_time(snapshot, device))
    return time_ns, size_bytes


def summary(snapshot: Snapshot) -> pl.DataFrame:
    """A row per device, and one for `ALL_DEVICES` at the end.

    Columns: `device`, `segments`, `reserved_bytes`, `allocated_bytes`, `active_bytes` (allocated or awaiting) as the segments say
    at the end, `peak_allocated_bytes` and `peak_time_ns` (its first moment) as replayed, `events`. The peak of all devices is the
    largest sum at one time, which is at most the sum of their peaks.
    """
    labels = [device.label for device in snapshot.facts.devices]
    held = snapshot.segments.group_by(pl.col("device").cast(pl.String)).agg(
        pl.len().cast(pl.Int64).alias("segments"),
        pl.col("total_bytes").sum().alias("reserved_bytes"),
        pl.col("allocated_bytes").sum(),
        pl.col("active_bytes").sum(),
    )
    series = {label: allocated_over_time(snapshot, label) for label in labels}
    rows = pl.DataFrame(
        [(label, *_highest(series[label]), _device(snapshot, label).events) for label in labels],
        schema={"device": pl.String, "peak_allocated_bytes": pl.Int64, "peak_time_ns": pl.Int64, "events": pl.Int64},
        orient="row",
    )
    at_the_end = ["segments", "reserved_bytes", "allocated_bytes", "active_bytes"]
    order = ["device", *at_the_end, "peak_allocated_bytes", "peak_time_ns", "events"]
    table = rows.join(held, on="device", how="left", maintain_order="left").with_columns(pl.col(at_the_end).fill_null(0))
    peak_bytes, peak_ns = _together(series)
    together = table.select(pl.lit(ALL_DEVICES).alias("device"), pl.col(*at_the_end, "events").sum()).with_columns(
        pl.lit(peak_bytes, pl.Int64).alias("peak_allocated_bytes"), pl.lit(peak_ns, pl.Int64).alias("peak_time_ns")
    )
    return pl.concat([table.select(order), together.select(order)])


def _highest(series: pl.DataFrame) -> tuple[int, int]:
    row = int(series["allocated_bytes"].to_numpy().argmax())
    return series["allocated_bytes"][row], series["time_ns"][row]


def _together(series: dict[str, pl.DataFrame]) -> tuple[int, int]:
    """(bytes, time) of the most that was allocated on all devices at once."""
    if not series:
        return 0, 0
    first = sum(frame["allocated_bytes"][0] for frame in series.values())
    changes = [frame.select("time_ns", pl.col("allocated_bytes").diff())[1:] for frame in series.values()]
    start = pl.DataFrame({"time_ns": [min(frame["time_ns"][0] for frame in series.values())], "allocated_bytes": [first]})
    moments = pl.concat([start, *changes]).sort("time_ns", maintain_order=True)
    return _highest(moments.with_columns(pl.col("allocated_bytes").cum_sum()))


def live_at(snapshot: Snapshot, device: str, time_ns: int, by: Literal["frame", "stack"] = "frame") -> pl.DataFrame:
    """What held memory on a device right after the last event up to `time_ns`, largest first.

    Columns: `frame` (innermost useful frame of the allocation's stack), `stack` (only by stack: its row in `Snapshot.stacks`),
    `origin`, `blocks`, `size_bytes`, `share`. `origin` is `recorded`, `before` (allocated before the recording, with a frame only
    where the block itself holds one), or `rounding`; each is apart. `size_bytes` sums to `allocated_bytes` at that time exactly.
    """
    keys = ["frame", "origin"] if by == "frame" else ["frame", "stack", "origin"]
    held = _named(_holding(snapshot.lives.filter(pl.col("device") == device), time_ns), snapshot)
    total = held["size_bytes"].sum()
    return (
        held.group_by(keys)
        .agg(pl.len().cast(pl.Int64).alias("blocks"), pl.col("size_bytes").sum())
        .with_columns((pl.col("size_bytes") / max(total, 1)).alias("share"))
        .sort("size_bytes", *keys, descending=[True, *[False] * len(keys)])
    )


def _named(lives: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Lives with the `frame` that they belong to."""
    without = pl.col("origin").cast(pl.String).replace_strict({"recorded": NO_STACK, "before": BEFORE, "rounding": ROUNDING})
    stacks = snapshot.stacks.select("frame").with_row_index("stack")
    return lives.join(stacks, on="stack", how="left").with_columns(pl.col("frame").fill_null(without))


def compare(a: Snapshot, b: Snapshot) -> pl.DataFrame:
    """Two snapshots by frame: what was live at each one's peak and at its end, on all its devices, each at its own peak.

    Columns: `frame`, `origin`, `a_peak_bytes`, `b_peak_bytes`, `peak_difference_bytes` (b less a), and the same with `end`; largest
    difference at the peak first. Each column sums to what its snapshot had allocated then, on all devices, exactly.
    """
    keys = ["frame", "origin"]
    parts = [
        _live_everywhere(snapshot, at_peak).rename({"size_bytes": f"{side}_{'peak' if at_peak else 'end'}_bytes"})
        for at_peak in (True, False)
        for side, snapshot in (("a", a), ("b", b))
    ]
    table = parts[0]
    for part in parts[1:]:
        table = table.join(part, on=keys, how="full", coalesce=True)
    difference = [
        (pl.col(f"b_{when}_bytes") - pl.col(f"a_{when}_bytes")).alias(f"{when}_difference_bytes") for when in ("peak", "end")
    ]
    larger = pl.max_horizontal("a_peak_bytes", "b_peak_bytes")
    columns = ["a_peak_bytes", "b_peak_bytes", "peak_difference_bytes", "a_end_bytes", "b_end_bytes", "end_difference_bytes"]
    return (
        table.with_columns(pl.exclude(keys).fill_null(0))
        .with_columns(difference)
        .select(*keys, *columns)
        .sort(pl.col("peak_difference_bytes").abs(), larger, *keys, descending=[True, True, False, False])
    )


def _live_everywhere(snapshot: Snapshot, at_peak: bool) -> pl.DataFrame:
    """`frame`, `origin` and `size_bytes` of what was live on all devices, at the peak of each or at the end."""
    parts = [
        live_at(snapshot, device.label, peak(snapshot, device.label)[0] if at_peak else snapshot.facts.end_ns - 1)
        for device in snapshot.facts.devices
    ]
    if not parts:
        parts = [_named(snapshot.lives.clear(), snapshot)]
    together = pl.concat([part.select("frame", "origin", "size_bytes") for part in parts])
    return together.group_by("frame", "origin").agg(pl.col("size_bytes").sum())


def in_range(snapshot: Snapshot, start_ns: int, end_ns: int) -> Snapshot:
    """The snapshot with the events of [start_ns, end_ns) alone, and with what stood at its start still standing.

    Every function here can be asked of it. Segments and blocks stay those of the end of the whole recording.
    """
    grown = dict(
        snapshot.events.filter(pl.col("time_ns") < start_ns)
        .group_by(pl.col("device").cast(pl.String))
        .agg(reserved_delta().sum().alias("grown"))
        .iter_rows()
    )
    inside = pl.col("time_ns").is_between(start_ns, end_ns, closed="left")
    events = snapshot.events.filter(inside)
    count = dict(events.group_by(pl.col("device").cast(pl.String)).len().iter_rows())
    devices = tuple(
        replace(
            device,
            events=count.get(device.label, 0),
            reserved_before_bytes=device.reserved_before_bytes + grown.get(device.label, 0),
        )
        for device in snapshot.facts.devices
    )
    touching = (pl.col("start_ns") < end_ns).fill_null(True) & (pl.col("end_ns") >= start_ns).fill_null(True)
    return replace(
        snapshot,
        events=events,
        lives=snapshot.lives.filter(touching),
        annotations=snapshot.annotations.filter(touching),
        facts=replace(snapshot.facts, devices=devices, start_ns=start_ns, end_ns=end_ns),
    )
