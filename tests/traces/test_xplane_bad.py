"""XPlane files that are damaged or absurd: one sentence or a complete account, in bounded time."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import polars as pl
import pytest

from core.traces import xplane
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA, TraceError
from core.traces.sources import LIMITS
from tests.traces.synthetic import Plane, Reference, graph_space, hlo_module
from tests.traces.xplane_truth import XSpace

INTEGERS = (0, 1, -1, 2, 5, 2**31, 2**32, 2**49, 2**53, 2**56, 2**62, 2**63 - 1, -(2**63), 10**15, 10**18)
NAMES = (
    b"", b"\xff\xfe", b"/host:CPU", b"/device:GPU:0", b"/device:TPU:0", b"/device:GPU:999999", b"/host:metadata", b"Task Environment", b"Stream #1",
    b"XLA Ops", b"MemoryAllocation", b"EagerLocalExecute: ", b"a:b", b"tf_data_x", b"$f", b"x" * 20_000, b"while/" * 3000 + b"x:y", b"step_num",
    b"step_num\n", b"hlo_op", b"kernel_details", b"core_count", b"profile_start_time", b"allocation_bytes", b"GPU_9_bfc", b"9" * 5000,
    b"grid:99999999999,99999999999,99 block:0,0,0 occ_pct:" + b"9" * 400, b"size:" + b"9" * 5000, b"(float[" + b"9" * 5000 + b"])",
)  # fmt: skip


def full_space():
    """Something of everything that is read."""
    space = graph_space()
    module = hlo_module([
        {"name": "images", "opcode": "parameter", "shape": (8, 3)},
        {"name": "convolution.2", "opcode": "convolution", "operands": [1], "op_type": "Conv2D", "op_name": "net_1/conv1_1/convolution"},
        {"name": "convolution.4", "opcode": "convolution", "operands": [2, 1]},
    ])  # fmt: skip
    Plane(space, "/host:metadata").metadata_stat("module(7)", "Hlo Proto", module)
    host = Plane(space, "/host:CPU")
    memory = {"allocator_name": Reference("GPU_0_bfc"), "allocation_bytes": 512, "bytes_allocated": 1024, "addr": 2**63 + 5}
    host.line("python", [
        ("cuLaunchKernel", 10, 5, {"correlation_id": 3}), ("MemoryAllocation", 12, 0, memory),
        ("convolution.2", 3, 4, {"hlo_op": "convolution.2", "step_num": "7", "tensor_shapes": "(float[2])"}),
    ])  # fmt: skip
    gpu = Plane(space, "/device:GPU:0")
    gpu.own_stat("core_count", 132)
    gpu.metadata_stat("gemm", "flops", 100)
    kernel = {"correlation_id": 3, "hlo_op": Reference("convolution.4"), "program_id": 7, "kernel_details": Reference("grid:4,1,1 block:8,1,1")}
    gpu.line("Stream #14(Compute)", [("gemm", 60, 20, kernel), ("MemcpyH2D", 90, 5, {"memcpy_details": "size:64", "other": 2.5})])
    Plane(space, "/device:TPU:0").line("XLA Ops", [("fusion", 1, 2)])
    Plane(space, "#Chip0").line("counters", [("a", 1, 2)])
    return space


def refused(sentence):
    assert sentence.startswith("bad.xplane.pb ")
    assert "\n" not in sentence


def account(data, found=None):
    """Read bytes that may be anything: the trace with all its events accounted for, or None where it was refused in one sentence."""
    try:
        trace = xplane.read(data, "bad.xplane.pb")
    except TraceError as error:
        return refused(str(error))
    coverage = trace.facts.coverage
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values())
    assert coverage.events_read == len(trace.events) + len(trace.memory)
    assert found is None or coverage.events_found == found
    assert (trace.events.schema, trace.memory.schema) == (EVENT_SCHEMA, MEMORY_SCHEMA)
    assert (trace.events["duration_ns"] >= 0).all()
    assert (trace.events["start_ns"] >= 0).all()
    return trace


def damaged(data, chance):
    """Bytes with up to eight of them changed, lost, added or repeated."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randrange(max(len(result), 1))
        way = chance.randrange(6)
        if way == 0:
            result[place : place + 1] = chance.randbytes(1)
        elif way == 1 and result:
            result[place] ^= 1 << chance.randrange(8)
        elif way == 2:
            del result[place : place + chance.choice((1, 2, 5, 100))]
        elif way == 3:
            result[place:place] = chance.randbytes(chance.choice((1, 2, 10)))
        elif way == 4:
            result[place : place + 1] = chance.choice((b"\xff" * 9 + b"\x01", b"\x80" * 9 + b"\x01", b"\xff\xff\xff\xff\x0f", b"\x00"))
        else:
            other = chance.randrange(max(len(result), 1))
            result[place:place] = result[other : other + chance.randrange(60)]
    return bytes(result)


def twist(space, chance):
    """Put something absurd into one field of a space that stays well-formed."""
    plane = chance.choice(space.planes)
    events = [event for line in plane.lines for event in line.events]
    way = chance.randrange(8)
    if way == 0:
        plane.name = chance.choice(NAMES)
    elif way == 1 and plane.lines:
        line = chance.choice(plane.lines)
        line.timestamp_ns, line.id, line.name = chance.choice(INTEGERS), chance.choice(INTEGERS), chance.choice(NAMES)
    elif way in (2, 3) and events:
        setattr(chance.choice(events), chance.choice(("metadata_id", "offset_ps", "duration_ps", "num_occurrences")), chance.choice(INTEGERS))
    elif way == 4 and events:
        event = chance.choice(events)
        twist_stat(chance.choice(event.stats) if event.stats else event.stats.add(), chance)
    elif way == 5 and plane.event_metadata:
        metadata = plane.event_metadata[chance.choice(list(plane.event_metadata))]
        metadata.name = chance.choice(NAMES)
        twist_stat(metadata.stats.add(), chance)
    elif way == 6 and plane.stat_metadata:
        plane.stat_metadata[chance.choice(list(plane.stat_metadata))].name = chance.choice(NAMES)
    else:
        space.planes.add().CopyFrom(plane)
        twist_stat(plane.stats.add(), chance)


def twist_stat(stat, chance):
    name, values = chance.choice((
        ("metadata_id", (*range(8), *INTEGERS)), ("int64_value", INTEGERS), ("uint64_value", (0, 1, 2**63, 2**64 - 1)),
        ("double_value", (0.0, -1.0, 1e300, float("nan"), float("inf"))), ("str_value", NAMES), ("bytes_value", NAMES),
        ("ref_value", (*range(12), 2**63, 2**64 - 1)),
    ))  # fmt: skip
    setattr(stat, name, chance.choice(values))


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_are_refused_or_accounted_for(seed):
    chance, data = random.Random(seed), full_space().SerializeToString()
    outcomes = [account(damaged(data, chance)) is None for _ in range(500)]
    assert 0 < sum(outcomes) < len(outcomes)


@pytest.mark.parametrize("seed", range(4))
def test_absurd_values_are_accounted_for(seed):
    chance, original = random.Random(seed), full_space()
    for _ in range(250):
        space = XSpace()
        space.CopyFrom(original)
        for _ in range(chance.choice((1, 2, 4, 10, 30))):
            twist(space, chance)
        account(space.SerializeToString(), sum(len(line.events) for plane in space.planes for line in plane.lines))


def test_wherever_a_file_is_cut_it_is_refused_or_accounted_for():
    data = full_space().SerializeToString()
    whole_planes = [len(XSpace(planes=full_space().planes[:count]).SerializeToString()) for count in range(1, len(full_space().planes) + 1)]
    read = [cut for cut in range(0, len(data), 3) if account(data[:cut]) is not None]
    # A file that ends between two planes is one with fewer planes; every other cut shows.
    assert set(read) <= set(whole_planes)


def one_line(events):
    space = XSpace()
    plane = space.planes.add(name=b"/host:CPU")
    plane.event_metadata[1].name = b"net/dense/MatMul:MatMul"
    line = plane.lines.add(id=1, name=b"python")
    for fields in events:
        line.events.add(**fields)
    return space


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"metadata_id": 9}, "no name"),
        ({"metadata_id": 1, "offset_ps": -1}, "begins before its line"),
        ({"metadata_id": 1, "offset_ps": -(2**63)}, "begins before its line"),
        ({"metadata_id": 1, "duration_ps": -1}, "negative duration"),
        ({"metadata_id": 1, "offset_ps": 2**63 - 1, "duration_ps": 2**63 - 1}, "ends more than a day after its line begins"),
        ({"metadata_id": 1, "num_occurrences": 12, "duration_ps": 5}, "sum of events without times"),
    ],
)
def test_an_event_that_cannot_be_is_left_out_with_its_reason(fields, reason):
    space = one_line([{"metadata_id": 1, "offset_ps": 1000, "duration_ps": 1000}, fields])
    trace = account(space.SerializeToString(), found=2)
    assert trace.facts.coverage.events_skipped == {reason: 1}
    assert trace.events.select("start_ns", "duration_ns").rows() == [(0, 1)]


@pytest.mark.parametrize("timestamp_ns", [-1, 2**62, 2**63 - 1, -(2**63)])
def test_a_line_whose_clock_cannot_be_is_left_out_with_its_events(timestamp_ns):
    space = graph_space()
    line = space.planes[1].lines.add(id=99, name=b"odd", timestamp_ns=timestamp_ns)
    line.events.add(metadata_id=1, duration_ps=5)
    assert account(space.SerializeToString()).facts.coverage.events_skipped == {"line without a clock": 1}


def test_memory_without_a_size_is_left_out_with_its_reason():
    space = graph_space()
    Plane(space, "/host:CPU").line("python", [("MemoryAllocation", 0, 0), ("MemoryAllocation", 0, 0, {"allocation_bytes": 2**60})])
    assert account(space.SerializeToString()).facts.coverage.events_skipped == {"memory without a size": 2}


def test_a_stat_that_refers_to_nothing_says_nothing():
    space = XSpace()
    gpu = Plane(space, "/device:GPU:0")
    line = gpu.line("Stream #1", [("gemm", 0, 1, {"hlo_op": Reference("dot"), "correlation_id": 4})])
    line.events[0].stats[0].ref_value = 2**64 - 1
    line.events[0].stats[1].metadata_id = 1234
    trace = account(space.SerializeToString(), found=1)
    assert trace.events.select("kind", "scope", "correlation").rows() == [("kernel", None, None)]


def test_names_that_are_not_utf8_are_shown_with_marks():
    space = one_line([{"metadata_id": 1, "duration_ps": 5}])
    space.planes[0].event_metadata[1].name = b"na\xefve"
    assert account(space.SerializeToString()).events["name"].to_list() == ["na\N{REPLACEMENT CHARACTER}ve"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00" * 100, "neither JSON nor a whole XPlane file"),
        (graph_space().SerializeToString()[:300], "neither JSON nor a whole XPlane file"),
        (XSpace(errors=["x"]).SerializeToString(), "no plane in it"),
        (one_line([]).SerializeToString(), "holds no events;"),
        (one_line([{"metadata_id": 5}] * 3).SerializeToString(), "3 of other kinds"),
        (XSpace(planes=[{"name": b"/host:CPU"}] * 2000).SerializeToString(), "more than 1,024 planes"),
        (XSpace(planes=[{"name": b"/host:CPU", "lines": [{}] * 70_000}]).SerializeToString(), "more than 65,536 threads and streams"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(data, sentence):
    with pytest.raises(TraceError, match=rf"^bad\.xplane\.pb .*{sentence}.*\.$"):
        xplane.read(data, "bad.xplane.pb")


def test_more_events_than_the_limit_are_refused():
    data = one_line([{"metadata_id": 1}] * 101).SerializeToString()
    assert len(xplane.read(data, "x", limits=dataclasses.replace(LIMITS, events=101)).events) == 101
    with pytest.raises(TraceError, match="more than 100 events"):
        xplane.read(data, "x", limits=dataclasses.replace(LIMITS, events=100))


def test_many_events_that_say_nothing_cost_little():
    trace = account(one_line([{"metadata_id": 1, "duration_ps": 1}] + [{}] * 500_000).SerializeToString(), found=500_001)
    assert trace.facts.coverage.events_skipped == {"no name": 500_000}


def test_as_many_lanes_of_one_name_as_a_file_may_have_stay_apart():
    lines = [{"id": 7, "name": b"worker", "events": [{"metadata_id": 1, "duration_ps": 5}]}] * 20_000
    data = XSpace(planes=[{"name": b"/host:CPU", "event_metadata": {1: {"name": b"a"}}, "lines": lines}]).SerializeToString()
    assert account(data, found=20_000).events["lane"].n_unique() == 20_000


def test_operands_that_are_shared_are_followed_once():
    """Each of 40 levels names the one below 40 times: 40 ** 6 ways within the depth that is looked at."""
    levels: list[dict[str, Any]] = [{"name": "level.0", "opcode": "parameter"}]
    levels += [{"name": f"level.{number}", "opcode": "add", "operands": [number] * 40} for number in range(1, 40)]
    space = XSpace()
    Plane(space, "/host:metadata").metadata_stat("module", "Hlo Proto", hlo_module(levels))
    Plane(space, "/host:CPU").line("worker", [("level.39", 0, 5, {"hlo_op": "level.39"})])
    assert account(space.SerializeToString()).events.select("kind", "phase").rows() == [("operator", "other")]


def test_a_module_that_is_damaged_costs_its_layers_and_is_told():
    space = XSpace()
    Plane(space, "/host:metadata").metadata_stat("module", "Hlo Proto", b"\x0a\x7f")
    Plane(space, "/host:CPU").line("worker", [("fusion.1", 0, 5, {"hlo_op": "fusion.1"})])
    trace = account(space.SerializeToString())
    assert trace.events.select("scope", pl.col("layer").cast(pl.String)).rows() == [("fusion.1", None)]
    assert trace.facts.notes == ("Compiled modules that are damaged: 1; what their instructions belong to is unknown.",)
