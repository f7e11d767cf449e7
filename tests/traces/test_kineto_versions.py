"""What single versions of torch and Kineto write that others do not; and what is known of recordings that were put together or rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from core.analysis.devices import device_account
from core.analysis.summary import summary
from core.traces import kineto
from core.traces.schema import Trace
from core.traces.sources import Source
from tests.traces import synthetic
from tests.traces.synthetic import ENGINE, event


def read(events: list[dict[str, Any]], rewritten: Callable[[bytes], bytes] = bytes) -> Trace:
    return kineto.read(Source(name="made.json", data=rewritten(synthetic.kineto(events))))


def on_device(name: str, category: str, ts: float, dur: float, **args: Any) -> dict[str, Any]:
    """An event of stream 7 of device 0."""
    return {**event(name, category, ts, dur, tid=7, **args), "pid": 0}


def column(trace: Trace, name: str) -> dict[str, Any]:
    """The column by the events' names."""
    return dict(trace.events.select(pl.col("name").cast(pl.String), pl.col(name)).iter_rows())


def test_an_annotation_on_a_device_is_no_work_of_it_whatever_it_is_called():
    """Kineto draws what the host called `gloo:all_reduce` around the kernels in it, a nanosecond longer at either end."""
    trace = read([
        on_device("gloo:all_reduce", "gpu_user_annotation", 9.999, 5.002),
        on_device("vectorized_elementwise_kernel", "kernel", 10, 5, device=0, stream=7),
        on_device("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", "gpu_user_annotation", 30, 5),
    ])  # fmt: skip
    assert device_account(trace.events)["gpu:0"] == {
        "span_ns": 5000, "busy_ns": 5000, "idle_ns": 0, "compute_ns": 5000, "communication_ns": 0, "memcpy_ns": 0, "memset_ns": 0,
        "exposed_communication_ns": 0, "exposed_memcpy_ns": 0, "events": 1,
    }  # fmt: skip
    assert [row["name"] for row in summary(trace)["kernels"]] == ["vectorized_elementwise_kernel"]


def test_events_that_a_stream_recorded_or_waited_for_are_on_the_device_and_no_work():
    trace = read([
        event("aten::mm", "cpu_op", 0, 5),
        on_device("Event Record", "cuda_event", 10, 1, device=0, stream=7),
        on_device("Stream Wait Event", "cuda_sync", 12, 4, device=0, stream=7),
    ])  # fmt: skip
    kinds = trace.events.filter(pl.col("device") == "gpu:0").select(pl.col("lane", "kind").cast(pl.String)).rows()
    assert kinds == [("stream 7", "synchronisation")] * 2
    assert device_account(trace.events) == {}


@pytest.mark.parametrize(
    "category", ["cuda_driver", "hip_runtime", "xpu_runtime", "mtia_runtime", "privateuse1_driver", "glow_runtime"]
)
def test_every_kind_of_runtime_launches(category: str):
    trace = read([
        event("aten::mm", "cpu_op", 0, 50),
        event("cuLaunchKernelEx", category, 10, 5, correlation=9),
        on_device("nvjet_tst_128x64", "kernel", 20, 5, device=0, stream=7, correlation=9),
    ])  # fmt: skip
    assert (trace.facts.coverage.device_events_linked, column(trace, "launch")["nvjet_tst_128x64"]) == (1, 1)


def test_a_copy_between_devices_belongs_to_the_one_that_ran_it():
    """It has `fromDevice`, `inDevice` and `toDevice`, and no `device`."""
    copy = event(
        "Memcpy PtoP (Device -> Device)", "gpu_memcpy", 0, 3, tid=33, fromDevice=0, inDevice=1, toDevice=1, stream=33, bytes=64
    )
    trace = read([{**copy, "pid": 1}])
    assert trace.events.select(pl.col("device", "lane", "op_class").cast(pl.String)).rows() == [
        ("gpu:1", "stream 33", "copy device-device")
    ]


def test_a_graph_launches_many_kernels_at_once():
    trace = read([
        event("aten::mm", "cpu_op", 0, 50),
        event("cudaGraphLaunch", "cuda_runtime", 60, 5, correlation=9),
        *(on_device("k", "kernel", 70 + 10 * at, 5, device=0, stream=7, correlation=9, **{"graph node id": at}) for at in range(3)),
    ])  # fmt: skip
    found = summary(trace)
    assert (found["launches"]["launched"], found["idle_causes"]["0"]["launch_gap_ns"]) == (3, 10_000)
    assert found["coverage"]["unlinked"] == {"launched as part of a graph": {"events": 3, "device_time_ns": 15_000}}


def test_a_number_that_two_processes_gave_means_the_call_begun_last_before():
    """Two recordings in one file, each of which launches its kernel number 3."""
    trace = read([
        event("aten::late", "cpu_op", 100, 50, tid=1),
        event("cudaLaunchKernel", "cuda_runtime", 110, 5, tid=1, correlation=3),
        event("aten::early", "cpu_op", 0, 50, tid=2),
        event("cudaLaunchKernel", "cuda_runtime", 10, 5, tid=2, correlation=3),
        on_device("first", "kernel", 20, 5, device=0, stream=7, correlation=3),
        on_device("second", "kernel", 120, 5, device=1, stream=7, correlation=3),
        on_device("before both", "kernel", 9, 1, device=2, stream=7, correlation=3),
    ])  # fmt: skip
    operators, rows = column(trace, "operator"), column(trace, "row")
    assert operators["first"] == operators["before both"] == rows["aten::early"]
    assert operators["second"] == rows["aten::late"]


def test_a_step_that_begins_a_rounding_before_the_last_one_ends_is_a_step():
    """Older versions rounded starts and durations to whole microseconds, each for itself."""
    marks = [("ProfilerStep#1", 0, 51), ("ProfilerStep#2", 50, 50), ("ProfilerStep#3", 100, 20), ("ProfilerStep#9", 105, 5)]
    trace = read([event(name, "user_annotation", ts, dur) for name, ts, dur in marks])
    assert [(step.number, step.start_ns, step.end_ns) for step in trace.facts.steps] == [
        (1, 0, 50_000),
        (2, 50_000, 100_000),
        (3, 100_000, 120_000),
    ]


def test_steps_of_one_number_keep_their_own_parts():
    trace = read([
        event("ProfilerStep#1", "user_annotation", 0, 10),
        event("aten::mm", "cpu_op", 2, 3),
        event("ProfilerStep#1", "user_annotation", 20, 30),
        event("aten::mm", "cpu_op", 22, 7),
    ])  # fmt: skip
    parts = [step["parts_ns"] for step in summary(trace)["steps"]]
    assert [(part["operator"], part["other"]) for part in parts] == [(3000, 7000), (7000, 23_000)]


def test_a_number_counts_on_the_thread_that_ran_forward():
    """Checkpointing runs a part again on the engine's thread, whose numbers may be those of the main one."""

    def forward(number: int, ts: float, layer: str, tid: int) -> list[dict[str, Any]]:
        return [event(f"nn.Module: {layer}", "python_function", ts, 9, tid=tid),
                event("aten::mm", "cpu_op", ts + 1, 5, tid=tid, **{"Sequence number": number, "Fwd thread id": 0})]  # fmt: skip

    def backward(name: str, number: int, ts: float, thread: int) -> dict[str, Any]:
        return event(name, "cpu_op", ts, 9, tid=ENGINE, **{"Sequence number": number, "Fwd thread id": thread})

    trace = read([
        *forward(4, 0, "First_0", synthetic.MAIN),
        *forward(5, 10, "Second_0", synthetic.MAIN),
        *forward(5, 100, "Again_0", ENGINE),
        *forward(6, 110, "Again_1", ENGINE),
        backward("a: MmBackward0", 6, 120, 2),
        backward("BBackward0", 6, 130, 2),
        backward("CBackward0", 5, 140, 2),
        backward("DBackward0", 5, 150, 1),
        backward("EBackward0", 4, 160, 1),
    ])  # fmt: skip
    layers = column(trace, "layer")
    assert [layers[f"{name}Backward0"] for name in "BCDE"] == ["Again_1", "Again_0", "Second_0", "First_0"]


@pytest.mark.parametrize(
    ("written", "instead"),
    [(b"0.5", b"inf"), (b"0.5", b"-inf"), (b"0.5", b"nan"), (b"0.5", b"NaN"), (b"0.5", b"Infinity"), (b"0.5", b"N/A")],
)
def test_a_number_that_is_none_is_no_reason_to_refuse_a_recording(written: bytes, instead: bytes):
    """torch 1.8 divided by durations of 0 and by multiprocessors it did not know."""
    kernel = on_device("k nan, inf", "kernel", 0, 5, device=0, stream=7, **{"blocks per SM": 0.5})
    trace = read([kernel, event("aten::mm", "cpu_op", 0, 5)], lambda data: data.replace(written, instead))
    assert (len(trace.events), column(trace, "blocks_per_sm")["k nan, inf"]) == (2, None)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"a\tb\nc", "a b c"),
        (rb"C:\users\me", r"C:\users\me"),
        (rb"say \"inf\" \\ \u00e9", 'say "inf" \\ \N{LATIN SMALL LETTER E WITH ACUTE}'),
    ],
)
def test_a_name_may_hold_what_json_does_not_allow(written: bytes, name: str):
    trace = read(
        [event("#", "cpu_op", 0, 5), event("\x01", "cpu_op", 6, 1)], lambda data: data.replace(b'"#"', b'"' + written + b'"')
    )
    assert trace.events["name"].cast(pl.String)[0] == name


def test_what_stands_before_the_events_may_be_no_json_either():
    trace = read(
        [event("a", "cpu_op", 0, 5)],
        lambda data: data.replace(b'"schemaVersion": 1', b'"host": "x\ty", "load": NaN, "schemaVersion": 1'),
    )
    assert (len(trace.events), trace.facts.framework) == (1, "pytorch")


def test_times_in_quotes_are_as_exact_as_without():
    moments = {**event("a", "cpu_op", 0, 0), "ts": "1795399151062693.624", "dur": "10.001"}
    trace = read([moments, {**event("b", "cpu_op", 0, 0), "ts": "1795399151062694", "dur": "1"}])
    assert trace.facts.origin_ns == 1795399151062693624
    assert trace.events.select("start_ns", "duration_ns").rows() == [(0, 10_001), (376, 1000)]


@pytest.mark.parametrize(("dtype", "size"), [("Float8_e4m3fn", 1), ("BFloat16", 2), ("Float", 4), ("Long", 8)])
def test_a_collective_of_any_type_moves_its_size(dtype: str, size: int):
    kernel = on_device("ncclDevKernel_AllGather_RING_LL", "kernel", 0, 5, device=0, stream=20, dtype=dtype,
                       **{"Collective name": "_allgather_base", "In msg nelems": 100, "Out msg nelems": 800, "Group size": 8})  # fmt: skip
    assert read([kernel]).events["bytes"].to_list() == [100 * size]
