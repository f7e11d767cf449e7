"""The Chrome trace that we write: line by line on small recordings, and nothing lost or bent of real ones."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from core.analysis.devices import device_account
from core.report import nested_rows
from core.report.chrome_trace import chrome_trace, clock
from core.traces.read import read_source, read_trace
from core.traces.schema import Trace
from core.traces.sources import Source
from tests.traces import synthetic
from tests.traces.shared import SHARED, needs_shared
from tests.traces.synthetic import event

REAL = sorted(path.name for path in SHARED.glob("*") if path.name.endswith((".pt.trace.json.gz", ".xplane.pb")))


def read(events: list[dict[str, Any]], **top: Any) -> Trace:
    return read_source(Source(name="example", data=synthetic.kineto(events, **top)))


def lines(recordings: list[tuple[str, Trace]], **options: Any) -> list[dict[str, Any]]:
    """The events of the file; numbers with a point stay decimal."""
    found: list[dict[str, Any]] = document(recordings, **options)["traceEvents"]
    return found


def document(recordings: list[tuple[str, Trace]], **options: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(gzip.decompress(chrome_trace(recordings, **options)), parse_float=Decimal)
    return whole


def ns(microseconds: Decimal | int) -> int:
    exact = microseconds * 1000
    assert exact == int(exact)
    return int(exact)


def names(events: list[dict[str, Any]], kind: str) -> dict[Any, str]:
    """Process or thread by number: its name."""
    return {one["tid" if kind == "thread_name" else "pid"]: one["args"]["name"] for one in events if one["name"] == kind}


def test_a_kernel_with_its_launch():
    events = lines([("A", read(synthetic.launches()))])
    assert names(events, "process_name") == {1: "A · cpu", 2: "A · gpu:1"}
    threads = names(events, "thread_name")
    assert list(threads.values()) == ["7", "stream 7"]
    host, stream = threads
    operator, launch, tail, kernel, head, copy = (one for one in events if one["ph"] != "M")
    assert operator == {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": host, "ts": Decimal("0.000"), "dur": Decimal("50.000"),
                        "args": {"phase": "other", "op class": "matrix multiply"}}  # fmt: skip
    assert (launch["cat"], launch["name"], launch["ts"], launch["dur"]) == ("cuda_runtime", "cudaLaunchKernel", 10, 5)
    assert launch["args"] == {"operator": "aten::mm", "phase": "other", "correlation": 3}
    assert kernel == {"ph": "X", "cat": "kernel", "name": "volta_sgemm_128x32_nt", "pid": 2, "tid": stream, "ts": 80, "dur": 30,
                      "args": {"operator": "aten::mm", "phase": "other", "op class": "matrix multiply", "correlation": 3,
                               "device": 1, "stream": 7}}  # fmt: skip
    arrow = {"cat": "launch", "name": "launch", "id": tail["id"]}
    assert tail == {"ph": "s", **arrow, "pid": 1, "tid": host, "ts": 10}
    assert head == {"ph": "f", "bp": "e", **arrow, "pid": 2, "tid": stream, "ts": 80}
    assert (copy["cat"], copy["args"]["bytes"], copy["args"]["op class"]) == ("gpu_memcpy", 256, "copy host-device")


def test_steps_layers_and_shapes():
    events = lines([("A", read(synthetic.training_step()))])
    (step,) = (one for one in events if one.get("cat") == "step")
    assert (step["name"], step["ts"], step["dur"], names(events, "thread_name")[step["tid"]]) == ("step 4", 0, 1000, "steps")
    (linear,) = (one for one in events if one["name"] == "aten::addmm")
    assert linear["args"]["layer"] == "Linear_0"
    assert linear["args"]["step"] == 4
    assert json.loads(linear["args"]["shapes"]) == [[2, 3], [3, 4]]


def test_memory_is_a_counter_that_tells_each_change():
    def instant(ts: float, delta: int, total: int) -> dict[str, Any]:
        args = {"Device Type": 1, "Device Id": 0, "Addr": 64 + delta % 7, "Bytes": delta, "Total Allocated": total, "Total Reserved": 4096}
        return {"ph": "i", "s": "t", "cat": "cpu_instant_event", "name": "[memory]", "pid": 7, "tid": 7, "ts": ts, "args": args}

    trace = read([event("aten::mm", "cpu_op", 10, 50), instant(20, 512, 1512), instant(30, -512, 1000)])
    counted = [one for one in lines([("A", trace)]) if one["ph"] == "C"]
    told = {name: [(ns(one["ts"]), one["args"]["bytes"]) for one in counted if one["name"] == name] for name in {one["name"] for one in counted}}
    assert told["allocated memory"] == [(0, 1000), (10_000, 1512), (20_000, 1000)]
    assert [size for _, size in told["reserved memory"]] == [4096]
    assert {names(lines([("A", trace)]), "process_name")[one["pid"]] for one in counted} == {"A · gpu:0"}


def test_a_time_since_1970_keeps_every_nanosecond():
    base, first, second = 1_700_000_000_000_000_000, 1234.567, 1240.001
    trace = read([event("a", "cpu_op", first, 0.123), event("b", "cpu_op", second, 7)], baseTimeNanoseconds=base)
    whole = document([("A", trace)])
    assert whole["baseTimeNanoseconds"] == base + 1_234_567
    assert [(one["ts"], one["dur"]) for one in whole["traceEvents"] if one["ph"] == "X"] == [(0, Decimal("0.123")), (Decimal("5.434"), 7)]


def test_a_slice_that_outlasts_what_it_began_in_has_a_row_of_its_own():
    events = lines([("A", read([event("a", "cpu_op", 0, 10), event("b", "cpu_op", 5, 10), event("c", "cpu_op", 20, 5)]))])
    threads = names(events, "thread_name")
    assert {one["name"]: threads[one["tid"]] for one in events if one["ph"] == "X"} == {"a": "7", "b": "7 (2)", "c": "7"}


def test_what_no_row_has_room_for_is_asynchronous():
    crowd = [event("a", "cpu_op", number, 100 + number) for number in range(nested_rows.MOST_ROWS + 3)]
    events = lines([("A", read(crowd))])
    phases = Counter(one["ph"] for one in events)
    assert (phases["X"], phases["b"], phases["e"]) == (nested_rows.MOST_ROWS, 3, 3)
    pairs: dict[int, list[int]] = defaultdict(list)
    for one in events:
        if one["ph"] in "be":
            pairs[one["id"]].append(ns(one["ts"]))
    assert sorted(end - start for start, end in pairs.values()) == [(100 + number) * 1000 for number in range(32, 35)]


@pytest.mark.parametrize("name", ['a "quoted" \\ name', "line\nbreak\tand \x01", "π <b>&{}%s"])
def test_a_name_is_kept_letter_by_letter(name: str):
    trace = read([event(name, "cpu_op", 0, 1)])
    assert [one["name"] for one in lines([(name, trace)]) if one["ph"] == "X"] == [name]
    assert names(lines([(name, trace)]), "process_name") == {1: f"{name} · cpu"}


def recording(start_us: float, base_ns: int = 0) -> Trace:
    """A step of 100 us, 10 us after the recording's first event."""
    step = event("ProfilerStep#3", "user_annotation", start_us + 10, 100)
    return read([event("aten::zeros", "cpu_op", start_us, 5), step], baseTimeNanoseconds=base_ns)


def starts(recordings: list[tuple[str, Trace]], **options: Any) -> list[int]:
    """When the first event of each recording is, in the file's nanoseconds."""
    return [ns(one["ts"]) for one in lines(recordings, **options) if one["name"] == "aten::zeros"]


def test_two_recordings_lie_as_they_happened_where_both_know_when():
    day = 1_700_000_000_000_000_000
    pair = [("A", recording(50, day)), ("B", recording(20, day + 2_000_000))]
    assert starts(pair) == [0, 1_970_000]
    assert document(pair)["baseTimeNanoseconds"] == day + 50_000
    assert list(names(lines(pair), "process_name").values()) == ["A · cpu", "B · cpu"]
    threads = [one["tid"] for one in lines(pair) if one["name"] == "thread_name"]
    assert len(set(threads)) == len(threads) == 4


def test_two_recordings_begin_together_where_one_does_not_know():
    pair = [("A", recording(50, 1_700_000_000_000_000_000)), ("B", recording(7))]
    assert starts(pair) == [0, 0]
    assert clock([trace for _, trace in pair])[1] is None


def test_a_step_of_both_can_be_put_together():
    a = read([event("aten::zeros", "cpu_op", 0, 5), event("ProfilerStep#3", "user_annotation", 400, 100)])
    b = recording(7)
    pair = [("A", a), ("B", b)]
    moments = tuple(trace.facts.steps[0].start_ns for _, trace in pair)
    assert starts(pair, together_ns=moments) == [0, 390_000]
    assert [ns(one["ts"]) for one in lines(pair, together_ns=moments) if one["name"] == "step 3"] == [400_000, 400_000]
    assert document(pair, together_ns=moments)["baseTimeNanoseconds"] == 0


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_a_real_recording_loses_nothing(name: str):
    """Slices and time of every lane, arrows, nesting as Perfetto sees it; and our own reader reads it again."""
    trace = read_trace(SHARED / name)
    file = chrome_trace([("A", trace)])
    # Times have three decimals, so without the point they are nanoseconds.
    events = json.loads(gzip.decompress(file), parse_float=lambda text: int(text.replace(".", "")))["traceEvents"]
    threads, processes = names(events, "thread_name"), {pid: one.split(" · ")[1] for pid, one in names(events, "process_name").items()}
    slices = [one for one in events if one["ph"] == "X"]

    written: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in slices:
        total = written[processes[one["pid"]], threads[one["tid"]].partition(" (")[0]]
        total[0] += 1
        total[1] += one["dur"]
    by_lane = trace.events.group_by(pl.col("device", "lane").cast(pl.String)).agg(pl.len().alias("count"), pl.col("duration_ns").sum())
    expected = {(device, lane.partition(" (")[0]): [count, total_ns] for device, lane, count, total_ns in by_lane.rows()}
    steps_ns = [step.end_ns - step.start_ns for step in trace.facts.steps]
    assert written == expected | ({("cpu", "steps"): [len(steps_ns), sum(steps_ns)]} if steps_ns else {})

    assert Counter(one["ph"] for one in events)["f"] == trace.events["launch"].count()
    assert min(one["ts"] for one in events if "ts" in one) == 0
    nest_as_perfetto_demands(slices)

    again = read_source(Source(name="again", data=file))
    assert len(again.events) == len(slices)
    assert again.events["duration_ns"].sum() == trace.events["duration_ns"].sum() + sum(steps_ns)
    assert device_account(again.events) == device_account(trace.events)
    assert again.facts.origin_ns == (clock([trace])[1] or 0) + min(one["ts"] for one in slices)


def nest_as_perfetto_demands(slices: list[dict[str, Any]]) -> None:
    """Perfetto sorts by start, keeps the order of the file among equals, and drops what outlasts the slice that is open on its thread."""
    open_ends: dict[int, list[int]] = defaultdict(list)
    for one in sorted(slices, key=lambda one: one["ts"]):
        ends, start, end = open_ends[one["tid"]], one["ts"], one["ts"] + one["dur"]
        while ends and ends[-1] <= start:
            ends.pop()
        assert not ends or end <= ends[-1], one
        ends.append(end)
