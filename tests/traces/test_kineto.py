"""Kineto recordings made by hand: exact times, kinds, and what belongs to what."""

from __future__ import annotations

import json

import polars as pl
import pytest

from core.traces import kineto
from core.traces.schema import EVENT_SCHEMA, TraceError
from tests.traces import synthetic
from tests.traces.synthetic import event


def read(events, **top):
    return kineto.read(synthetic.kineto(events, **top), "made.json")


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
    trace = kineto.read(text.encode(), "made.json")
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
    assert (one(trace, copy, "operator"), one(trace, copy, "op_class"), one(trace, copy, "bytes")) == (None, "copy host-device", 256)
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
    assert one(trace, "vectorized_elementwise_kernel", "op_class") == "convolution backward"


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
    events = [event("a", "cpu_op", 0, 5), event("b", "cpu_op", 9, -1), instant, {"ph": "M", "name": "process_name", "pid": 7, "ts": 0}]
    coverage = read(events).facts.coverage
    assert coverage.events_skipped == {"no start or duration": 1, "memory event": 1, "metadata": 1}
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values()) == 4


def test_an_unknown_category_is_read_as_other():
    trace = read([event("a", "cpu_op", 0, 5), event("x", "mtia_something", 1, 2)])
    assert one(trace, "x", "kind") == "other"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"traceEvents": [{"ph": "X", "name": "a', "cut off"),
        (b'{"traceEvents": [1, 2', "cut off|not a profiler"),
        (b'{"a": nonsense}', "not valid JSON"),
        (b'{"some": "config"}', "no traceEvents"),
        (b'{"traceEvents": "text"}', "not a profiler's trace"),
        (b'{"traceEvents": []}', "no event"),
    ],
)
def test_bad_input_is_named_in_one_sentence(data, words):
    with pytest.raises(TraceError, match=words) as caught:
        kineto.read(data, "made.json")
    assert str(caught.value).startswith("made.json")
    assert "\n" not in str(caught.value)
