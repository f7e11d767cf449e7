"""Real GPU recordings against reference values that an independent script computed from their raw events."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import polars as pl
import pytest

from core.analysis.devices import device_account, device_work
from core.analysis.idle import causes, device_gaps, stream_gaps
from core.analysis.intervals import Intervals
from core.analysis.kernels import kernel_table
from core.analysis.launches import launch_statistics
from core.analysis.memory import memory_account
from core.traces.read import read_trace
from core.traces.schema import Trace
from tests.traces.shared import SHARED, needs_shared

pytestmark = needs_shared

ORACLE: dict[str, Any] = json.loads((SHARED / "oracle.json").read_text())["files"] if SHARED.is_dir() else {}
FILES = sorted(ORACLE)
#: What the script calls a gap's cause.
CAUSES = {"host wait": "host_wait", "launch gap": "kernel_wait", "dependency": "other"}


@cache
def trace(name: str) -> Trace:
    return read_trace(SHARED / name)


def ns(microseconds: float) -> float:
    return microseconds * 1000


def sum_is(found_ns: Any, expected_us: float, events: int) -> bool:
    """Within 1 ns per event: the script added floats of microseconds up."""
    return abs(found_ns - ns(expected_us)) <= max(events, 1)


def device(label: str) -> str:
    return label.removeprefix("gpu:")


def overlap_ns(name: str, label: str, lane: str) -> int:
    own = device_work(trace(name).events).filter(
        (pl.col("device").cast(pl.String) == label) & (pl.col("lane").cast(pl.String) == lane)
    )
    return int(own["duration_ns"].sum()) - Intervals.of(own).length_ns


@pytest.mark.parametrize("name", FILES)
def test_every_event_is_read_or_accounted_for(name: str):
    coverage = trace(name).facts.coverage
    assert coverage.events_found == ORACLE[name]["events"]
    assert coverage.events_read + sum(coverage.events_skipped.values()) == coverage.events_found
    lasting = sum(category["count"] for category in ORACLE[name]["by_category"].values())
    assert len(trace(name).events) == lasting
    assert sum_is(
        trace(name).events["duration_ns"].sum(),
        sum(category["dur_us"] for category in ORACLE[name]["by_category"].values()),
        lasting,
    )


@pytest.mark.parametrize("name", FILES)
def test_steps(name: str):
    expected = ORACLE[name]["steps"]
    found = trace(name).facts.steps
    assert [step.number for step in found] == [int(step["name"].partition("#")[2]) for step in expected]
    for step, wanted in zip(found, expected, strict=True):
        assert abs(step.end_ns - step.start_ns - ns(wanted["dur_us"])) <= 1
    starts = [step.start_ns - found[0].start_ns for step in found]
    # A float of microseconds since 1970 is a quarter of a microsecond wide.
    assert starts == pytest.approx([ns(step["ts"] - expected[0]["ts"]) for step in expected], abs=500)


@pytest.mark.parametrize("name", FILES)
def test_devices_are_busy_and_idle_for_as_long_as_the_raw_events_say(name: str):
    found = device_account(trace(name).events)
    expected = ORACLE[name]["devices"]
    assert {device(label) for label in found} == set(expected)
    for label, account in found.items():
        wanted = expected[device(label)]
        assert account["events"] == wanted["n"]
        for ours, theirs in (("span_ns", "span_us"), ("busy_ns", "busy_us"), ("idle_ns", "idle_us"), ("compute_ns", "compute_us"),
                             ("communication_ns", "comm_us"), ("memcpy_ns", "memcpy_us"), ("memset_ns", "memset_us"),
                             ("exposed_communication_ns", "exposed_comm_us"), ("exposed_memcpy_ns", "exposed_memcpy_us")):  # fmt: skip
            assert sum_is(account[ours], wanted[theirs], wanted["n"]), (label, ours, account[ours], wanted[theirs])


@pytest.mark.parametrize("name", FILES)
def test_gaps_of_devices(name: str):
    gaps = device_gaps(trace(name).events)
    for label, wanted in ORACLE[name]["devices"].items():
        own = gaps.filter(pl.col("device") == f"gpu:{label}")
        # Where events touch to the nanosecond a float may see a gap that is none.
        assert abs(len(own) - wanted["gaps"]) <= wanted["n"] * 0.1
        assert sum_is(own["duration_ns"].sum(), wanted["gap_lt10us_us"] + wanted["gap_ge10us_us"], wanted["n"])
        assert sum_is(own.filter(pl.col("duration_ns") >= 10_000)["duration_ns"].sum(), wanted["gap_ge10us_us"], wanted["n"])


@pytest.mark.parametrize("name", FILES)
def test_idle_time_by_cause_on_every_stream(name: str):
    """Where two events of one stream overlap the script subtracts the overlap from the short gaps; here a gap is never negative, so
    that gaps sum to the time in which the stream was idle.
    """
    gaps = stream_gaps(trace(name).events)
    table = {
        (row["device"], row["lane"], row["cause"]): row["idle_ns"] for row in causes(gaps, "device", "lane").iter_rows(named=True)
    }
    for stream, wanted in ORACLE[name]["streams"].items():
        label, _, number = stream.partition("/")
        for ours, theirs in CAUSES.items():
            found = table.pop((f"gpu:{label}", f"stream {number.removeprefix('stream ')}", ours), 0)
            if ours == "launch gap":
                found -= overlap_ns(name, f"gpu:{label}", f"stream {number.removeprefix('stream ')}")
            assert sum_is(found, wanted.get(theirs, 0.0), wanted["n"]), (stream, ours, found, wanted)
    assert not table


@pytest.mark.parametrize("name", FILES)
def test_launch_latencies(name: str):
    wanted = ORACLE[name]["launch_to_start_us"]
    found = launch_statistics(trace(name).events)
    assert (found.launched, found.unlaunched) == (wanted["n"], wanted["unmatched"])
    assert abs(found.negative - wanted["negative"]) <= wanted["n"] * 0.01
    for ours, theirs in ((found.latency_p50_ns, "p50"), (found.latency_p95_ns, "p95")):
        assert (ours is None) == (wanted[theirs] is None)
        if ours is not None:
            assert ours == pytest.approx(ns(wanted[theirs]), abs=251)  # the width of a float of microseconds since 1970


@pytest.mark.parametrize("name", FILES)
def test_kernels(name: str):
    table = kernel_table(trace(name).events).filter(pl.col("kind").is_in(["kernel", "communication"]))
    wanted = ORACLE[name]
    assert len(table) == wanted["kernel_names"]
    assert table["count"].sum() == wanted["kernel_count"]
    assert sum_is(table["total_ns"].sum(), wanted["kernel_sum_us"], wanted["kernel_count"])
    rows = {row["name"]: row for row in table.iter_rows(named=True)}
    for kernel in wanted["top20"]:
        row = rows[kernel["name"]]
        assert row["count"] == kernel["count"]
        assert sum_is(row["total_ns"], kernel["sum_us"], kernel["count"])
        for ours, theirs in (("mean_ns", "mean_us"), ("min_ns", "min_us"), ("max_ns", "max_us")):
            assert abs(row[ours] - ns(kernel[theirs])) <= 1


@pytest.mark.parametrize("name", [name for name in FILES if ORACLE[name].get("memory")])
def test_memory_peaks(name: str):
    found = memory_account(trace(name).memory)
    for place, wanted in ORACLE[name]["memory"].items():
        kind, _, number = place.partition("/")
        account = found["cpu" if kind == "0" else f"gpu:{number}"]
        assert account["events"] == wanted["events"]
        if wanted.get("peak_total_allocated") is not None:
            assert account["peak_allocated_bytes"] == wanted["peak_total_allocated"]
