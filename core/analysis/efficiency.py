"""How well the devices were used while the steps ran: utilisation, estimated multiprocessor efficiency and occupancy.

The definitions are those of torch-tb-profiler's GPU summary, so that numbers can be compared; what a recording does not hold is
None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.analysis.devices import device_labels, device_work
from core.analysis.intervals import Intervals
from core.traces.schema import Device, Step


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """Of one device inside the steps, each 0 to 1."""

    utilisation: float | None
    """Union of its kernels over the steps' time."""
    sm_efficiency: float | None
    """Mean over the steps' time of the share of multiprocessors that have a block: min(1, blocks in flight / multiprocessors)."""
    occupancy: float | None
    """Mean over the kernels' time of the estimated share of a multiprocessor's threads that are resident."""


def efficiency(events: pl.DataFrame, steps: Sequence[Step], devices: Sequence[Device]) -> dict[str, Efficiency]:
    """Per device with work. The window is from the first step's start to the last one's end; without steps the device's own
    span.
    """
    work = device_work(events).filter(pl.col("kind").is_in(["kernel", "communication"]))
    known = {device.label: device for device in devices}
    result = {}
    for label in device_labels(events):
        kernels = work.filter(pl.col("device") == label)
        window = _window(kernels, steps)
        result[label] = (
            _efficiency(kernels, *window, known.get(label))
            if window
            else Efficiency(utilisation=None, sm_efficiency=None, occupancy=None)
        )
    return result


def _window(kernels: pl.DataFrame, steps: Sequence[Step]) -> tuple[int, int] | None:
    if steps:
        return steps[0].start_ns, steps[-1].end_ns
    if kernels.is_empty():
        return None
    start, end = kernels.select(pl.col("start_ns").min(), (pl.col("start_ns") + pl.col("duration_ns")).max().alias("end")).row(0)
    return start, end


def _efficiency(kernels: pl.DataFrame, start_ns: int, end_ns: int, device: Device | None) -> Efficiency:
    wall_ns = end_ns - start_ns
    if wall_ns <= 0:
        return Efficiency(utilisation=None, sm_efficiency=None, occupancy=None)
    inside = (
        kernels.with_columns((pl.col("start_ns") + pl.col("duration_ns")).clip(start_ns, end_ns).alias("end_ns"))
        .with_columns(pl.col("start_ns").clip(start_ns, end_ns))
        .with_columns((pl.col("end_ns") - pl.col("start_ns")).alias("duration_ns"))
        .filter(pl.col("duration_ns") > 0)
        .with_columns(_blocks_per_sm(device).alias("filled"), _occupancy(device).alias("resident"))
    )
    busy_ns = Intervals.of(inside).length_ns
    resident = inside.filter(pl.col("resident").is_not_null())
    weight = float(resident["duration_ns"].sum())
    return Efficiency(
        utilisation=busy_ns / wall_ns,
        sm_efficiency=_filled_ns(inside.filter(pl.col("filled") > 0)) / wall_ns if inside["filled"].count() else None,
        occupancy=float((resident["resident"] * resident["duration_ns"]).sum()) / weight / 100 if weight else None,
    )


def _blocks_per_sm(device: Device | None) -> pl.Expr:
    if device is None or not device.multiprocessors:
        return pl.col("blocks_per_sm").cast(pl.Float64)
    return pl.coalesce(pl.col("blocks_per_sm").cast(pl.Float64), pl.col("blocks") / device.multiprocessors)


def _occupancy(device: Device | None) -> pl.Expr:
    """The profiler's estimate, else all threads spread over the device, at most full."""
    if device is None or not device.multiprocessors or not device.max_threads_per_multiprocessor:
        return pl.col("occupancy_percent").cast(pl.Float64)
    threads = pl.col("blocks") * pl.col("threads_per_block") / device.multiprocessors / device.max_threads_per_multiprocessor
    return pl.coalesce(pl.col("occupancy_percent").cast(pl.Float64), (threads * 100).clip(0, 100))


def _filled_ns(kernels: pl.DataFrame) -> float:
    """Integral of min(1, blocks in flight per multiprocessor) over time."""
    filled = kernels["filled"].to_numpy()
    moments = np.concatenate([kernels["start_ns"].to_numpy(), kernels["end_ns"].to_numpy()])
    change = np.concatenate([filled, -filled])
    order = np.argsort(moments, kind="stable")
    level = np.cumsum(change[order])[:-1]
    return float((np.minimum(level, 1.0) * np.diff(moments[order])).sum())
