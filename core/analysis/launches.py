"""What launching work costs: how long it waits between the host's call and the device, and what one launch for all would save."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from core.analysis.devices import device_work
from core.analysis.idle import device_gaps


@dataclass(frozen=True, kw_only=True)
class LaunchStatistics:
    """Of all device work whose launch was recorded."""

    launched: int
    unlaunched: int
    """Device work without a recorded launch."""
    latency_p50_ns: float | None
    """From the end of the host's call to the start on the device; None where no launch was recorded."""
    latency_p95_ns: float | None
    negative: int
    """Began before the call that launched it had returned."""
    shorter_than_launch: int
    """Kernels that ran for less time than the call that launched them: the host cannot keep up with such."""
    launch_calls_ns: int
    """Time of the launching calls on the host."""
    queue_depth_mean: float | None
    """Mean number of launches that wait for the device, over the time from the first launch to the last start."""
    idle_ns: int
    host_wait_ns: int
    """Of all devices."""
    launch_bound: float | None
    """Host wait over idle time, 0 to 1."""
    graph_recoverable_ns: int
    """What a captured graph (CUDA or HIP graphs) could save at most: host waits and launch gaps that end with a kernel whose
    launch was recorded, and after which the work of the same step goes on. Waits at the first kernel of a step are not in it:
    they are the program's own.
    """


def launch_table(events: pl.DataFrame) -> pl.DataFrame:
    """One row per launched device event: `row`, `device`, `lane`, `kind`, `name`, `step`, `launched_ns` (start of the call),
    `call_ns` (its duration), `start_ns`, `duration_ns`, `latency_ns` (start minus the call's end, as Holistic Trace Analysis's
    launch delay; negative where the device was quicker than the call returned).
    """
    launched = device_work(events).filter(pl.col("launch").is_not_null())
    return (
        launched.with_columns(
            events["start_ns"].gather(launched["launch"]).alias("launched_ns"),
            events["duration_ns"].gather(launched["launch"]).alias("call_ns"),
        )
        .select(
            "row", "device", "lane", "kind", "name", "step", "launched_ns", "call_ns", "start_ns", "duration_ns",
            (pl.col("start_ns") - pl.col("launched_ns") - pl.col("call_ns")).alias("latency_ns"),
        )
        .sort("row")
    )  # fmt: skip


def launch_statistics(events: pl.DataFrame) -> LaunchStatistics:
    """Latency percentiles are the order statistic at or above the rank: a latency that happened."""
    table, work = launch_table(events), device_work(events)
    latency = table["latency_ns"]
    gaps = device_gaps(events)
    host_wait_ns = int(gaps.filter(pl.col("cause") == "host wait")["duration_ns"].sum())
    idle_ns = int(gaps["duration_ns"].sum())
    kernels = table.filter(pl.col("kind") == "kernel")
    return LaunchStatistics(
        launched=len(table),
        unlaunched=len(work) - len(table),
        latency_p50_ns=latency.quantile(0.5, "higher"),
        latency_p95_ns=latency.quantile(0.95, "higher"),
        negative=int((latency < 0).sum()),
        shorter_than_launch=int((kernels["duration_ns"] < kernels["call_ns"]).sum()),
        launch_calls_ns=int(table["call_ns"].sum()),
        queue_depth_mean=_queue_depth(table),
        idle_ns=idle_ns,
        host_wait_ns=host_wait_ns,
        launch_bound=host_wait_ns / idle_ns if idle_ns else None,
        graph_recoverable_ns=_recoverable_ns(gaps, table),
    )


def _queue_depth(table: pl.DataFrame) -> float | None:
    waiting_ns = (pl.col("start_ns") - pl.col("launched_ns")).clip(0)
    if table.is_empty():
        return None
    waited, first, last = table.select(waiting_ns.sum(), pl.col("launched_ns").min(), pl.col("start_ns").max().alias("last")).row(0)
    return float(waited) / (last - first) if last > first else None


def _recoverable_ns(gaps: pl.DataFrame, table: pl.DataFrame) -> int:
    first = table.sort("start_ns").group_by("device", "step").agg(pl.col("row").first())
    return int(
        gaps.filter(pl.col("cause").is_in(["host wait", "launch gap"]))
        .join(table.select(pl.col("row").alias("next")), on="next", how="semi")
        .join(first.select(pl.col("row").alias("next")), on="next", how="anti")["duration_ns"]
        .sum()
    )
