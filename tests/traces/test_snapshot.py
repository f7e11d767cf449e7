"""Memory snapshots of every kind that PyTorch has written become the same tables; everything else ends in one sentence."""

from __future__ import annotations

import builtins
import gzip
import pickle
import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.traces import safe_pickle, snapshot_entries
from core.traces.block_lives import LIFE_SCHEMA
from core.traces.schema import TraceError
from core.traces.snapshot import is_snapshot, read_snapshot
from core.traces.snapshot_schema import ANNOTATION_SCHEMA, BLOCK_SCHEMA, SEGMENT_SCHEMA, SNAPSHOT_EVENT_SCHEMA, Snapshot
from core.traces.stack_frames import FRAME_SCHEMA, STACK_SCHEMA
from tests.traces.shared import SHARED, needs_shared
from tests.traces.snapshots import ORIGIN_US, action, block, frame, pickled, read, released, segment
from tests.traces.test_safe_pickle import mutated

OWN = Path(__file__).parent / "data" / "h100" / "train_steps.memory_snapshot.pickle"


def check_schemas(snapshot: Snapshot) -> None:
    assert snapshot.segments.schema == SEGMENT_SCHEMA
    assert snapshot.blocks.schema == BLOCK_SCHEMA
    assert snapshot.events.schema == SNAPSHOT_EVENT_SCHEMA
    assert snapshot.lives.schema == LIFE_SCHEMA
    assert snapshot.stacks.schema == STACK_SCHEMA
    assert snapshot.frames.schema == FRAME_SCHEMA
    assert snapshot.annotations.schema == ANNOTATION_SCHEMA


def check_coverage(snapshot: Snapshot) -> None:
    coverage = snapshot.facts.coverage
    assert coverage.events_read == len(snapshot.events)
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values())


def test_a_snapshot_becomes_tables():
    snapshot = read(
        [segment(4096, block(4096, 512, "active_allocated", frame("load", 7), requested=500), block(4608, 1536, "inactive"), stream=3)],
        [action("segment_alloc", 4096, 2048, 0), action("alloc", 4096, 500, 2, frame("load", 7), frame("main", 1))],
        allocator_settings={"expandable_segments": False, "roundup_power2_divisions": {"1": 0, "2": 4}},
        external_annotations=[
            {"stage": "START", "name": "step", "device": 0, "time_us": ORIGIN_US + 1},
            {"stage": "END", "name": "step", "device": 0, "time_us": ORIGIN_US + 5},
            {"stage": "END", "name": "before", "device": 0, "time_us": ORIGIN_US},
        ],
    )
    check_schemas(snapshot)
    assert snapshot.segments.rows() == [("gpu:0", 4096, 3, 2048, 512, 512, 500, "large", False, "default")]
    assert snapshot.blocks.rows() == [(0, "gpu:0", 4096, 512, 500, "allocated", 0), (0, "gpu:0", 4608, 1536, 1536, "inactive", None)]
    assert snapshot.events.rows() == [
        (0, "gpu:0", "segment_alloc", 4096, 2048, 0, None, None),
        (2000, "gpu:0", "alloc", 4096, 500, 0, 1, None),
    ]
    assert snapshot.stacks["frame"].to_list() == ["load (project/model.py:7)"] * 2
    assert snapshot.annotations.rows() == [("gpu:0", "step", 1000, 5000), ("gpu:0", "before", None, 0)]
    facts = snapshot.facts
    assert facts.settings == {"expandable_segments": "False", "roundup_power2_divisions": "1: 0, 2: 4"}
    assert (facts.origin_ns, facts.start_ns, facts.end_ns) == (ORIGIN_US * 1000, 0, 2001)
    assert [(device.label, device.events, device.reserved_before_bytes) for device in facts.devices] == [("gpu:0", 2, 0)]
    assert (facts.parts_skipped, facts.notes) == ({}, ())


def test_events_of_one_microsecond_stand_a_nanosecond_apart_in_their_order():
    snapshot = read([], [action("alloc", place, 1, time) for place, time in enumerate([5, 5, 5, 6, 6, 4, 9])])
    assert snapshot.events["time_ns"].to_list() == [0, 1, 2, 1000, 1001, 1002, 4000]
    assert snapshot.events["address"].to_list() == list(range(7))


def test_all_devices_share_one_origin():
    snapshot = read([segment(0, block(0, 8), device=2)], [action("alloc", 0, 8, 7)], [], [action("alloc", 0, 8, 4)])
    assert snapshot.events.select(pl.col("device").cast(pl.String), "time_ns").rows() == [("gpu:0", 3000), ("gpu:2", 0)]
    assert [device.label for device in snapshot.facts.devices] == ["gpu:0", "gpu:2"]


def test_every_action_of_the_allocator_is_known():
    names = ["segment_map", "segment_unmap", "segment_free", "snapshot", "workspace_snapshot", "user_defined", "annotate"]
    out_of_memory = {"action": "oom", "device_free": 77, "size": 1 << 60, "stream": 0, "time_us": ORIGIN_US + 9, "frames": []}
    snapshot = read([], [*(action(name, 0, 8, 1) for name in names), out_of_memory])
    assert snapshot.events["action"].to_list() == [*names, "oom"]
    assert snapshot.events.select("address", "size_bytes", "device_free_bytes").row(-1) == (None, 1 << 60, 77)
    check_coverage(snapshot)


def test_private_pools_and_expandable_segments_are_told_apart():
    snapshot = read(
        [
            segment(0, block(0, 8), segment_pool_id=(0, 1), segment_type="small"),
            segment(8, block(8, 8), is_expandable=True),
            segment(16, block(16, 8), segment_pool_id=None),
        ]
    )
    assert snapshot.segments.select("pool", "segment_type", "is_expandable").rows() == [
        ("private 0, 1", "small", False),
        ("default", "large", True),
        (None, "large", False),
    ]


def test_an_old_snapshot_is_a_list_of_segments_whose_blocks_have_a_history():
    history = [{"addr": 0, "real_size": 500, "frames": [frame("load", 7)]}, {"addr": 0, "real_size": 9, "frames": []}]
    blocks = [{"size": 512, "state": "active_allocated", "history": history}, {"size": 512, "state": "active_awaiting_free"}]
    old = [{"device": 0, "address": 4096, "total_size": 1024, "stream": 0, "segment_type": "small", "blocks": blocks}]
    snapshot = read_snapshot(pickle.dumps(old), "old.pickle")
    check_schemas(snapshot)
    assert snapshot.blocks.drop("device").rows() == [(0, 4096, 512, 500, "allocated", 0), (0, 4608, 512, 512, "awaiting free", None)]
    assert snapshot.segments.select("allocated_bytes", "active_bytes", "requested_bytes", "pool").row(0) == (512, 1024, 1012, None)
    assert (len(snapshot.events), snapshot.facts.end_ns, snapshot.facts.origin_ns) == (0, 0, 0)


def test_a_trace_without_times_keeps_its_order_and_says_so():
    entries = [action("alloc", 0, 8, 0), *released(0, 8, 0)]
    for entry in entries:
        del entry["time_us"]
    snapshot = read([], entries)
    assert snapshot.events["time_ns"].to_list() == [0, 1000, 2000]
    assert snapshot.facts.notes == ("The events of gpu:0 have no times; they stand 1 µs apart, in their order.",)


def test_what_cannot_be_read_is_left_out_and_counted():
    good = action("alloc", 0, 8, 0)
    bad_events = [
        5,
        None,
        {**good, "action": "dance"},
        {**good, "action": ["alloc"]},
        {**good, "time_us": "soon"},
        {**good, "addr": -1},
        {**good, "size": True},
        {**good, "size": 2.0},
        {**good, "size": 1 << 41},
    ]
    snapshot = read(
        [7, {"device": 0}, segment(-1, block(0, 8)), segment(0, block(0, 8), device=10**6), {**segment(0, block(0, 8)), "blocks": [{}, 3]}],
        [*bad_events, good],
        "trace",
        external_annotations=[{"stage": "START"}, {"stage": [], "name": "x", "device": 0, "time_us": 1}],
        allocator_settings=[1],
    )
    check_schemas(snapshot)
    check_coverage(snapshot)
    assert snapshot.facts.coverage.events_skipped == {
        "an entry among the events that is no dictionary": 2,
        "an event whose action is not known": 2,
        "an event without a time": 1,
        "an event without address and size": 3,
        "an event larger than any device": 1,
        "events that are no list": 1,
    }
    assert snapshot.facts.parts_skipped == {
        "an entry among the segments that is no dictionary": 1,
        "a segment without device, address and size": 3,
        "an entry among the blocks that is no dictionary": 1,
        "a block without size and state": 1,
        "an annotation without stage, name, device and time": 2,
        "allocator settings that are no dictionary": 1,
    }


def test_a_list_that_stands_many_times_is_read_once():
    # A few bytes can refer to a long list again: read each time, a small file would be hours of work.
    events = [action("alloc", place, 8, place) for place in range(100)]
    shared = segment(0, *(block(place, 8) for place in range(100)))
    snapshot = read([shared] * 50, *[events] * 50)
    assert (len(snapshot.blocks), len(snapshot.events)) == (100, 100)
    assert snapshot.facts.coverage.events_skipped == {"an entry of a list of events that stands twice": 4900}
    assert snapshot.facts.parts_skipped == {"an entry of a list of blocks that stands twice": 4900}


def test_more_entries_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshot_entries, "_MAX_ENTRIES", 5)
    assert len(read([], [action("alloc", place, 8, place) for place in range(5)]).events) == 5
    with pytest.raises(TraceError, match="has more than 5 entries; record fewer events"):
        read([], [action("alloc", place, 8, place) for place in range(6)])


def test_traces_of_more_devices_than_there_can_be_are_left_out_and_said():
    snapshot = read([], *[[action("alloc", 0, 8, 0)] for _ in range(257)])
    assert len(snapshot.facts.devices) == 256
    assert snapshot.facts.notes[0] == "The traces of the devices beyond the 256th were left out."


@pytest.mark.parametrize("protocol", range(6))
def test_any_protocol_plain_or_gzip_is_told_by_its_first_bytes(protocol: int):
    founds: list[Any] = [{"segments": [], "device_traces": []}, [segment(0, block(0, 8))]]
    for found in founds:
        data = pickle.dumps(found, protocol)
        assert is_snapshot(data[:16])
        assert read_snapshot(gzip.compress(data), "x.gz").segments.equals(read_snapshot(data, "x").segments)


@pytest.mark.parametrize("head", [b"", b"{\"traceEvents\"", b"[{", b"\n\x0b/host:CPU", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x80\x09"])
def test_other_recordings_are_no_snapshots(head: bytes):
    assert not is_snapshot(head)


@pytest.mark.parametrize("found", [{}, 5, None, "text", {"segments": {}}, {"state_dict": [1.0]}])
def test_a_pickle_of_something_else_is_refused(found: Any):
    with pytest.raises(TraceError, match=r"^x\.pickle is a pickle but no memory snapshot; give the file that .+ wrote\.$"):
        read_snapshot(pickle.dumps(found), "x.pickle")


def test_a_gzip_bomb_and_a_cut_gzip_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 1 << 20)
    with pytest.raises(TraceError, match="more than"):
        read_snapshot(gzip.compress(bytes(1 << 26)), "bomb.gz")
    with pytest.raises(TraceError, match=r"^cut\.gz is damaged or cut off"):
        read_snapshot(gzip.compress(OWN.read_bytes())[:5000], "cut.gz")


def test_our_own_snapshot_of_an_h100_is_read_whole():
    snapshot = read_snapshot(OWN.read_bytes(), OWN.name)
    check_schemas(snapshot)
    check_coverage(snapshot)
    assert snapshot.facts.coverage.events_read == 477
    assert dict(snapshot.events["action"].value_counts().iter_rows()) == {"alloc": 159, "free_requested": 159, "free_completed": 159}
    assert (len(snapshot.segments), len(snapshot.blocks)) == (13, 56)
    assert snapshot.facts.parts_skipped == {}
    assert snapshot.annotations["name"].unique().sort().to_list() == ["Optimizer.step#AdamW.step", "Optimizer.zero_grad#AdamW.zero_grad"]
    frames = set(snapshot.stacks["frame"])
    assert {"step (bench/step1.py:11)", "torch::autograd::generated::ConvolutionBackward0::apply"} <= frames


@needs_shared
@pytest.mark.parametrize("name", ["transformer_13gib", "transformer_4gib"])
def test_real_snapshots_are_read_as_pickle_reads_them(name: str):
    class Plain(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            raise pickle.UnpicklingError

    path = SHARED / f"{name}.memory_snapshot.pickle"
    with path.open("rb") as file:
        raw = Plain(file).load()
    assert safe_pickle.load(path.read_bytes(), path.name) == raw
    snapshot = read_snapshot(path.read_bytes(), path.name)
    check_schemas(snapshot)
    check_coverage(snapshot)
    assert (snapshot.facts.coverage.events_skipped, snapshot.facts.parts_skipped, snapshot.facts.notes) == ({}, {}, ())
    trace = raw["device_traces"][0]
    assert snapshot.events["action"].to_list() == [entry["action"] for entry in trace]
    assert snapshot.events["size_bytes"].sum() == sum(entry["size"] for entry in trace)
    assert (snapshot.events["time_ns"] // 1000).to_list() == [entry["time_us"] - trace[0]["time_us"] for entry in trace]
    depths = snapshot.stacks["frames"].list.len().gather(snapshot.events["stack"])
    assert depths.to_list() == [len(entry["frames"]) or None for entry in trace]


def small_snapshot() -> bytes:
    """A part of a real snapshot, small enough to be damaged thousands of times."""
    whole = safe_pickle.load(OWN.read_bytes(), OWN.name)
    return pickled(
        whole["segments"][:2],
        [{**entry, "frames": entry["frames"][-3:]} for entry in whole["device_traces"][0][:12]],
        external_annotations=whole["external_annotations"][:4],
        allocator_settings=whole["allocator_settings"],
    )


def test_a_damaged_snapshot_reads_with_all_accounted_for_or_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    def forbidden(*_: Any) -> Any:
        raise AssertionError("a damaged file ran code")

    monkeypatch.setattr(builtins, "eval", forbidden)
    monkeypatch.setattr(builtins, "exec", forbidden)
    data, random_numbers, read_ones, refused = small_snapshot(), random.Random(7), 0, []
    for _ in range(3000):
        try:
            snapshot = read_snapshot(mutated(data, random_numbers), "made.pickle")
        except TraceError as error:
            refused.append(str(error))
        else:
            read_ones += 1
            check_schemas(snapshot)
            check_coverage(snapshot)
    assert min(read_ones, len(refused)) > 200
    assert all(re.fullmatch(r"made\.pickle [^\n]+\.", message) for message in refused)
