"""XPlane recordings made by hand, written and read without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

from core.traces import xplane
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA
from tests.traces.synthetic import Plane, Reference, graph_space, hlo_module
from tests.traces.xplane_truth import XSpace


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


def test_a_kernel_knows_its_launch_its_sizes_and_what_its_device_can_hold():
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [("cuLaunchKernel", 10, 5, {"correlation_id": 3})])
    gpu = Plane(space, "/device:GPU:1")
    gpu.own_stat("device_vendor", "Nvidia")
    for name, value in {"core_count": 132, "memory_size": 80 * 2**30, "compute_cap_major": 9}.items():
        gpu.own_stat(name, value)
    details = "regs:32 static_shared:0 dynamic_shared:0 grid:33,4,2 block:64,2,1 occ_pct:37.5"
    gpu.line("Stream #14(Compute)", [
        ("gemm", 60, 20, {"correlation_id": 3, "kernel_details": Reference(details)}),
        ("MemcpyD2H", 90, 5, {"correlation_id": 4, "memcpy_details": "kind_src:device kind_dst:pinned size:4096 dest:0 async:1"}),
        ("Memset", 95, 1, {"Memset_details": "kind:device num_bytes:64 async:1"}),
        ("amd.kd", 97, 1, {"kernel_details": Reference(" grid:2,1,1 block:512,1,1 private_mem:0 group_mem:0 occ_pct:0")}),
    ])  # fmt: skip
    trace = read(space)
    sizes = ("blocks", "threads_per_block", "blocks_per_sm", "occupancy_percent", "bytes")
    assert rows(trace, "gemm").select("launch", *sizes).rows() == [(rows(trace, "cuLaunchKernel")["row"][0], 264, 128, 2.0, 37.5, None)]
    assert rows(trace, "MemcpyD2H").select("launch", *sizes).rows() == [(None, None, None, None, None, 4096)]
    assert rows(trace, "Memset")["bytes"].to_list() == [64]
    # ROCm writes an occupancy of 0 for want of one.
    assert rows(trace, "amd.kd").select("blocks", "threads_per_block", "occupancy_percent").rows() == [(2, 512, None)]
    device = trace.facts.devices[1]
    assert (device.label, device.name, device.memory_bytes, device.multiprocessors, device.compute_capability) == (
        "gpu:1", "Nvidia", 80 * 2**30, 132, "9.0",
    )  # fmt: skip


def test_what_holds_for_every_event_of_a_name_is_in_its_metadata():
    space = XSpace()
    gpu = Plane(space, "/device:GPU:0")
    gpu.metadata_stat("gemm", "flops", 2000)
    gpu.metadata_stat("gemm", "bytes_accessed", 96)
    gpu.metadata_stat("gemm", "tf_op", "net/dense_1/MatMul:MatMul")
    gpu.line("Stream #1", [("gemm", 0, 1), ("gemm", 2, 1, {"flops": 7}), ("plain", 4, 1)])
    found = read(space).events.select("flops", "bytes", "layer").rows()
    assert found == [(2000, 96, "dense_1"), (7, 96, "dense_1"), (None, None, None)]


def test_shapes_come_from_the_operands_or_from_what_the_profiler_wrote():
    module = hlo_module([
        {"name": "images", "opcode": "parameter", "shape": (64, 28, 28, 1)},
        {"name": "kernel", "opcode": "parameter", "shape": (3, 3, 1, 32)},
        {"name": "convolution.2", "opcode": "convolution", "operands": [1, 2], "op_name": "net_1/conv1_1/convolution"},
    ])  # fmt: skip
    space = XSpace()
    Plane(space, "/host:metadata").metadata_stat("module", "Hlo Proto", module)
    Plane(space, "/host:CPU").line("worker", [
        ("convolution.2", 0, 5, {"hlo_op": "convolution.2"}),
        ("net/MatMul:MatMul", 6, 5, {"tensor_shapes": Reference("(float[64,10];float[])")}),
        ("net/Relu:Relu", 12, 5),
    ])  # fmt: skip
    assert read(space).events["input_shapes"].to_list() == ["[[64, 28, 28, 1], [3, 3, 1, 32]]", "[[64, 10], []]", None]


def test_an_instruction_is_looked_up_in_its_own_program():
    space = XSpace()
    programs = Plane(space, "/host:metadata")
    for program, layer in ((7, "first"), (8, "second")):
        instruction = {"name": "fusion.1", "opcode": "fusion", "op_name": f"net/{layer}/MatMul"}
        programs.metadata_stat(f"jit_step({program})", "Hlo Proto", hlo_module([instruction], name="jit_step"))
    programs.metadata_stat("jit_other(9)", "Hlo Proto", hlo_module([{"name": "fusion.1", "opcode": "fusion", "op_name": "net/third/MatMul"}]))
    Plane(space, "/device:GPU:0").line("Stream #1", [
        ("a", 0, 1, {"hlo_op": Reference("fusion.1"), "hlo_module": "jit_step", "program_id": 7}),
        ("b", 2, 1, {"hlo_op": Reference("fusion.1"), "hlo_module": "jit_step", "program_id": 8}),
        ("c", 4, 1, {"hlo_op": Reference("fusion.1"), "hlo_module": Reference("jit_other")}),
    ])  # fmt: skip
    assert read(space).events["layer"].to_list() == ["first", "second", "third"]


def test_a_kernel_of_a_captured_graph_is_told_by_its_own_name():
    module = hlo_module([
        {"name": "fusion.1", "opcode": "fusion", "op_type": "MatMul", "op_name": "net/dense/MatMul"},
        {"name": "command_buffer", "opcode": "call"},
    ])  # fmt: skip
    space = XSpace()
    Plane(space, "/host:metadata").metadata_stat("module", "Hlo Proto", module)
    captured = {"hlo_op": Reference("command_buffer")}
    Plane(space, "/device:GPU:0").line("Stream #1", [("fusion_1", 0, 1, captured), ("cutlass", 2, 1, captured)])
    assert read(space).events.select("scope", "layer").rows() == [("net/dense/MatMul", "dense"), ("command_buffer", None)]


def allocation(name, at_us, size, total, allocator="GPU_0_bfc", address=4096):
    stats = {"allocator_name": Reference(allocator), "allocation_bytes": size, "requested_bytes": size - 1, "bytes_allocated": total}
    return f"Memory{name}", at_us, 0, {**stats, "bytes_reserved": 0, "addr": address}


def test_allocations_are_rows_of_their_own_with_the_operator_on_their_thread():
    space = XSpace()
    Plane(space, "/host:CPU").line("tf_Compute/1", [
        ("net/dense/MatMul:MatMul", 10, 10),
        allocation("Allocation", 10, 256, 1256, address=2**63 + 8),
        allocation("Deallocation", 15, 256, 1000, address=2**63 + 8),
        allocation("Allocation", 25, 64, 64, "cpu"),
    ])  # fmt: skip
    trace = read(space)
    assert trace.memory.schema == MEMORY_SCHEMA
    columns = ("device", "time_ns", "address", "delta_bytes", "allocated_bytes", "reserved_bytes", "operator", "layer", "phase")
    assert trace.memory.select(columns).rows() == [
        ("cpu", 15_000, 4096, 64, 64, None, None, None, None),
        ("gpu:0", 0, 2**63 + 8, 256, 1256, None, 0, "dense", "forward"),
        ("gpu:0", 5_000, 2**63 + 8, -256, 1000, None, 0, "dense", "forward"),
    ]
    assert trace.events["name"].to_list() == ["MatMul"]
    assert (trace.facts.coverage.events_found, trace.facts.coverage.events_read) == (4, 4)


def test_the_total_of_a_device_is_that_of_all_its_allocators():
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [
        ("work", 0, 9),
        allocation("Allocation", 1, 100, 1100, "mklcpu"),
        allocation("Allocation", 2, 30, 530, "cuda_host_bfc"),
        allocation("Deallocation", 3, 100, 1000, "mklcpu"),
        allocation("Allocation", 4, 8, 0, "cpu"),
    ])  # fmt: skip
    trace = read(space)
    # Before their first words 1000 and 500 bytes were taken; `cpu` does not count.
    assert trace.memory["allocated_bytes"].to_list() == [1600, 1630, 1530, None]
    assert trace.facts.notes == ("The allocator cpu keeps no total: what it gave is not in the allocated bytes.",)


def test_planes_that_are_not_read_are_counted_by_name():
    space = graph_space()
    Plane(space, "#Chip0 TPU").line("counters", [("a", 0, 1), ("b", 1, 1)])
    Plane(space, "/host:TFStreamz").line("x", [("c", 0, 1)])
    coverage = read(space).facts.coverage
    assert coverage.events_skipped == {"plane #Chip0 TPU": 2, "plane /host:TFStreamz": 1}
    assert coverage.events_found == coverage.events_read + 3


def test_a_tpu_is_a_device_whose_operations_are_its_work():
    space = XSpace()
    tpu = Plane(space, "/device:TPU:0")
    tpu.own_stat("device_type_string", "TPU v4")
    tpu.line("XLA Ops", [("%fusion.3 = bf16[8,8] fusion(...)", 0, 5), ("all-reduce.1", 5, 2), ("infeed.2", 8, 1)])
    tpu.message.event_metadata[1].display_name = b"fusion.3"
    tpu.line("Steps", [("0", 0, 9)])
    Plane(space, "/device:TPU:0 SparseCore 1").line("XLA Ops", [("gather.1", 0, 5)])
    trace = read(space)
    assert trace.events.select("device", "lane", "kind", "name").rows() == [
        ("tpu:0", "SparseCore 1 XLA Ops", "kernel", "gather.1"),
        ("tpu:0", "Steps", "annotation", "0"),
        ("tpu:0", "XLA Ops", "kernel", "fusion.3"),
        ("tpu:0", "XLA Ops", "communication", "all-reduce.1"),
        ("tpu:0", "XLA Ops", "input", "infeed.2"),
    ]
    assert [device.name for device in trace.facts.devices] == ["TPU v4"]
    assert trace.facts.notes == ("No thread of the host was recorded: what launched the devices' work is unknown.",)


def test_two_hosts_keep_their_threads_and_devices_apart_and_link_nothing():
    space = XSpace()
    for _ in range(2):
        Plane(space, "/host:CPU").line("python", [("cuLaunchKernel", 0, 5, {"correlation_id": 3})])
        Plane(space, "/device:GPU:0").line("Stream #1", [("gemm", 9, 5, {"correlation_id": 3})])
    trace = read(space)
    assert trace.events.select("device", "lane").rows() == [
        ("cpu", "python"), ("cpu", "python (host 2)"), ("gpu:0", "Stream #1"), ("gpu:1", "Stream #1"),
    ]  # fmt: skip
    assert trace.events["launch"].null_count() == 4
    assert any("2 hosts" in note for note in trace.facts.notes)
    assert any("gpu:1" in note for note in trace.facts.notes)


def test_a_thread_that_two_planes_of_a_host_write_is_one_lane():
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [("net/MatMul:MatMul", 0, 50)], thread=77)
    calls = Plane(space, "/host:CUPTI")
    calls.line("Host Threads/77", [("cuLaunchKernel", 10, 5, {"correlation_id": 3})], thread=77)
    calls.line("Host Threads/78", [("cuLaunchKernel", 10, 5)], thread=78)
    Plane(space, "/device:GPU:0").line("Stream #1", [("gemm", 60, 5, {"correlation_id": 3})])
    trace = read(space)
    assert rows(trace, "cuLaunchKernel")["lane"].to_list() == ["Host Threads/78", "python"]
    assert rows(trace, "gemm")["operator"].to_list() == rows(trace, "MatMul")["row"].to_list()


def test_a_call_that_is_named_after_its_kernel_is_a_call_all_the_same():
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [("loop_add_fusion", 0, 5, {"correlation_id": 3}), ("loop_add_fusion", 6, 5)])
    Plane(space, "/device:GPU:0").line("Stream #1", [("loop_add_fusion", 60, 5, {"correlation_id": 3})])
    assert read(space).events["kind"].to_list() == ["runtime call", "other", "kernel"]


@pytest.mark.parametrize(
    ("name", "kind", "phase"),
    [
        ("InfeedEnqueueTuple", "input", "input"),
        ("IteratorGetNextOp::DoCompute", "input", "input"),
        ("XlaCompile", "other", "other"),
        ("H2D Dispatch", "runtime call", "other"),
        ("TransferFromDevice", "runtime call", "other"),
        ("cuMemcpyDtoHAsync_v2", "runtime call", "other"),
        ("cuStreamSynchronize", "synchronisation", "other"),
        ("Wait for usage holds", "synchronisation", "other"),
        ("$api.py:3041 block_until_ready", "python function", "other"),
        ("ThenExecuteCallback:GetEventForComputeStreamSyncPoint", "other", "other"),
    ],
)
def test_what_a_thread_of_the_host_does_is_told_by_its_name(name, kind, phase):
    space = XSpace()
    Plane(space, "/host:CPU").line("python", [(name, 0, 1)])
    assert read(space).events.select("kind", "phase").rows() == [(kind, phase)]


def test_jax_says_what_is_forward_and_what_is_backward():
    space = XSpace()
    scopes = ("jit(step)/jvp()/dot_general", "jit(step)/transpose(jvp())/dot_general", "jit(step)/dot_general")
    kernels = [(f"gemm{index}", index, 1, {"tf_op": f"{scope}:"}) for index, scope in enumerate(scopes)]
    Plane(space, "/device:GPU:0").line("Stream #1", kernels)
    assert read(space).events["phase"].to_list() == ["forward", "backward", "other"]


def test_what_the_profiler_reported_and_the_versions_are_told():
    space = graph_space()
    space.errors.append("No CUPTI library.")
    Plane(space, "/host:metadata").own_stat("jax_version", "0.11.2")
    facts = read(space).facts
    assert facts.notes == ("The profiler reported: No CUPTI library.",)
    assert facts.versions == {"jax_version": "0.11.2"}
    assert facts.framework == "jax"


def test_no_framework_is_imported_to_read_either_kind():
    code = "import sys, core.traces.read, core.traces.cache; print([m for m in sys.modules if m in ('tensorflow', 'torch', 'jax')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
