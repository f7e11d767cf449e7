"""Real recordings: our own, which lie here, and others' in the folder shared beside the project, where there is one."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from core.analysis.steps import accounting, windows
from core.traces.read import read_trace
from core.traces.schema import EVENT_SCHEMA

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
OWN = ("pytorch_eager.pt.trace.json.gz", "tensorflow_graph.xplane.pb.gz", "tensorflow_xla.xplane.pb.gz")
OTHERS = (
    "alexnet_a100_sync.pt.trace.json.gz", "compile_triton_mi300.pt.trace.json.gz", "conv_mi300x8.xplane.pb", "cpu_only.pt.trace.json.gz",
    "ddp_v100_memory.pt.trace.json.gz", "diff_a100_control.pt.trace.json.gz", "diff_v100_test.pt.trace.json.gz",
    "gpu_only_mi210.pt.trace.json.gz", "minitoy_mi250_rocm.pt.trace.json.gz", "multirank/rank-0.pt.trace.json.gz",
    "qwen_h100_memory.pt.trace.json.gz", "qwen_mi300_memory.pt.trace.json.gz", "resnet50_v100_workers0.pt.trace.json.gz",
    "resnet50_v100_workers4.pt.trace.json.gz", "resnet_mi300_checkpoint.pt.trace.json.gz",
)  # fmt: skip
KINETO = tuple(name for name in OTHERS if name.endswith(".json.gz"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder of real traces is not beside this project")


@cache
def read(path: Path):
    return read_trace(path)


@cache
def raw(name: str):
    return json.loads(gzip.decompress((SHARED / name).read_bytes()), parse_float=Decimal)["traceEvents"]


def device_work(trace):
    return trace.events.filter((pl.col("device") != "cpu") & pl.col("kind").is_in(["kernel", "memcpy", "memset", "communication"]))


@pytest.mark.parametrize("name", OWN)
def test_our_own_steps_are_mostly_operators_and_all_operators_have_a_class(name):
    trace = read(DATA / name)
    together = accounting(trace.events, trace.facts.steps).filter(pl.col("lane") == "all threads")
    wall_ns, rest_ns = together.select(pl.col("wall_ns", "rest_ns").sum()).row(0)
    assert 1 - rest_ns / wall_ns > 0.85
    operators = trace.events.filter(pl.col("kind") == "operator")
    other = operators.filter(pl.col("op_class") == "other")["self_ns"].sum()
    assert other <= 0.02 * operators["self_ns"].sum()


@pytest.mark.parametrize(
    ("name", "layers", "share"),
    [
        ("pytorch_eager.pt.trace.json.gz", {"Conv2d_0", "Conv2d_1", "MaxPool2d_0", "Linear_0", "Linear_1"}, 0.9),
        ("tensorflow_graph.xplane.pb.gz", {"conv1_1", "conv2_1", "pool1_1", "dense1_1", "dense2_1"}, 0.9),
        # XLA makes instructions of its own, which carry no layer.
        ("tensorflow_xla.xplane.pb.gz", {"conv1_1", "conv2_1", "pool1_1", "dense1_1", "dense2_1"}, 0.45),
    ],
)
def test_our_own_layers_have_forward_and_backward_operators(name, layers, share):
    operators = read(DATA / name).events.filter(pl.col("kind") == "operator").with_columns(pl.col("layer", "phase").cast(pl.String))
    for layer in layers:
        phases = set(operators.filter((pl.col("layer") == layer) & (pl.col("self_ns") > 0))["phase"])
        assert {"forward", "backward"} <= phases, layer
    known = operators.filter(pl.col("layer").is_not_null())["self_ns"].sum()
    assert known >= share * operators["self_ns"].sum()


@needs_shared
@pytest.mark.parametrize("name", OTHERS)
def test_every_event_is_read_or_has_a_reason_and_every_step_adds_up(name):
    trace = read(SHARED / name)
    assert trace.events.schema == EVENT_SCHEMA
    coverage = trace.facts.coverage
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values())
    assert coverage.events_read == len(trace.events) + len(trace.memory)
    assert (trace.events["duration_ns"] >= 0).all()
    table = accounting(trace.events, windows(trace))
    assert (table["self_ns"] - table["overlap_ns"] + table["rest_ns"] == table["wall_ns"]).all()
    assert (table.filter(pl.col("lane") != "all threads")["overlap_ns"] == 0).all()
    assert (table["rest_ns"] >= 0).all()


@needs_shared
@pytest.mark.parametrize("name", KINETO)
def test_counts_and_times_are_those_of_the_raw_file_to_the_nanosecond(name):
    trace = read(SHARED / name)
    stretches = [event for event in raw(name) if event.get("ph") == "X"]
    assert trace.facts.coverage.events_found == len(raw(name))
    assert trace.facts.coverage.events_read == len(stretches) + len(trace.memory)
    first = min(Decimal(event["ts"]) for event in stretches)
    expected = sorted((int((Decimal(event["ts"]) - first) * 1000), int(Decimal(event["dur"]) * 1000)) for event in stretches)
    assert sorted(trace.events.select("start_ns", "duration_ns").rows()) == expected


@needs_shared
@pytest.mark.parametrize("name", KINETO)
def test_kernels_and_steps_agree_with_the_oracle(name):
    oracle = json.loads((SHARED / "oracle.json").read_text())["files"]
    expected = oracle.get(name) or oracle.get(Path(name).name)
    if expected is None:
        pytest.skip("the oracle has no values for this trace")
    trace = read(SHARED / name)
    for device, values in expected["devices"].items():
        own = device_work(trace).filter(pl.col("device") == f"gpu:{device}")
        if own.is_empty():
            continue
        span_us = ((own["start_ns"] + own["duration_ns"]).max() - own["start_ns"].min()) / 1000
        assert span_us == pytest.approx(values["span_us"], abs=0.002)
    kernels = trace.events.filter((pl.col("device") != "cpu") & pl.col("kind").is_in(["kernel", "communication"]))
    assert len(kernels) == expected["kernel_count"]
    assert kernels["duration_ns"].sum() / 1000 == pytest.approx(expected["kernel_sum_us"], abs=0.01)
    steps = {step["name"]: step["dur_us"] for step in expected["steps"]}
    for step in trace.facts.steps:
        assert (step.end_ns - step.start_ns) / 1000 == pytest.approx(steps[f"ProfilerStep#{step.number}"], abs=0.002)
    assert len(trace.facts.steps) == len(steps)


@needs_shared
@pytest.mark.parametrize("name", OTHERS)
def test_device_time_is_classified(name):
    work = device_work(read(SHARED / name))
    other = work.filter(pl.col("op_class") == "other")["duration_ns"].sum()
    assert other <= 0.02 * work["duration_ns"].sum()


@needs_shared
@pytest.mark.parametrize("name", ["resnet50_v100_workers0.pt.trace.json.gz", "ddp_v100_memory.pt.trace.json.gz"])
def test_kernels_are_linked_by_their_correlation(name):
    trace = read(SHARED / name)
    assert trace.facts.coverage.device_events_linked == trace.facts.coverage.device_events
    names = trace.events["name"].cast(pl.String)
    work = device_work(trace).with_columns(names.gather(pl.Series(device_work(trace)["operator"])).alias("of"))
    gemm = work.filter(pl.col("name").cast(pl.String).str.contains("sgemm"))
    assert gemm.filter(pl.col("of").str.contains(r"mm|conv|linear|matmul|Compiled")).height == gemm.height


@needs_shared
@pytest.mark.parametrize(("workers", "waits_for_input"), [(0, True), (4, False)])
def test_workers_take_the_loading_out_of_the_step(workers, waits_for_input):
    trace = read(SHARED / f"resnet50_v100_workers{workers}.pt.trace.json.gz")
    operators = trace.events.filter((pl.col("kind") == "operator") & pl.col("step").is_not_null())
    share = operators.filter(pl.col("phase") == "input")["self_ns"].sum() / operators["self_ns"].sum()
    assert (share > 0.1) is waits_for_input


@needs_shared
def test_a_name_that_only_looks_like_a_kernel_is_none():
    operators = read(SHARED / "qwen_h100_memory.pt.trace.json.gz").events.filter(pl.col("kind") == "operator")
    assert operators["device"].unique().to_list() == ["cpu"]
    assert all(re.match(r"[\w:<>#&. \-()\[\]/,]+", name) for name in operators["name"].cast(pl.String).unique())
