"""How each device spent its time: busy, idle, computing, communicating, copying; in integer nanoseconds that add up."""

from __future__ import annotations

import polars as pl

from core.analysis.intervals import Intervals
from core.traces.building import DEVICE_WORK
from core.traces.schema import HOST


def device_work(events: pl.DataFrame) -> pl.DataFrame:
    """Kernels, collectives, copies and memsets that ran on a device."""
    # By kind first: what remains is a small part, and its devices are quickly told.
    return events.filter(pl.col("kind").is_in(list(DEVICE_WORK))).filter(pl.col("device") != HOST)


def device_labels(events: pl.DataFrame) -> list[str]:
    """Devices with work, in the order of their numbers."""
    labels = device_work(events)["device"].unique().cast(pl.String).to_list()
    return sorted(labels, key=lambda label: (len(label), label))


def device_account(events: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Per device with work:

    - `span_ns`: from the first start to the last end of its work; `busy_ns`: the union of its work; `idle_ns`: span minus busy.
    - `compute_ns`: union of kernels that do not communicate; `communication_ns`, `memcpy_ns`, `memset_ns`: unions of these.
    - `exposed_communication_ns`: communication while nothing computes; `exposed_memcpy_ns`: copying while nothing computes
      or communicates.
    - `events`: how many.
    """
    work = device_work(events)
    return {label: _account(work.filter(pl.col("device") == label)) for label in device_labels(events)}


def _account(work: pl.DataFrame) -> dict[str, int]:
    by_kind = {kind: Intervals.of(work.filter(pl.col("kind") == kind)) for kind in DEVICE_WORK}
    compute, communication, memcpy = by_kind["kernel"], by_kind["communication"], by_kind["memcpy"]
    first, last = work.select(pl.col("start_ns").min(), (pl.col("start_ns") + pl.col("duration_ns")).max().alias("end")).row(0)
    span_ns, busy_ns = last - first, Intervals.of(work).length_ns
    return {
        "span_ns": span_ns,
        "busy_ns": busy_ns,
        "idle_ns": span_ns - busy_ns,
        "compute_ns": compute.length_ns,
        "communication_ns": communication.length_ns,
        "memcpy_ns": memcpy.length_ns,
        "memset_ns": by_kind["memset"].length_ns,
        "exposed_communication_ns": communication.without_ns(compute),
        "exposed_memcpy_ns": memcpy.without_ns(compute | communication),
        "events": len(work),
    }


def stream_account(events: pl.DataFrame) -> pl.DataFrame:
    """One row per stream, per device the busiest first: `device`, `lane`, `events`, `busy_ns` (the union of its work)."""
    rows = [
        (str(device), str(lane), len(own), Intervals.of(own).length_ns)
        for (device, lane), own in device_work(events).group_by(pl.col("device", "lane").cast(pl.String))
    ]
    schema = {"device": pl.String, "lane": pl.String, "events": pl.Int64, "busy_ns": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("device", "busy_ns", "lane", descending=[False, True, False])
