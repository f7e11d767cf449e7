"""The figures of one recording, as far as it has what they show: costs, layers, steps, idle time, memory."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.analysis.devices import device_account, stream_account
from core.analysis.idle import CAUSES, busy_and_idle
from core.analysis.layers import layer_tree, paired_layers
from core.analysis.memory import (
    account,
    folded,
    keeps_total,
    live_after,
    live_by,
    memory_devices,
    over_time,
    peak_place,
    reduced,
)
from core.analysis.summary import idle_causes
from core.analysis.work import has_device_work, in_steps
from core.charts.breakdown import stacked_rows
from core.charts.memory_bars import live_bars
from core.charts.memory_over_time import MEASURE_LABELS, MOMENT, Mark, Moment, memory_over_time
from core.report import formats
from core.report.figure import Figure
from core.report.profile_figures import GROUPINGS, Grouping, cost_figures, step_figures
from core.report.recording import Recording, clock, sides_of_recordings
from core.traces.schema import HOST

_LAYERS = Grouping(column="layer", called="layer", title="The layers that cost most", colour="side", top=20)
#: Devices and streams in the chart of idle time, and devices whose memory is drawn; the least busy ones are in the table alone.
_MOST_ROWS, _MOST_DEVICES = 24, 4
#: Points of a memory curve.
_MOST_POINTS = 800


def trace_figures(one: Recording) -> list[Figure]:
    """Every figure that the recording has something to show in."""
    return [*work_figures(one), *step_figures([one]), *idle_figures(one), *memory_figures(one)]


def work_figures(one: Recording) -> list[Figure]:
    """What costs most, by kind of operation, operator, kernel and layer."""
    layered = [_LAYERS] if one.trace.events["layer"].null_count() < len(one.trace.events) else []
    return cost_figures([one], sides_of_recordings([one]), [*GROUPINGS, *layered])


def layer_table(one: Recording) -> pl.DataFrame:
    """The layers as a tree, outer ones first: `layer`, `depth`, `path`, and what they cost a step, or in all where no step is marked;
    empty where none is known.
    """
    device = clock([one]) is True
    tree = paired_layers([(layer_tree(in_steps(one.trace)), one.declared)], clock="device" if device else "host")
    if tree["layer"].null_count() == len(tree):
        return tree.clear()
    steps, unit = max(len(one.trace.facts.steps), 1), "ms per step" if one.trace.facts.steps else "ms in all"
    return tree.select(
        pl.col("layer").fill_null("in no layer"), "depth", "path",
        (pl.col("a_total") / 1e6 / steps).alias(f"with inner layers ({unit})"), (pl.col("a_self") / 1e6 / steps).alias(f"own ({unit})"),
        *([(pl.col("a_kernels") / steps).alias("kernels per step" if one.trace.facts.steps else "kernels")] if device else []),
    )  # fmt: skip


def idle_figures(one: Recording) -> list[Figure]:
    """How each device, and each stream of it, spent its time."""
    if not has_device_work(one.trace):
        return []
    rows = _busy_and_idle(one)
    labels = rows["label"].unique(maintain_order=True).to_list()
    wide = rows.pivot("part", index=["label", "events"], values="ns").select(
        pl.col("label").alias("of"), "events", *((pl.col(part) / 1e6).alias(f"{part} (ms)") for part in ("busy", *CAUSES)),
        (pl.col("busy") / pl.max_horizontal(pl.sum_horizontal("busy", *CAUSES), 1) * 100).alias("busy (%)"),
    )  # fmt: skip
    first = wide.row(0, named=True)
    return [
        Figure(
            name="idle", title="Busy, and idle by cause",
            says=f"Busy and idle time by cause of {len(labels)} devices and streams. {first['of']}: busy {first['busy (%)']:.1f} %.",
            chart=stacked_rows(rows.filter(pl.col("label").is_in(labels[:_MOST_ROWS])), ("busy", *CAUSES),
                               title="ms from the first start to the last end"),
            table=wide,
            note="Host wait: the next event was launched only after the last one had ended. Launch gap: it was launched in time and began at "
                 "once. Dependency: it waited longer, for another stream, an event or a lock, or its launch was not recorded.",
        )
    ]  # fmt: skip


def _busy_and_idle(one: Recording) -> pl.DataFrame:
    """`label`, `events`, `part`, `ns`: devices, each followed by its streams, the busiest first."""
    events = one.trace.events
    return busy_and_idle(device_account(events), idle_causes(events), stream_account(events))


def memory_figures(one: Recording) -> list[Figure]:
    """How high, and what held it at the peak, of each device."""
    return [figure for device in memory_devices(one.trace.memory)[:_MOST_DEVICES] for figure in _memory(one, device)]


def _memory(one: Recording, device: str) -> list[Figure]:
    trace, name = one.trace, device.replace(":", "")
    series = over_time(trace.memory, device)
    found, place = account(series), peak_place(series)
    start_ns, end_ns = min(0, int(series["time_ns"][0])), _end_ns(trace.events, series)
    points = reduced(series, start_ns, end_ns, at_most=_MOST_POINTS).with_columns((pl.col("time_ns") / 1e6).alias(MOMENT))
    drawn = points.select(MOMENT, *MEASURE_LABELS)
    peak = Moment(ms=int(series["time_ns"][place]) / 1e6, bytes=int(series["allocated_bytes"][place]), word="peak")
    highest: list[Any] = [drawn[measure].max() or 0 for measure in ("allocated_bytes", "reserved_bytes")]
    colour = sides_of_recordings([one]).colour_a
    at_least = "" if keeps_total(trace.memory, device) else "at least "
    held = folded(live_by(live_after(series, place), trace.events, "operator"))
    curve = Figure(
        name=f"memory-{name}", title=f"Memory over time: {device}",
        says=f"Allocated memory of {device}: {at_least}{formats.size(found['peak_allocated_bytes'])} at its peak, at {peak.ms:,.3f} ms.",
        chart=memory_over_time(
            drawn, measure="allocated_bytes", colour=colour, window_ms=(start_ns / 1e6, end_ns / 1e6), top_bytes=int(max(highest)),
            marks=[Mark(ms=step.start_ns / 1e6, label=str(step.number)) for step in trace.facts.steps], peak=peak, moment=None,
        ),
        table=drawn,
        note=_lower_bound(one, device),
    )  # fmt: skip
    bars = Figure(
        name=f"memory-{name}-held", title=f"What held it at the peak: {device}",
        says=f"Bytes that were allocated at the peak of {device}, by the operator that asked for them. Most: {held['name'][0]}, "
             f"{formats.size(held['bytes'][0])}.",
        chart=live_bars(held, colour, title="operator"), table=held.drop("origin"),
    ) if not held.is_empty() else None  # fmt: skip
    return [curve, *([bars] if bars else [])]


def _end_ns(events: pl.DataFrame, series: pl.DataFrame) -> int:
    last = events.select((pl.col("start_ns") + pl.col("duration_ns")).max()).item() or 0
    return max(int(last), int(series["time_ns"][-1]), 1)


def _lower_bound(one: Recording, device: str) -> str:
    if not keeps_total(one.trace.memory, device):
        return "This profiler kept no total: what was there before the recording and stayed is not in it."
    if device == HOST and one.trace.facts.framework == "pytorch":
        return "PyTorch counts the host's memory from when the profiler began: what was there before is not in it."
    return ""
