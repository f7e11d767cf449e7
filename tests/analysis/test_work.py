"""What work costs by everything it is known by, summed up again; streams, ranks and layers next to each other. Numbers by hand."""

from __future__ import annotations

import polars as pl
import pytest

from core.analysis import work
from core.analysis.communication import joined_ranks, rank_account, slowest_ranks
from core.analysis.devices import device_account, device_work, stream_account
from core.analysis.layers import layer_tree, paired_layers
from core.traces import kineto
from core.traces.read import read_trace
from core.traces.sources import Source
from tests.traces.shared import SHARED, needs_shared
from tests.traces.synthetic import event
from tests.traces.synthetic import kineto as kineto_json

GPU_TRACES = ("qwen_h100_memory", "ddp_v100_memory", "resnet_mi300_checkpoint", "gpu_only_mi210", "resnet50_v100_workers0")


def read(events):
    return kineto.read(Source(name="made.json", data=kineto_json(events)))


def kernel(name, start, length, correlation, *, stream=7, **args):
    return event(name, "kernel", start, length, tid=stream, device=0, stream=stream, correlation=correlation, **args)


def two_steps():
    """Steps of 1000 us at 0 and 1000; each launches a product of 100 us (occupancy 40) in `Linear_0`; the second also one of 300 us
    (occupancy 80) in `Linear_1`; a kernel of 7 us outside of both.
    """
    events = [event("ProfilerStep#1", "user_annotation", 0, 1000), event("ProfilerStep#2", "user_annotation", 1000, 1000)]
    for place, (start, length, layer, occupancy) in enumerate([(10, 100, 0, 40), (1010, 100, 0, 40), (1200, 300, 1, 80)], start=1):
        events += [
            event(f"nn.Module: Linear_{layer}", "python_function", start, 60),
            event("aten::mm", "cpu_op", start + 1, 50),
            event("cudaLaunchKernel", "cuda_runtime", start + 10, 5, correlation=place),
            kernel("volta_sgemm_128x64_nn", start + 20, length, place, **{"est. achieved occupancy %": occupancy}),
        ]
    return read([*events, event("cudaLaunchKernel", "cuda_runtime", 2100, 5, correlation=9), kernel("late", 2200, 7, 9, stream=8)])


def test_device_costs_are_per_step_and_say_what_they_leave_out():
    trace = two_steps()
    costs = work.device_costs(trace)
    assert dict(costs.select("layer", "time_ns").rows()) == {"Linear_0": 100_000, "Linear_1": 150_000}
    assert costs["share"].sum() == pytest.approx(1.0)
    assert work.outside_steps(trace) == work.Outside(events=1, time_ns=7_000, share=7 / 507)
    assert work.per_step(trace, device=True)


def test_rows_are_summed_up_with_the_extremes_the_mean_and_the_occupancy_by_time():
    [row] = work.summed_up(work.device_costs(two_steps()), "kernel").rows(named=True)
    assert row["layer"] == "2 layers"
    assert row["operator"] == "aten::mm"
    assert (row["count"], row["time_ns"], row["min_ns"], row["max_ns"]) == (1.5, 250_000, 100_000, 300_000)
    assert row["mean_ns"] == pytest.approx(500_000 / 3)
    assert row["occupancy"] == pytest.approx((0.4 * 200 + 0.8 * 300) / 500)
    assert row["tensor_core"] is False


def test_host_costs_have_the_self_time_of_the_operators():
    costs = work.host_costs(two_steps())
    assert dict(costs.select("layer", "self_ns").rows()) == {"Linear_0": 50_000, "Linear_1": 25_000}
    assert work.summed_up(costs, "operator")["count"].to_list() == [1.5]


def test_without_steps_everything_counts_once():
    trace = read([kernel("volta_sgemm_128x64_nn", 0, 5, 1), kernel("volta_sgemm_128x64_nn", 10, 7, 2)])
    assert work.device_costs(trace)["time_ns"].sum() == 12_000
    assert work.outside_steps(trace) is None
    assert not work.per_step(trace, device=True)
    assert not work.has_operators(trace)


@needs_shared
@pytest.mark.parametrize("name", GPU_TRACES)
def test_costs_sum_to_all_device_work_of_real_traces_however_they_are_put_together(name: str):
    trace = read_trace(SHARED / f"{name}.pt.trace.json.gz")
    costs, outside = work.device_costs(trace), work.outside_steps(trace)
    steps = len(trace.facts.steps) or 1
    whole = int(device_work(trace.events)["duration_ns"].sum()) - (outside.time_ns if outside else 0)
    for by in (["kernel"], ["operator", "op_class"], ["layer"]):
        assert work.summed_up(costs, *by)["time_ns"].sum() * steps == pytest.approx(whole)


@needs_shared
@pytest.mark.parametrize("name", GPU_TRACES)
def test_streams_hold_all_events_and_none_is_busier_than_its_device(name: str):
    trace = read_trace(SHARED / f"{name}.pt.trace.json.gz")
    account, streams = device_account(trace.events), stream_account(trace.events)
    for label, whole in account.items():
        own = streams.filter(pl.col("device") == label)
        assert own["events"].sum() == whole["events"]
        assert max(own["busy_ns"]) <= whole["busy_ns"] <= sum(own["busy_ns"])


def test_two_trees_meet_by_path_and_lose_nothing():
    trace = two_steps()
    a = layer_tree(trace.events)
    b = a.filter(pl.col("layer") != "Linear_0")
    pair = paired_layers([(a, ()), (b, ())], clock="device")
    assert pair.select("layer", "a_self", "b_self").rows() == [
        ("Linear_0", 200_000, 0), ("Linear_1", 300_000, 300_000), (None, 7_000, 0)
    ]  # fmt: skip
    [host] = [paired_layers([(a, ())], clock="host")]
    assert host["a_self"].sum() == 150_000


def test_a_recording_that_nests_deeper_than_python_is_a_tree_too():
    modules = [event(f"nn.Module: Inner_{depth}", "python_function", depth, 10_000 - 2 * depth) for depth in range(3_000)]
    tree = layer_tree(read([*modules, event("aten::mm", "cpu_op", 4_000, 7)]).events)
    assert tree["depth"].to_list() == list(range(3_000))
    assert set(tree["host_total_ns"]) == {7_000}
    assert max(len(path) for path in tree["path"]) < 1_000


def test_the_deeper_tree_gives_the_order_and_what_only_the_other_has_follows():
    flat = pl.DataFrame({"layer": ["loss", "inner", None], "self": [1, 2, 3]})
    deep = pl.DataFrame(
        {"layer": ["outer", "inner", None], "self": [10, 20, 30], "depth": [0, 1, 0], "path": ["outer", "outer/inner", ""]}
    )
    declared = [("inner", "Linear")]
    pair = paired_layers([(tree_of(flat), declared), (tree_of(deep), declared)], clock="device")
    assert pair.select("layer", "depth", "a_self", "b_self").rows() == [
        ("outer", 0, 0, 10), ("inner", 1, 2, 20), ("loss", 0, 1, 0), (None, 0, 3, 30)
    ]  # fmt: skip


def tree_of(rows: pl.DataFrame) -> pl.DataFrame:
    """A tree of `layer_tree` in which the host does nothing; without depths its layers stand side by side."""
    if "depth" not in rows.columns:
        rows = rows.with_columns(pl.lit(0).alias("depth"), pl.col("layer").fill_null("").alias("path"))
    zero = (
        pl.lit(0).alias(name)
        for name in ("host_self_ns", "host_total_ns", "device_forward_ns", "device_backward_ns", "kernels", "calls")
    )
    return rows.with_columns(pl.col("self").alias("device_self_ns"), pl.col("self").alias("device_total_ns"), *zero)


def test_layers_meet_under_the_names_of_the_program():
    tree = layer_tree(two_steps().events)
    pair = paired_layers(
        [(tree, [("dense1", "Linear"), ("dense2", "Linear")]), (tree, [("dense1", "Linear"), ("dense2", "Linear")])], clock="device"
    )
    assert pair["layer"].to_list() == ["dense1", "dense2", None]
    assert pair["a_total"].to_list() == pair["b_total"].to_list() == [200_000, 300_000, 7_000]


def rank(number: int, compute_ns: int) -> pl.DataFrame:
    row = {"rank": number, "device": "gpu:0", "step": 4, "wall_ns": 1000, "compute_ns": compute_ns, "communication_ns": 5}
    return pl.DataFrame(row, schema_overrides={"rank": pl.Int32, "step": pl.Int32})


def test_the_slowest_rank_of_a_step_is_the_one_that_computes_longest():
    table = slowest_ranks([rank(0, 100), rank(1, 130), rank(2, 90)])
    assert table.select("rank", "behind_ns", "straggler").rows() == [(0, 10, False), (1, 40, True), (2, 0, False)]
    assert not slowest_ranks([rank(0, 100), rank(1, 100)])["straggler"].any()
    assert slowest_ranks([]).is_empty()


def test_steps_that_one_rank_did_not_record_are_left_out():
    other = rank(1, 130).with_columns(pl.lit(5, pl.Int32).alias("step"))
    assert slowest_ranks([rank(0, 100), other]).is_empty()


def test_ranks_are_joined_in_their_order_and_one_without_a_device_has_no_row():
    trace, host = two_steps(), read([event("aten::mm", "cpu_op", 0, 5)])
    joined = joined_ranks([rank_account(trace, 3), rank_account(host, 1), rank_account(trace, 2)])
    assert joined["rank"].to_list() == [2, 3]
    assert joined["step_ns"].to_list() == [1e6, 1e6]
    assert joined_ranks([rank_account(host, 0)]).is_empty()
