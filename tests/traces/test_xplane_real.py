"""Real XPlane files: a slow, plain decode of every event gives the same counts, times and totals as the reader's columns."""

from __future__ import annotations

import gzip
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.big_xplane import make_big_xplane
from core.traces import xplane
from tests.traces.shared import SHARED, needs_shared
from tests.traces.xplane_truth import XSpace, stat_value

DATA = Path(__file__).parent / "data"
JAX = DATA / "h100" / "jax_conv.xplane.pb.gz"
MI300 = SHARED / "conv_mi300x8.xplane.pb"
FILES = [
    pytest.param(path, id=path.name) for path in (DATA / "tensorflow_graph.xplane.pb.gz", DATA / "tensorflow_xla.xplane.pb.gz", JAX)
] + [pytest.param(MI300, marks=needs_shared, id=MI300.name)]


@cache
def content(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@cache
def trace_of(path):
    return xplane.read(content(path), path.name)


@cache
def plain(path):
    """(device, name, start and end in whole nanoseconds after the line's clock plus that clock, correlation) of every event."""
    space = XSpace.FromString(content(path))
    start = next(
        (stat_value(stat) for plane in space.planes if plane.name == b"Task Environment" for stat in plane.stats
         if plane.stat_metadata[stat.metadata_id].name == b"profile_start_time"), 0,
    )  # fmt: skip
    found = []
    for plane in space.planes:
        name = plane.name.decode()
        if not name.startswith(("/host:CPU", "/device:GPU")):
            continue
        device = name.removeprefix("/device:").lower() if name.startswith("/device") else "cpu"
        for line in plane.lines:
            for event in line.events:
                stats = {plane.stat_metadata[stat.metadata_id].name: stat_value(stat) for stat in event.stats}
                first_ns = start + line.timestamp_ns + event.offset_ps // 1000
                last_ns = start + line.timestamp_ns + (event.offset_ps + event.duration_ps) // 1000
                found.append((device, plane.event_metadata[event.metadata_id].name.decode(), first_ns, last_ns, stats.get(b"correlation_id")))
    return found


def timed(path):
    return [event for event in plain(path) if event[1] not in ("MemoryAllocation", "MemoryDeallocation")]


@pytest.mark.parametrize("path", FILES)
def test_every_event_is_there_with_its_device_and_times(path):
    trace = trace_of(path)
    own = trace.events.select(
        pl.col("device").cast(pl.String), pl.col("start_ns") + trace.facts.origin_ns,
        (pl.col("start_ns") + pl.col("duration_ns") + trace.facts.origin_ns).alias("end_ns"), "correlation",
    )  # fmt: skip
    assert Counter(own.rows()) == Counter((device, first, last, correlation) for device, _, first, last, correlation in timed(path))
    assert len(trace.memory) == len(plain(path)) - len(timed(path))
    assert trace.facts.coverage.events_found == len(plain(path)) == trace.facts.coverage.events_read


@pytest.mark.parametrize("path", FILES)
def test_every_kernel_has_its_count_and_its_total(path):
    expected: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    for device, name, first, last, _ in timed(path):
        if device != "cpu":
            expected[device, name] += last - first
            calls[device, name] += 1
    work = trace_of(path).events.filter(pl.col("device").cast(pl.String) != "cpu")
    table = work.group_by(pl.col("device", "name").cast(pl.String)).agg(pl.col("duration_ns").sum(), pl.len())
    assert {(device, name): (total, count) for device, name, total, count in table.rows()} == {
        key: (expected[key], calls[key]) for key in expected
    }


@pytest.mark.parametrize("path", [param for param in FILES if param.values[0] in (JAX, MI300)])
def test_every_device_event_points_at_the_call_with_its_correlation(path):
    events = trace_of(path).events
    work = events.filter(pl.col("device").cast(pl.String) != "cpu")
    assert work["launch"].null_count() == 0
    calls = events[work["launch"]]
    assert calls["correlation"].to_list() == work["correlation"].to_list()
    assert set(calls["device"].cast(pl.String)) == {"cpu"}
    assert set(calls["kind"]) == {"runtime call"}


def test_an_allocation_of_a_real_run_has_its_layer_and_a_total_that_follows_from_the_last():
    memory = trace_of(DATA / "tensorflow_graph.xplane.pb.gz").memory
    change = memory["allocated_bytes"].diff()[1:]
    # Two threads may tell in another order than they allocated.
    assert (change == memory["delta_bytes"][1:]).mean() > 0.9
    first = memory.filter(pl.col("layer").cast(pl.String) == "conv1_1").row(0, named=True)
    # 64 images of 26 x 26 with 32 channels of float32.
    assert (first["delta_bytes"], first["phase"]) == (64 * 26 * 26 * 32 * 4, "forward")


def test_a_big_file_is_the_small_one_again_and_again():
    small = trace_of(JAX)
    big = xplane.read(make_big_xplane(JAX, 3 * small.facts.coverage.events_found), "big")
    assert big.facts.coverage.events_found == 3 * small.facts.coverage.events_found
    totals = [
        trace.events.group_by(pl.col("device", "lane", "name").cast(pl.String)).agg(pl.len()).sort("device", "lane", "name")
        for trace in (small, big)
    ]
    assert totals[1]["len"].to_list() == (3 * totals[0]["len"]).to_list()
    assert abs(big.events["duration_ns"].sum() - 3 * small.events["duration_ns"].sum()) <= len(big.events)
    assert np.diff([step.start_ns for step in big.facts.steps]).min() > 0
