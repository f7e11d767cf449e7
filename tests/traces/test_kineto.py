"""Kineto recordings made by hand: exact times, kinds, and what belongs to what."""

from __future__ import annotations

import json

import polars as pl
import pytest

from core.traces import kineto, kineto_pieces, sources
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA, TraceError
from core.traces.sources import Limits, Source
from tests.traces import synthetic
from tests.traces.synthetic import event


def read(events, **top):
    return kineto.read(Source(name="made.json", data=synthetic.kineto(events, **top)))


def one(trace, name, column):
    rows = trace.events.filter(pl.col("name").cast(pl.String) == name)
    assert len(rows) == 1
    return rows[column][0]


def test_the_frame_has_the_schema_and_its_rows_are_numbered():
    trace = read(synthetic.training_step())
    assert trace.events.schema == EVENT_SCHEMA
    assert trace.events["row"].to_list() == list(range(10))


def test_times_are_exact_where_a_float_is_not():
    # As torch 2.2 wrote them: a float64 of this size is a quarter of a microsecond wide.
    text = synthetic.kineto([event("a", "cpu_op", 0, 0), event("b", "cpu_op", 0, 0)]).decode()
    text = text.replace('"ts": 0, "dur": 0', '"ts": 1795399151062693.624, "dur": 10.001', 1)
    text = text.replace('"ts": 0, "dur": 0', '"ts": 1795399151062693.807, "dur": 0.333', 1)
    trace = kineto.read(Source(name="made.json", data=text.encode()))
    assert trace.facts.origin_ns == 1795399151062693624
    assert trace.events.select("start_ns", "duration_ns").rows() == [(0, 10001), (183, 333)]


def test_times_from_a_base_are_exact_and_absolute():
    trace = read([event("a", "cpu_op", 4542124783361.134, 26915.531), event("b", "cpu_op", 4542124783361.999, 0.001)],
                 baseTimeNanoseconds=1790857026000000000)  # fmt: skip
    assert trace.facts.origin_ns == 1790857026000000000 + 4542124783361134
    assert trace.events.select("start_ns", "duration_ns").rows() == [(0, 26915531), (865, 1)]


def test_self_time_leaves_out_nested_operators_and_nothing_else():
    trace = read(synthetic.training_step())
    assert one(trace, "aten::addmm", "self_ns") == 100_000
    assert one(trace, "aten::copy_", "self_ns") == 30_000
    assert one(trace, "autograd::engine::evaluate_function: AddmmBackward0", "self_ns") == 20_000
    assert one(trace, "ProfilerStep#4", "self_ns") is None


def test_phases_follow_the_engine_the_optimizer_and_the_fetch():
    trace = read(synthetic.training_step())
    operators = trace.events.filter(pl.col("kind") == "operator")
    phases = dict(zip(operators["name"].cast(pl.String), operators["phase"].cast(pl.String), strict=True))
    assert phases == {
        "aten::index": "input",
        "aten::addmm": "forward",
        "aten::copy_": "forward",
        "autograd::engine::evaluate_function: AddmmBackward0": "backward",
        "aten::mm": "backward",
        "aten::mul_": "optimizer",
    }
    assert one(trace, "aten::mul_", "op_class") == "optimizer"


def test_a_backward_operator_and_what_it_calls_have_the_layer_of_their_forward_operator():
    trace = read(synthetic.training_step())
    assert one(trace, "aten::addmm", "layer") == "Linear_0"
    assert one(trace, "autograd::engine::evaluate_function: AddmmBackward0", "layer") == "Linear_0"
    assert one(trace, "aten::mm", "layer") == "Linear_0"
    assert one(trace, "aten::mul_", "layer") is None


def test_operators_know_their_step_their_operator_and_their_shapes():
    trace = read(synthetic.training_step())
    assert [(step.number, step.start_ns, step.end_ns, step.lane) for step in trace.facts.steps] == [(4, 0, 1_000_000, "7")]
    assert one(trace, "aten::mm", "step") == 4
    assert one(trace, "aten::copy_", "operator") == one(trace, "aten::addmm", "row")
    assert one(trace, "aten::addmm", "operator") is None
    assert json.loads(one(trace, "aten::addmm", "input_shapes")) == [[2, 3], [3, 4]]


def test_a_kernel_belongs_to_the_operator_around_its_launch():
    trace = read(synthetic.launches(), deviceProperties=[{"id": 1, "name": "Tesla V100"}])
    assert one(trace, "volta_sgemm_128x32_nt", "operator") == one(trace, "aten::mm", "row")
    assert one(trace, "volta_sgemm_128x32_nt", "op_class") == "matrix multiply"
    copy = "Memcpy HtoD (Pageable -> Device)"
    assert (one(trace, copy, "operator"), one(trace, copy, "op_class"), one(trace, copy, "bytes")) == (
        None,
        "copy host-device",
        256,
    )
    assert (one(trace, copy, "device"), one(trace, copy, "lane")) == ("gpu:1", "stream 7")
    assert (trace.facts.coverage.device_events, trace.facts.coverage.device_events_linked) == (2, 1)
    assert [(device.label, device.name) for device in trace.facts.devices] == [("cpu", ""), ("gpu:1", "Tesla V100")]


def test_a_kernel_of_a_backward_operator_says_itself_which_gradient_it_is():
    trace = read([
        event("aten::convolution_backward", "cpu_op", 0, 50),
        event("cudaLaunchKernel", "cuda_runtime", 1, 5, correlation=1),
        event("cudaLaunchKernel", "cuda_runtime", 11, 5, correlation=2),
        event("cudnn::wgrad_alg0_engine", "kernel", 60, 5, tid=7, device=0, stream=7, correlation=1),
        event("vectorized_elementwise_kernel", "kernel", 70, 5, tid=7, device=0, stream=7, correlation=2),
    ])  # fmt: skip
    assert one(trace, "aten::convolution_backward", "op_class") == "convolution backward"
    assert one(trace, "cudnn::wgrad_alg0_engine", "op_class") == "convolution backward weights"
    assert one(trace, "vectorized_elementwise_kernel", "op_class") == "elementwise"


def test_the_categories_of_torch_1_8_mean_the_same():
    trace = read([
        event("ProfilerStep#5", "Operator", 0, 100, tid="7"),
        event("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", "Operator", 1, 10, tid="7"),
        event("aten::stack", "Operator", 2, 5, tid="7"),
        event("aten::mm", "Operator", 20, 40, tid="7"),
        event("cudaLaunchKernel", "Runtime", 25, 5, tid="7", correlation=3),
        event("volta_sgemm", "Kernel", 70, 9, tid="stream 7", device=0, stream=7, correlation=3),
    ])  # fmt: skip
    kinds = dict(zip(trace.events["name"].cast(pl.String), trace.events["kind"].cast(pl.String), strict=True))
    assert kinds["ProfilerStep#5"] == "annotation"
    assert kinds["enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"] == "input"
    assert one(trace, "aten::stack", "phase") == "input"
    assert one(trace, "volta_sgemm", "operator") == one(trace, "aten::mm", "row")
    assert trace.facts.steps[0].number == 5


def test_nothing_is_left_out_without_a_reason():
    instant = {"ph": "i", "cat": "cpu_instant_event", "name": "[memory]", "pid": 7, "tid": 7, "ts": 3, "args": {"Bytes": 4}}
    events = [
        event("a", "cpu_op", 0, 5),
        event("b", "cpu_op", 9, -1),
        instant,
        {"ph": "M", "name": "process_name", "pid": 7, "ts": 0},
    ]
    coverage = read(events).facts.coverage
    assert coverage.events_skipped == {"negative duration": 1, "metadata": 1}
    assert coverage.events_read == 2  # an event and an allocation
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values()) == 4


def test_an_unknown_category_is_read_as_other():
    trace = read([event("a", "cpu_op", 0, 5), event("x", "mtia_something", 1, 2)])
    assert one(trace, "x", "kind") == "other"


def memory_event(ts, delta, *, tid=synthetic.MAIN, **args):
    return {"ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]", "pid": 7, "tid": tid, "ts": ts,
            "args": {"Bytes": delta, **args}}  # fmt: skip


def test_an_allocation_belongs_to_the_innermost_operator_open_on_its_thread():
    trace = read([
        *synthetic.training_step(),
        memory_event(225, 64, **{"Device Type": 1, "Device Id": 0, "Addr": 2**63 + 5, "Total Allocated": 100, "Total Reserved": 512}),
        memory_event(330, -64, **{"Device Type": 1, "Device Id": 0, "Addr": 2**63 + 5, "Total Allocated": 36, "Total Reserved": 512}),
        memory_event(330, 8, tid=99, **{"Device Type": 0, "Device Id": -1}),
    ])  # fmt: skip
    assert trace.memory.schema == MEMORY_SCHEMA
    rows = trace.memory.select(pl.col("device").cast(pl.String), "time_ns", "address", "delta_bytes", "allocated_bytes", "reserved_bytes", "operator",
                               pl.col("layer", "phase").cast(pl.String), "step").rows()  # fmt: skip
    copy, addmm = one(trace, "aten::copy_", "row"), one(trace, "aten::addmm", "row")
    assert rows == [
        ("cpu", 230_000, None, 8, None, None, None, None, None, 4),
        ("gpu:0", 125_000, 2**63 + 5, 64, 100, 512, copy, "Linear_0", "forward", 4),
        ("gpu:0", 230_000, 2**63 + 5, -64, 36, 512, addmm, "Linear_0", "forward", 4),
    ]


def test_a_kernel_knows_its_launch_its_grid_and_the_device_its_size():
    kernel = event("k", "kernel", 90, 30, tid=7, device=0, stream=7, correlation=3, grid=[24, 2, 1], block=[128, 1, 1],
                   **{"blocks per SM": 0.3, "est. achieved occupancy %": 2})  # fmt: skip
    launch = event("cudaLaunchKernel", "cuda_runtime", 20, 5, correlation=3)
    properties = {
        "id": 0,
        "name": "V100",
        "totalGlobalMem": 2**34,
        "numSms": 80,
        "maxThreadsPerMultiprocessor": 2048,
        "computeMajor": 7,
        "computeMinor": 0,
    }
    trace = read([launch, kernel], deviceProperties=[properties])
    assert one(trace, "k", "launch") == one(trace, "cudaLaunchKernel", "row")
    assert (one(trace, "k", "blocks"), one(trace, "k", "threads_per_block")) == (48, 128)
    assert one(trace, "k", "blocks_per_sm") == pytest.approx(0.3)
    assert one(trace, "k", "occupancy_percent") == 2
    [_, device] = trace.facts.devices
    assert (device.memory_bytes, device.multiprocessors, device.max_threads_per_multiprocessor, device.compute_capability) == (
        2**34,
        80,
        2048,
        "7.0",
    )


def test_a_collective_moves_its_elements_times_their_size():
    trace = read(
        [event("ncclDevKernel_AllReduce", "kernel", 0, 5, tid=7, device=0, stream=7, dtype="BFloat16", **{"In msg nelems": 1000})]
    )
    assert (one(trace, "ncclDevKernel_AllReduce", "kind"), one(trace, "ncclDevKernel_AllReduce", "bytes")) == (
        "communication",
        2000,
    )


def test_a_thread_of_modules_alone_is_the_operators_thread_under_another_number():
    trace = read([event("nn.Module: Linear_0", "python_function", 0, 50, tid=0), event("aten::mm", "cpu_op", 10, 20, tid=4711)])
    assert one(trace, "aten::mm", "layer") == "Linear_0"


def test_a_sequence_number_used_again_means_the_forward_operator_before():
    def half(at, module):
        number = {"Sequence number": 5}
        return [event(f"nn.Module: {module}", "python_function", at, 20), event("aten::mm", "cpu_op", at + 1, 5, **number),
                event("MmBackward0", "cpu_op", at + 50, 9, tid=synthetic.ENGINE, **number, **{"Fwd thread id": 1})]  # fmt: skip

    trace = read([*half(0, "A_0"), *half(100, "B_0")])
    backward = trace.events.filter(pl.col("name").cast(pl.String) == "MmBackward0").sort("start_ns")
    assert backward["layer"].cast(pl.String).to_list() == ["A_0", "B_0"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("ts", "soon", "ts of the wrong type"),
        ("ts", 1e300, "a time out of range"),
        ("ts", None, "no start or duration"),
        ("dur", [1], "dur of the wrong type"),
        ("dur", -0.001, "negative duration"),
        ("dur", 1e18, "a time out of range"),
        ("name", 7, "name of the wrong type"),
        ("args", [], "args of the wrong type"),
        ("ph", "B", "phase B"),
    ],
)
def test_an_event_that_cannot_be_is_left_out_and_counted(field, value, reason):
    coverage = read([event("good", "cpu_op", 0, 5), {**event("bad", "cpu_op", 1, 2), field: value}]).facts.coverage
    assert (coverage.events_found, coverage.events_read, coverage.events_skipped) == (2, 1, {reason: 1})


@pytest.mark.parametrize("value", ["0x0", -5, 2**80, 1.5, None, True])
def test_what_is_beside_the_times_may_be_anything_simple(value):
    odd = dict.fromkeys(["External id", "correlation", "Sequence number", "stream", "device", "bytes", "grid"], value)
    assert len(read([event("a", "kernel", 0, 5, **odd), event("b", "cpu_op", 0, 5, **odd)]).events) == 2


def test_many_pieces_give_what_one_gives(monkeypatch):
    data = synthetic.kineto(synthetic.training_step() * 40, distributedInfo={"rank": 3, "world_size": 8})
    whole = kineto.read(Source(name="made.json", data=data))
    monkeypatch.setattr(sources, "CHUNK_BYTES", 700)
    pieces = kineto.read(Source(name="made.json", data=data))
    assert pieces.facts == whole.facts
    assert pieces.events.equals(whole.events)
    assert (whole.facts.rank, whole.facts.world_size) == (3, 8)


@pytest.mark.parametrize("chunk_bytes", [60, 10**6])
def test_a_list_of_objects_in_an_event_or_a_text_like_an_event_is_no_place_to_cut(monkeypatch, chunk_bytes):
    monkeypatch.setattr(sources, "CHUNK_BYTES", chunk_bytes)
    tricky = event('}, {"ph": "X"', "cpu_op", 0, 5, inner=[{"a": 1}, {"b": [{"c": 2}, {"d": 3}]}, {"e": '"},{"'}])
    assert len(read([tricky] * 9).events) == 9


def test_what_follows_the_events_is_read_too():
    data = b'{"traceEvents": [{"ph": "X", "name": "a", "cat": "cpu_op", "ts": 1, "dur": 2}], "other": [{"x": 1}, {"y": 2}], "schemaVersion": 1}'
    trace = kineto.read(Source(name="made.json", data=data))
    assert (len(trace.events), trace.facts.framework) == (1, "pytorch")


@pytest.mark.parametrize("cut_at", [0.35, 0.5, 0.9, 0.999])
def test_a_recording_cut_off_is_read_as_far_as_it_goes_and_says_so(cut_at):
    events = synthetic.training_step()
    data = synthetic.kineto(events)
    trace = kineto.read(Source(name="made.json", data=data[: int(len(data) * cut_at)]))
    whole = read(events)
    assert 0 < len(trace.events) <= len(whole.events)
    assert trace.facts.coverage.events_skipped["cut off at the end"] == 1
    [note] = trace.facts.notes
    assert "cut off" in note
    assert set(trace.events["duration_ns"].to_list()) <= set(whole.events["duration_ns"].to_list())


@pytest.mark.parametrize("open_bytes", [500, 60_000])
def test_a_cut_inside_a_large_event_keeps_the_events_before_it(open_bytes):
    whole = synthetic.kineto(synthetic.training_step() * 300)
    unfinished = b', {"ph": "X", "cat": "cpu_op", "ts": 1, "dur": 2, "args": {"inner": [' + b'{"a": {"b": 1}}, ' * (open_bytes // 17)
    trace = kineto.read(Source(name="made.json", data=whole[: whole.rindex(b"]}")] + unfinished))
    assert trace.facts.coverage.events_skipped == {"cut off at the end": 1}
    assert len(trace.events) > 1000


def test_an_event_that_never_closes_is_tried_less_and_less_often(monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_BYTES", 2000)
    tried = []
    piece = kineto_pieces.Pieces._piece

    def counted(self, buffer, **how):
        tried.append(len(buffer))
        return piece(self, buffer, **how)

    monkeypatch.setattr(kineto_pieces.Pieces, "_piece", counted)
    data = b'{"traceEvents": [{"ph": "X", "args": {"inner": [1' + b', {"b": 1}' * 40_000
    with pytest.raises(TraceError):
        kineto.read(Source(name="made.json", data=data))
    assert len(tried) < 15


def test_more_events_than_allowed_are_refused():
    with pytest.raises(TraceError, match="more than 5 events"):
        kineto.read(Source(name="made.json", data=synthetic.kineto(synthetic.training_step())), limits=Limits(events=5))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"traceEvents": [{"ph": "X", "name": "a', "cut off"),
        (b'{"traceEvents": [1, 2', "no events"),
        (b'{"traceEvents": [1, 2]}', "no events"),
        (b'{"traceEvents": [{"ph": "X", "ts": 1} nonsense]}', "not valid JSON at byte 38"),
        (b'{"traceEvents": ' + b"[" * 100_000, "nests deeper|cut off"),
        (b'{"a": nonsense}', "not valid JSON"),
        (b'{"some": "config"}', "no traceEvents"),
        (b'{"traceEvents": "text"}', "not a profiler's trace"),
        (b'{"traceEvents": []}', "no event"),
    ],
)
def test_bad_input_is_named_in_one_sentence(data, words):
    with pytest.raises(TraceError, match=words) as caught:
        kineto.read(Source(name="made.json", data=data))
    assert str(caught.value).startswith("made.json")
    assert "\n" not in str(caught.value)
