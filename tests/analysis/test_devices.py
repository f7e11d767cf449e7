"""What a device's time divides into: by hand, and on any recording at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.breakdown import PARTS, input_bound_share, step_breakdown, xprof_breakdown
from core.analysis.communication import collective_table, overlap, ranks_table, stragglers
from core.analysis.copies import copy_table
from core.analysis.devices import device_account, device_work
from core.analysis.efficiency import efficiency
from core.analysis.idle import causes, device_gaps, longest, stream_gaps
from core.analysis.intervals import Intervals
from core.analysis.kernels import kernel_table
from core.analysis.launches import launch_statistics, launch_table
from core.analysis.layers import layer_tree
from core.analysis.summary import op_classes
from core.analysis.work import device_costs, in_steps, per_step, summed_up
from core.traces.schema import Trace
from tests.analysis.recordings import kernel, launch, recorded, recordings, step
from tests.traces.synthetic import event


def two_streams() -> Trace:
    """Span 100 to 200 us: compute 100-130 and 170-200, a collective 120-150, a copy 140-160; nothing 160-170."""
    return recorded([
        kernel("volta_sgemm", 100, 30),
        kernel("ncclKernel_AllReduce", 120, 30, stream=8),
        kernel("Memcpy DtoH (Device -> Pinned)", 140, 20, stream=9, category="gpu_memcpy", bytes=4000),
        kernel("volta_sgemm", 170, 30),
    ])  # fmt: skip


def test_a_device_is_busy_exposed_and_idle():
    assert device_account(two_streams().events) == {
        "gpu:0": {
            "span_ns": 100_000, "busy_ns": 90_000, "idle_ns": 10_000, "compute_ns": 60_000, "communication_ns": 30_000, "memcpy_ns": 20_000,
            "memset_ns": 0, "exposed_communication_ns": 20_000, "exposed_memcpy_ns": 10_000, "events": 4,
        }
    }  # fmt: skip


def test_overlap_of_computing_and_communicating():
    assert overlap(two_streams().events, ()).rows() == [("gpu:0", None, 100_000, 60_000, 30_000, 10_000, 20_000, 20_000)]
    [collective] = collective_table(two_streams().events).rows(named=True)
    assert (collective["name"], collective["count"], collective["total_ns"], collective["bytes"]) == (
        "ncclKernel_AllReduce",
        1,
        30_000,
        None,
    )


def test_copies_have_a_direction_a_bandwidth_and_may_block_the_host():
    trace = recorded([
        launch(0, 5, 1, "cudaMemcpyAsync"), launch(10, 5, 2, "cudaMemcpy"),
        kernel("Memcpy HtoD (Pinned -> Device)", 20, 2, category="gpu_memcpy", bytes=6000, correlation=1),
        kernel("Memcpy HtoD (Pinned -> Device)", 30, 4, category="gpu_memcpy", bytes=6000, correlation=2),
    ])  # fmt: skip
    [row] = copy_table(trace.events).rows(named=True)
    assert (row["direction"], row["count"], row["bytes"], row["total_ns"], row["synchronous"]) == (
        "copy host-device",
        2,
        12_000,
        6_000,
        1,
    )
    assert row["bandwidth_gb_per_s"] == pytest.approx(2.0)


def test_a_gap_is_the_hosts_the_devices_or_a_dependency():
    trace = recorded([
        launch(1, 2, 1), launch(4, 2, 2), launch(200, 5, 3), launch(8, 2, 4),
        kernel("a", 10, 10, correlation=1),
        kernel("b", 25, 75, correlation=2),  # waited 5 us, launched long before
        kernel("c", 210, 10, correlation=3),  # launched at 200, after b had ended at 100
        kernel("d", 300, 10, correlation=4),  # launched at 8, waited 80 us for something else
    ])  # fmt: skip
    gaps = stream_gaps(trace.events)
    assert gaps.select("start_ns", "duration_ns", pl.col("cause").cast(pl.String)).rows() == [
        (19_000, 5_000, "launch gap"), (99_000, 110_000, "host wait"), (219_000, 80_000, "dependency"),
    ]  # fmt: skip
    assert dict(causes(gaps).select(pl.col("cause").cast(pl.String), "idle_ns").iter_rows()) == {
        "host wait": 110_000,
        "launch gap": 5_000,
        "dependency": 80_000,
    }
    assert longest(gaps, trace.events, top=1)["next_name"].to_list() == ["c"]


def test_launches():
    trace = recorded([
        event("aten::mm", "cpu_op", 0, 60),
        launch(0, 10, 1), launch(20, 10, 2), launch(50, 10, 3),
        kernel("a", 15, 4, correlation=1), kernel("b", 40, 20, correlation=2), kernel("c", 59, 20, correlation=3), kernel("d", 100, 1),
    ])  # fmt: skip
    assert launch_table(trace.events)["latency_ns"].to_list() == [5_000, 10_000, -1_000]
    found = launch_statistics(trace.events)
    assert (found.launched, found.unlaunched, found.negative, found.shorter_than_launch) == (3, 1, 1, 1)
    assert (found.latency_p50_ns, found.latency_p95_ns, found.launch_calls_ns) == (5_000, 10_000, 30_000)
    assert found.queue_depth_mean == pytest.approx((15 + 20 + 9) / 59)
    # 19-40 was the host's, which launched b at 20; 79-100 is d's, whose launch is not known.
    assert (found.idle_ns, found.host_wait_ns, found.graph_recoverable_ns) == (42_000, 21_000, 21_000)
    assert found.launch_bound == 0.5


def test_a_step_divides_by_the_strongest_claim():
    trace = recorded([
        step(4, 0, 100),
        event("enumerate(DataLoader)#x", "user_annotation", 0, 20), event("aten::stack", "cpu_op", 5, 10),
        event("aten::mm", "cpu_op", 30, 40), launch(35, 10, 1), kernel("volta_sgemm", 40, 20, correlation=1),
    ])  # fmt: skip
    table = step_breakdown(trace.events, trace.facts.steps)
    assert dict(table.select(pl.col("part").cast(pl.String), "duration_ns").iter_rows()) == {
        "kernel": 20_000, "memcpy": 0, "memset": 0, "communication": 0, "runtime": 5_000, "input": 20_000, "operator": 15_000, "other": 40_000,
    }  # fmt: skip
    assert input_bound_share(table) == 0.2
    assert input_bound_share(table.clear()) is None


def test_a_step_in_the_classes_of_xprof():
    trace = recorded([
        step(4, 0, 100),
        event("enumerate(DataLoader)#x", "user_annotation", 0, 20), event("aten::mm", "cpu_op", 30, 40), launch(35, 10, 1),
        kernel("volta_sgemm", 40, 20, correlation=1), kernel("ncclKernel_AllReduce", 55, 10, stream=8),
        kernel("Memcpy HtoD (Pageable -> Device)", 15, 10, category="gpu_memcpy"),
        kernel("Memcpy DtoH (Device -> Pinned)", 80, 5, category="gpu_memcpy"),
        event("XlaCompile", "something", 90, 4),
    ])  # fmt: skip
    table = xprof_breakdown(trace.events, trace.facts.steps)
    assert dict(table.select(pl.col("part").cast(pl.String), "duration_ns").iter_rows()) == {
        "device compute": 20_000, "output": 5_000, "device to device": 0, "input": 25_000, "device collectives": 5_000, "kernel launch": 5_000,
        "compilation": 4_000, "host compute": 10_000, "all others": 26_000,
    }  # fmt: skip


def filling(made: dict[str, Any], *, blocks_per_sm: float, occupancy_percent: float) -> dict[str, Any]:
    return {**made, "args": {**made["args"], "blocks per SM": blocks_per_sm, "est. achieved occupancy %": occupancy_percent}}


def test_efficiency_fills_multiprocessors_once_and_weighs_by_time():
    trace = recorded([
        step(0, 0, 100),
        filling(kernel("a", 0, 40), blocks_per_sm=0.5, occupancy_percent=50),
        filling(kernel("b", 20, 20, stream=8), blocks_per_sm=3.0, occupancy_percent=20),
    ])  # fmt: skip
    found = efficiency(trace.events, trace.facts.steps, trace.facts.devices)["gpu:0"]
    assert found.utilisation == pytest.approx(0.4)
    assert found.sm_efficiency == pytest.approx(0.20 * 0.5 + 0.20 * 1.0)
    assert found.occupancy == pytest.approx((40 * 0.5 + 20 * 0.2) / 60)


def test_efficiency_from_the_grid_where_the_profiler_does_not_say():
    gpu = {"id": 0, "name": "MI300X", "numSms": 100, "maxThreadsPerMultiprocessor": 2048}
    trace = recorded([kernel("a", 0, 10, grid=[50, 1, 1], block=[256, 1, 1])], deviceProperties=[gpu])
    found = efficiency(trace.events, (), trace.facts.devices)["gpu:0"]
    assert found.sm_efficiency == pytest.approx(0.5)
    assert found.occupancy == pytest.approx(50 * 256 / 100 / 2048)


def test_layers_are_a_tree_with_their_own_work_and_that_inside():
    trace = recorded([
        event("nn.Module: Net_0", "python_function", 0, 100), event("nn.Module: Linear_0", "python_function", 10, 40),
        event("aten::mm", "cpu_op", 12, 20), launch(15, 2, 1), kernel("volta_sgemm", 20, 30, correlation=1),
        event("aten::add", "cpu_op", 60, 10), launch(62, 2, 2), kernel("vectorized_elementwise_kernel", 70, 5, correlation=2),
        kernel("Memset (Device)", 90, 1, category="gpu_memset"),
    ])  # fmt: skip
    rows = (
        layer_tree(trace.events)
        .select("layer", "depth", "calls", "device_self_ns", "device_total_ns", "host_self_ns", "host_total_ns")
        .rows()
    )
    assert rows == [("Net_0", 0, 1, 5_000, 35_000, 10_000, 30_000), ("Linear_0", 1, 1, 30_000, 30_000, 20_000, 20_000),
                    (None, 0, 0, 1_000, 1_000, 0, 0)]  # fmt: skip


def test_modules_that_call_one_another_are_no_endless_tree():
    calls = [
        event(f"nn.Module: {name}", "python_function", ts + at, dur)
        for ts in (0, 200)
        for name, at, dur in (("A_0", 0, 50), ("B_0", 10, 30), ("B_0", 100, 50), ("A_0", 110, 30))
    ]
    trace = recorded([*calls, event("aten::mm", "cpu_op", 15, 5), event("aten::mm", "cpu_op", 115, 5)])
    assert layer_tree(trace.events)["host_self_ns"].sum() == 10_000


def test_ranks_wait_for_the_one_that_computes_longest():
    def rank(number: int, computing: float) -> Trace:
        work = [
            kernel("volta_sgemm", 0, computing, device=number),
            kernel("ncclKernel_AllReduce", computing, 90 - computing, device=number),
        ]
        return recorded([step(1, 0, 100), *work], distributedInfo={"rank": number, "world_size": 2})

    traces = [rank(0, 30), rank(1, 70)]
    assert ranks_table(traces).select("rank", "device", "step_ns", "compute_ns").rows() == [
        (0, "gpu:0", 100_000.0, 30_000),
        (1, "gpu:1", 100_000.0, 70_000),
    ]
    assert stragglers(traces).select("rank", "communication_ns", "behind_ns", "straggler").rows() == [
        (0, 60_000, 0, False),
        (1, 20_000, 40_000, True),
    ]
    assert stragglers([]).is_empty()


@given(recordings())
def test_every_part_of_every_whole_sums_to_it(trace: Trace):
    events = trace.events
    account = device_account(events)
    for label, one in account.items():
        assert one["busy_ns"] + one["idle_ns"] == one["span_ns"]
        own = device_gaps(events).filter(pl.col("device") == label)
        assert own["duration_ns"].sum() == one["idle_ns"]
        assert causes(own)["idle_ns"].sum() == one["idle_ns"]
        assert (
            max(one["compute_ns"], one["communication_ns"]) <= one["compute_ns"] + one["exposed_communication_ns"] <= one["busy_ns"]
        )
    breakdown = step_breakdown(events, trace.facts.steps)
    assert len(breakdown) == len(trace.facts.steps) * len(PARTS)
    assert (breakdown["duration_ns"] >= 0).all()
    for number, wall in ((one.number, one.end_ns - one.start_ns) for one in trace.facts.steps):
        assert breakdown.filter(pl.col("step") == number)["duration_ns"].sum() == wall
        assert xprof_breakdown(events, trace.facts.steps).filter(pl.col("step") == number)["duration_ns"].sum() == wall
    work_ns = device_work(events)["duration_ns"].sum()
    assert kernel_table(events)["total_ns"].sum() == work_ns
    for group in ("kernel", "operator", "op_class", "layer"):
        counted_ns = device_work(in_steps(trace))["duration_ns"].sum() or work_ns
        steps = len(trace.facts.steps) if per_step(trace, device=True) else 1
        assert summed_up(device_costs(trace), group)["time_ns"].sum() == pytest.approx(counted_ns / steps)
    if work_ns:
        assert op_classes(trace)["total_ns"].sum() == work_ns
    tree = layer_tree(events)
    assert tree["device_self_ns"].sum() == work_ns
    assert tree["host_self_ns"].sum() == events.filter(pl.col("kind") == "operator")["self_ns"].sum()
    for row in overlap(events, trace.facts.steps).iter_rows(named=True):
        assert row["compute_ns"] + row["communication_ns"] - row["overlap_ns"] + row["neither_ns"] == row["wall_ns"]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=20),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=20),
)
def test_intervals_are_sets_of_moments(left: list[tuple[int, int]], right: list[tuple[int, int]]):
    def both(intervals: list[tuple[int, int]]) -> tuple[Intervals, set[int]]:
        start = np.array([a for a, _ in intervals], np.int64)
        return Intervals.union(start, start + np.array([b for _, b in intervals], np.int64)), {
            m for a, b in intervals for m in range(a, a + b)
        }

    (a, moments_a), (b, moments_b) = both(left), both(right)
    assert a.length_ns == len(moments_a)
    assert (a | b).length_ns == len(moments_a | moments_b)
    assert a.without_ns(b) == len(moments_a - moments_b)
    windows: Any = (np.arange(0, 70, 7), np.arange(0, 70, 7) + 5)
    assert a.inside_ns(*windows).tolist() == [len([m for m in moments_a if start <= m < start + 5]) for start in range(0, 70, 7)]
    assert (a.end_ns > a.start_ns).all()
    assert (a.gaps().start_ns < a.gaps().end_ns).all()
