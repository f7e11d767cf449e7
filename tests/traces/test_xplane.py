"""XPlane recordings made by hand, written and read without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

from core.traces import xplane
from core.traces.schema import EVENT_SCHEMA, TraceError
from core.traces.xplane_messages import XSpace
from tests.traces.synthetic import Plane, graph_space, hlo_module


def read(space):
    return xplane.read(space.SerializeToString(), "made.xplane.pb")


def rows(trace, name):
    return trace.events.filter(pl.col("name").cast(pl.String) == name)


def test_a_graph_names_its_operators_layers_and_phases():
    trace = read(graph_space())
    assert trace.events.schema == EVENT_SCHEMA
    products = rows(trace, "MatMul").sort("start_ns")
    assert products["layer"].to_list() == ["dense1_1", "dense1_1"]
    assert products["phase"].to_list() == ["forward", "backward"]
    assert products["op_class"].to_list() == ["matrix multiply"] * 2
    assert rows(trace, "Mul").select("layer", "phase", "op_class").rows() == [(None, "optimizer", "optimizer")]
    assert rows(trace, "ReluGrad").select("layer", "phase").rows() == [("conv1_1", "backward")]


def test_calling_a_graph_is_no_operator_and_neither_is_scheduling():
    trace = read(graph_space())
    assert rows(trace, "__inference_step_12")["kind"].to_list() == ["other"]
    assert rows(trace, "ExecutorState::Process")["kind"].to_list() == ["other"]
    assert rows(trace, "BlockUntilReady")["kind"].to_list() == ["synchronisation"]


def test_eager_operators_before_the_graph_and_tf_data_are_input():
    trace = read(graph_space())
    assert rows(trace, "GatherV2")["phase"].to_list() == ["input", "input"]
    assert rows(trace, "Iterator::Root::Map").select("kind", "phase").rows() == [("input", "input")]


def test_steps_and_the_clock():
    trace = read(graph_space())
    assert [(step.number, step.start_ns, step.end_ns, step.lane) for step in trace.facts.steps] == [(31, 0, 1_000_000, "python")]
    assert trace.facts.origin_ns == 5_000_000_000
    assert rows(trace, "ReluGrad")["step"].to_list() == [31]
    assert rows(trace, "Iterator::Root::Map")["step"].to_list() == [None]


def test_eager_steps_are_cut_at_their_gradients():
    space = XSpace()
    names = ("Conv2D", "Relu", "ReluGrad", "MatMul", "Conv2DBackpropFilter", "Sqrt")
    eager = [(f"EagerLocalExecute: {name}", 10 * index, 5) for index, name in enumerate(names, 1)]
    Plane(space, "/host:CPU").line("python", [("train", 0, 100, {"step_num": 1}), *eager])
    trace = read(space)
    phases = {name: rows(trace, name)["phase"][0] for name in names}
    assert list(phases.values()) == ["forward", "forward", "backward", "backward", "backward", "optimizer"]
    assert rows(trace, "Sqrt")["op_class"].to_list() == ["optimizer"]


def test_xla_instructions_are_told_by_their_module():
    module = hlo_module([
        {"name": "images", "opcode": "parameter"},
        {"name": "convolution.2", "opcode": "convolution", "operands": [1], "op_type": "Conv2D", "op_name": "net_1/conv1_1/convolution"},
        {"name": "fusion.7", "opcode": "fusion", "operands": [2], "op_type": "ReluGrad", "op_name": "gradient_tape/net_1/conv1_1/ReluGrad"},
        {"name": "convolution.4", "opcode": "convolution", "operands": [2, 3]},
        {"name": "convolution.5", "opcode": "convolution", "operands": [1, 3]},
    ])  # fmt: skip
    space = XSpace()
    Plane(space, "/host:metadata").metadata_stat("module", "Hlo Proto", module)
    names = ("convolution.2", "fusion.7", "convolution.4", "convolution.5", "unknown.1")
    thunks = [(name, 10 * index, 5, {"hlo_op": name}) for index, name in enumerate(names, 1)]
    Plane(space, "/host:CPU").line("tf_numa_-1_Eigen/1", [("ThunkExecutor::Execute", 0, 100), *thunks])
    trace = read(space)
    found = {name: rows(trace, name).select("kind", "layer", "phase", "op_class").row(0) for name in names}
    assert found == {
        "convolution.2": ("operator", "conv1_1", "forward", "convolution forward"),
        "fusion.7": ("operator", "conv1_1", "backward", "elementwise"),
        # XLA made these two itself: which gradient they are shows in what they are computed from, whose they are does not.
        "convolution.4": ("operator", None, "backward", "convolution backward weights"),
        "convolution.5": ("operator", None, "backward", "convolution backward data"),
        "unknown.1": ("operator", None, "other", "other"),
    }


def test_events_of_a_gpu_are_kernels_and_copies_of_their_streams():
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [("EagerLocalExecute: MatMul", 0, 50), ("cuLaunchKernel", 10, 5, {"correlation_id": 3})])
    gpu = Plane(space, "/device:GPU:0")
    gpu.line("Stream #14(Compute)", [
        ("volta_sgemm", 60, 20, {"correlation_id": 3, "tf_op": "net/dense_1/MatMul:MatMul"}),
        ("MemcpyH2D", 90, 5, {"correlation_id": 9}),
    ])  # fmt: skip
    gpu.line("TensorFlow Name Scope", [("net", 60, 20)])
    trace = read(space)
    assert rows(trace, "volta_sgemm").select("kind", "device", "lane", "layer", "op_class", "operator").rows() == [
        ("kernel", "gpu:0", "Stream #14(Compute)", "dense_1", "matrix multiply", rows(trace, "MatMul")["row"][0])
    ]
    assert rows(trace, "MemcpyH2D").select("kind", "op_class").rows() == [("memcpy", "copy host-device")]
    assert rows(trace, "net")["kind"].to_list() == ["annotation"]
    assert (trace.facts.coverage.device_events, trace.facts.coverage.device_events_linked) == (2, 1)


def test_picoseconds_keep_their_nesting():
    space = XSpace()
    events = [("a/x:Add", 0.0005, 0.0019), ("b/y:Mul", 0.0011, 0.0008)]
    Plane(space, "/host:CPU").line("python", events)
    assert read(space).events.select("start_ns", "duration_ns", "self_ns").rows() == [(0, 2, 2), (1, 0, 0)]


def test_lanes_of_one_name_stay_apart():
    space = XSpace()
    host = Plane(space, "/host:CPU")
    for _ in range(2):
        host.line("python", [("a/x:Add", 0, 10)])
    assert read(space).events["lane"].n_unique() == 2


@pytest.mark.parametrize("cut", [1, 50, 300])
def test_a_cut_off_file_is_named_as_such(cut):
    data = graph_space().SerializeToString()
    with pytest.raises(TraceError, match=r"made\.xplane\.pb .*(cut off|no plane|no events)"):
        xplane.read(data[:cut], "made.xplane.pb")


def test_no_framework_is_imported_to_read_either_kind():
    code = "import sys, core.traces.read, core.traces.cache; print([m for m in sys.modules if m in ('tensorflow', 'torch', 'jax')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
