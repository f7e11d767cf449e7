"""Everything about one recording as plain values: what `python -m core trace` prints and what a report holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from core.analysis import idle
from core.analysis.breakdown import input_bound_share, step_breakdown, xprof_breakdown
from core.analysis.communication import collective_table, overlap
from core.analysis.copies import copy_table
from core.analysis.devices import device_account, device_labels, device_work
from core.analysis.efficiency import efficiency
from core.analysis.kernels import kernel_table
from core.analysis.launches import launch_statistics
from core.analysis.layers import layer_tree
from core.analysis.memory import memory_account
from core.analysis.operators import operator_costs, regrouped
from core.analysis.steps import windows
from core.traces.schema import Trace

_THREADS = 2


def summary(trace: Trace, *, top: int | None = None) -> dict[str, Any]:
    """The whole account of a recording; times in integer nanoseconds unless a name says otherwise, devices by their ids.

    `top` cuts the long lists (kernels, operators, layers) to their largest rows; the sums beside them stay those of all.
    """
    events, steps = trace.events, trace.facts.steps
    sections: list[Callable[[], dict[str, Any]]] = [
        lambda: {"facts": _facts(trace), "coverage": coverage(trace)},
        lambda: _operators(trace, top),
        lambda: {"devices": _by_id(device_account(events)), "idle_causes": _by_id(idle_causes(events))},
        lambda: {"launches": asdict(launch_statistics(events)), "efficiency": _efficiency(trace)},
        lambda: _steps(trace),
        lambda: {"kernels": _kernels(events, top), "op_classes": _rows(op_classes(trace), None)},
        lambda: {"layers": _rows(layer_tree(events), top), "copies": _rows(copy_table(events), top)},
        lambda: {"collectives": _rows(collective_table(events), top), "overlap": _rows(overlap(events, steps), None)},
        lambda: {"memory": _by_id(memory_account(trace.memory))},
    ]
    # They wait for nothing of each other, and most of their time is spent outside of Python.
    with ThreadPoolExecutor(_THREADS) as pool:
        found = [pool.submit(section) for section in sections]
        return {name: value for future in found for name, value in future.result().items()}


def _facts(trace: Trace) -> dict[str, Any]:
    facts = trace.facts
    return {
        "source": facts.source,
        "framework": facts.framework,
        "versions": facts.versions,
        "devices": [asdict(device) for device in facts.devices],
        "ranks": [facts.rank] if facts.rank is not None else [],
        "world_size": facts.world_size,
        "steps": len(facts.steps),
        "events": facts.coverage.events_found,
        "origin_ns": facts.origin_ns,
        "span_ns": _span_ns(trace.events),
        "notes": list(facts.notes),
    }


def _operators(trace: Trace, top: int | None) -> dict[str, Any]:
    costs = operator_costs(trace.events, windows(trace))
    return {
        "operators": _rows(regrouped(costs, "operator", "op_class").rename({"operator": "name"}), top),
        "phases": _rows(regrouped(costs, "phase"), None),
    }


def _efficiency(trace: Trace) -> dict[str, Any]:
    found = efficiency(trace.events, trace.facts.steps, trace.facts.devices)
    return _by_id({label: asdict(one) for label, one in found.items()})


def _kernels(events: pl.DataFrame, top: int | None) -> list[dict[str, Any]]:
    return _rows(kernel_table(events).filter(pl.col("kind").is_in(["kernel", "communication"])), top)


def _steps(trace: Trace) -> dict[str, Any]:
    steps = trace.facts.steps
    # By place: a number may come twice, as where a program counts the steps of its training and of its evaluation.
    places = [replace(step, number=place) for place, step in enumerate(steps)]
    breakdown = step_breakdown(trace.events, places)
    classes = xprof_breakdown(trace.events, places) if trace.facts.source == "xplane" else None
    rows = [
        {
            "number": step.number,
            "start_ns": step.start_ns,
            "duration_ns": step.end_ns - step.start_ns,
            "parts_ns": _parts_of(breakdown, place),
            **({} if classes is None else {"xprof_ns": _parts_of(classes, place)}),
        }
        for place, step in enumerate(steps)
    ]
    return {"steps": rows, "input_bound_share": input_bound_share(breakdown)}


def coverage(trace: Trace) -> dict[str, Any]:
    """What of the recording could be read, linked to an operator, and classified; fractions are of device time, None without
    any.
    """
    found = trace.facts.coverage
    work = device_work(trace.events)
    total = int(work["duration_ns"].sum())
    known = pl.col("operator").is_not_null() | pl.col("scope").is_not_null()

    def fraction(rows: pl.Expr) -> float | None:
        return int(work.filter(rows)["duration_ns"].sum()) / total if total else None

    kernels = work.filter(pl.col("kind").is_in(["kernel", "communication"]))
    return {
        "events_found": found.events_found,
        "events_read": found.events_read,
        "events_skipped": found.events_skipped,
        "kernels": len(kernels),
        "kernels_linked": len(kernels.filter(known)),
        "unlinked": unlinked(work.filter(~known), trace.events),
        "device_time_ns": total,
        "device_time_linked_fraction": fraction(known),
        "device_time_launched_fraction": fraction(pl.col("launch").is_not_null()),
        "device_time_classified_fraction": fraction(pl.col("op_class").is_not_null() & (pl.col("op_class") != "other")),
    }


def unlinked(work: pl.DataFrame, events: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Why device work has no operator: reason -> `events` and `device_time_ns`."""
    call = events["name"].gather(work["launch"]).cast(pl.String).alias("call")
    reason = (
        pl.when(pl.col("call").is_null())
        .then(pl.lit("whose launch was not recorded, as before the recording began"))
        .when(pl.col("call").str.contains("(?i)graph_?launch"))
        .then(pl.lit("launched as part of a graph"))
        .otherwise(pl.lit("launched outside any operator"))
    )
    table = (
        work.with_columns(call)
        .group_by(reason.alias("reason"))
        .agg(pl.len().alias("events"), pl.col("duration_ns").sum())
        .sort("reason")
    )
    return {why: {"events": count, "device_time_ns": time_ns} for why, count, time_ns in table.iter_rows()}


def idle_causes(events: pl.DataFrame) -> dict[str, Any]:
    """Per device the idle time by cause, and per stream of it; `core.analysis.idle` defines the causes."""
    of_devices, of_streams = idle.device_gaps(events), idle.stream_gaps(events)

    def by_cause(gaps: pl.DataFrame) -> dict[str, int]:
        found = dict(idle.causes(gaps).select("cause", "idle_ns").iter_rows())
        return {f"{cause.replace(' ', '_')}_ns": found.get(cause, 0) for cause in idle.CAUSES}

    lanes = device_work(events).select(pl.col("device", "lane").cast(pl.String)).unique().sort("device", "lane").rows()
    return {
        label: {
            **by_cause(of_devices.filter(pl.col("device") == label)),
            "streams": {
                lane: by_cause(of_streams.filter((pl.col("device") == label) & (pl.col("lane") == lane)))
                for device, lane in lanes
                if device == label
            },
        }
        for label in device_labels(events)
    }


def op_classes(trace: Trace) -> pl.DataFrame:
    """Time by op class over the whole recording: device work where there is any, else operators' self time: `op_class`,
    `count`, `total_ns`, `share`.
    """
    work = device_work(trace.events)
    if work.is_empty():
        return regrouped(operator_costs(trace.events, windows(trace)), "op_class").select(
            "op_class", "count", pl.col("self_ns").alias("total_ns"), "share"
        )
    total = max(int(work["duration_ns"].sum()), 1)
    return (
        work.group_by(pl.col("op_class").cast(pl.String))
        .agg(
            pl.len().alias("count"),
            pl.col("duration_ns").sum().alias("total_ns"),
            (pl.col("duration_ns").sum() / total).alias("share"),
        )
        .sort("total_ns", "op_class", descending=[True, False])
    )


def _parts_of(breakdown: pl.DataFrame, place: int) -> dict[str, int]:
    return dict(breakdown.filter(pl.col("step") == place).select("part", "duration_ns").iter_rows())


def _by_id(of_devices: Mapping[str, Any]) -> dict[str, Any]:
    """An accelerator by the number that its profiler gives it, the host as `cpu`."""
    return {label.removeprefix("gpu:"): found for label, found in of_devices.items()}


def _span_ns(events: pl.DataFrame) -> int:
    start, end = events.select(pl.col("start_ns").min(), (pl.col("start_ns") + pl.col("duration_ns")).max().alias("end")).row(0)
    return int(end - start)


def _rows(table: pl.DataFrame, top: int | None) -> list[dict[str, Any]]:
    return (table if top is None else table.head(top)).to_dicts()
