"""Allocated and reserved memory replayed from a snapshot, and whose it was: every table adds up to the byte."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.snapshot import (
    ALL_DEVICES,
    BEFORE,
    NO_STACK,
    ROUNDING,
    allocated_over_time,
    compare,
    in_range,
    live_at,
    peak,
    summary,
)
from core.analysis.snapshot_fragmentation import fragmentation, fragmentation_by_device
from core.traces.snapshot import read_snapshot
from core.traces.snapshot_schema import Snapshot
from tests.traces.shared import SHARED, needs_shared
from tests.traces.snapshots import action, block, frame, read, released, segment

OWN = Path(__file__).parents[1] / "traces" / "data" / "h100" / "train_steps.memory_snapshot.pickle"
A, B, C = frame("embed", 1), frame("attend", 2), frame("project", 3)
EMBED, ATTEND, PROJECT = "embed (project/model.py:1)", "attend (project/model.py:2)", "project (project/model.py:3)"


def replayed() -> Snapshot:
    """One device; a µs is a thousand of `time_ns`.

    Before: 1000 at address 0, which stays, and 300 at 1000, released at 20. Then 200 (embed) from 0 to 30, asked back at 25, and
    500 (attend) at 10, which stays, in a block of 512. A second segment comes at 10.
    """
    return read(
        [
            segment(0, block(0, 1000), block(1000, 1000, "inactive")),
            segment(5000, block(5000, 512, "active_allocated", B, requested=500), block(5512, 488, "inactive")),
        ],
        [
            action("alloc", 1500, 200, 0, A),
            action("segment_alloc", 5000, 1000, 10),
            action("alloc", 5000, 500, 10, B),
            *released(1000, 300, 20),
            action("free_requested", 1500, 200, 25),
            action("free_completed", 1500, 200, 30),
        ],
    )


def test_the_level_before_the_first_event_is_that_at_the_end_less_the_events():
    series = allocated_over_time(replayed(), "gpu:0")
    # At the end 1000 + 512 are in use, of which the events explain 500 - 300: 1312 stood there before.
    assert series.rows() == [
        (-1, None, 1312, 0, 2000, 688),
        (0, "alloc", 1512, 0, 2000, 488),
        (10_000, "segment_alloc", 1512, 0, 3000, 1488),
        (10_001, "alloc", 2012, 0, 3000, 988),
        (20_000, "free_requested", 2012, 300, 3000, 988),
        (20_001, "free_completed", 1712, 0, 3000, 1288),
        (25_000, "free_requested", 1712, 200, 3000, 1288),
        (30_000, "free_completed", 1512, 0, 3000, 1488),
    ]


def test_the_peak_is_the_first_moment_of_the_most():
    assert peak(replayed(), "gpu:0") == (10_001, 2012)


def test_what_was_live_adds_up_to_the_moment_by_frame():
    table = live_at(replayed(), "gpu:0", 10_001)
    assert table.select("frame", "origin", "blocks", "size_bytes").rows() == [
        (BEFORE, "before", 2, 1300),
        (ATTEND, "recorded", 1, 500),
        (EMBED, "recorded", 1, 200),
        (ROUNDING, "rounding", 1, 12),
    ]
    assert table["share"].to_list() == pytest.approx([size / 2012 for size in (1300, 500, 200, 12)])
    after = live_at(replayed(), "gpu:0", 30_000)
    assert after.select("frame", "size_bytes").rows() == [(BEFORE, 1000), (ATTEND, 500), (ROUNDING, 12)]


def test_memory_before_the_recording_is_apart_even_where_its_stack_is_known():
    held = segment(0, block(0, 70, "active_allocated", A), block(70, 30, "active_allocated", A))
    snapshot = read([held], [action("alloc", 70, 30, 0, A)])
    table = live_at(snapshot, "gpu:0", 0)
    assert table.select("frame", "origin", "size_bytes").rows() == [(EMBED, "before", 70), (EMBED, "recorded", 30)]


def test_one_frame_under_two_stacks_is_two_rows_by_stack():
    snapshot = read([segment(0, block(0, 10), block(10, 20))], [action("alloc", 0, 10, 0, A, B), action("alloc", 10, 20, 1, A, C)])
    assert live_at(snapshot, "gpu:0", 9000).select("frame", "size_bytes").rows() == [(EMBED, 30)]
    by_stack = live_at(snapshot, "gpu:0", 9000, by="stack")
    assert by_stack.select("frame", "size_bytes").rows() == [(EMBED, 20), (EMBED, 10)]
    assert snapshot.stacks["frames"].gather(by_stack["stack"]).to_list() == [[0, 2], [0, 1]]


def test_memory_without_a_stack_says_so():
    snapshot = read([segment(0, block(0, 10))], [action("alloc", 0, 10, 0)])
    assert live_at(snapshot, "gpu:0", 0)["frame"].to_list() == [NO_STACK]


def two_devices() -> Snapshot:
    """Device 0: 100 from 0 to 10. Device 1: 50 before, 70 more from 20 on. The most at once is 150, at 0; 120 from 20 on."""
    return read(
        [segment(0, block(0, 200, "inactive")), segment(0, block(0, 50), block(50, 70), block(120, 80, "inactive"), device=1)],
        [action("alloc", 0, 100, 0), *released(0, 100, 10)],
        [action("alloc", 50, 70, 20)],
    )


def test_the_summary_has_a_row_per_device_and_the_most_at_one_time():
    columns = ["device", "segments", "reserved_bytes", "allocated_bytes", "active_bytes", "peak_allocated_bytes", "peak_time_ns", "events"]
    table = summary(two_devices())
    assert table.columns == columns
    assert table.rows() == [
        ("gpu:0", 1, 200, 0, 0, 100, 0, 3),
        ("gpu:1", 1, 200, 120, 120, 120, 20_000, 1),
        (ALL_DEVICES, 2, 400, 120, 120, 150, 0, 4),
    ]


def test_a_snapshot_without_a_recording_has_its_level_and_one_without_anything_is_empty():
    held = read([segment(0, block(0, 40), block(40, 10, "active_pending_free"))])
    assert summary(held).row(0) == ("gpu:0", 1, 50, 40, 50, 50, -1, 0)
    assert live_at(held, "gpu:0", -1).select("frame", "size_bytes").rows() == [(BEFORE, 50)]
    assert summary(read([])).rows() == [(ALL_DEVICES, 0, 0, 0, 0, 0, 0, 0)]
    assert compare(read([]), held)["b_peak_bytes"].to_list() == [50]


def test_mapped_parts_of_an_expandable_segment_are_reserved():
    snapshot = read(
        [segment(0, block(0, 60), is_expandable=True)],
        [
            action("segment_map", 0, 60, 0),
            action("segment_map", 60, 40, 1),
            action("segment_unmap", 60, 40, 2),
            action("segment_free", 900, 7, 3),
        ],
    )
    assert allocated_over_time(snapshot, "gpu:0")["reserved_bytes"].to_list() == [7, 67, 107, 67, 60]


def test_a_range_keeps_what_stood_at_its_start():
    part = in_range(replayed(), 10_001, 25_000)
    assert allocated_over_time(part, "gpu:0").select("time_ns", "action", "allocated_bytes", "reserved_bytes").rows() == [
        (10_000, None, 1512, 3000),
        (10_001, "alloc", 2012, 3000),
        (20_000, "free_requested", 2012, 3000),
        (20_001, "free_completed", 1712, 3000),
    ]
    assert summary(part).select("peak_allocated_bytes", "peak_time_ns", "events").row(0) == (2012, 10_001, 3)
    quiet = in_range(replayed(), 26_000, 27_000)
    assert allocated_over_time(quiet, "gpu:0").select("time_ns", "allocated_bytes", "awaiting_bytes").rows() == [(25_999, 1712, 200)]
    assert live_at(quiet, "gpu:0", 26_500)["size_bytes"].sum() == 1712


def test_a_range_of_a_range_is_the_range():
    inner = in_range(in_range(replayed(), 5_000, 26_000), 10_001, 25_000)
    assert allocated_over_time(inner, "gpu:0").equals(allocated_over_time(in_range(replayed(), 10_001, 25_000), "gpu:0"))


def test_two_snapshots_compared_by_frame_add_up_to_each():
    trace = [action("alloc", 0, 64, 0, A), action("alloc", 64, 8, 1, C), *released(64, 8, 2)]
    other = read([segment(0, block(0, 64, "active_allocated", A))], trace)
    table = compare(replayed(), other)
    assert table.rows() == [
        (BEFORE, "before", 1300, 0, -1300, 1000, 0, -1000),
        (ATTEND, "recorded", 500, 0, -500, 500, 0, -500),
        (EMBED, "recorded", 200, 64, -136, 0, 64, 64),
        (ROUNDING, "rounding", 12, 0, -12, 12, 0, -12),
        (PROJECT, "recorded", 0, 8, 8, 0, 0, 0),
    ]
    assert table.select(pl.col("a_peak_bytes", "b_peak_bytes", "a_end_bytes", "b_end_bytes").sum()).row(0) == (2012, 72, 1512, 64)


def test_fragmentation_tells_what_cannot_be_given_back():
    snapshot = read(
        [
            segment(0, block(0, 100), block(100, 50, "inactive"), block(150, 10, "active_pending_free"), block(160, 40, "inactive")),
            segment(1000, block(1000, 300, "inactive"), stream=7, segment_pool_id=(1, 0)),
            segment(0, block(0, 10), device=1),
        ]
    )
    assert fragmentation(snapshot).rows() == [
        ("gpu:0", 0, "large", "default", 0, 200, 110, 90, 2, 50, 90),
        ("gpu:0", 1000, "large", "private 1, 0", 7, 300, 0, 300, 1, 300, 0),
        ("gpu:1", 0, "large", "default", 0, 10, 10, 0, 0, 0, 0),
    ]
    assert fragmentation_by_device(snapshot).rows() == [("gpu:0", 2, 500, 390, 90, 300, 0.18), ("gpu:1", 1, 10, 0, 0, 0, 0.0)]


@dataclass
class Allocator:
    """An allocator that counts what it does, to hold the replay against. An address is used again once it is free."""

    events: list[dict[str, Any]] = field(default_factory=list)
    live: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    waiting: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    time_us: int = 0

    def _done(self, what: str, address: int, size: int, *frames: dict[str, Any]) -> None:
        self.events.append(action(what, address, size, self.time_us, *frames))
        self.totals.append(sum(size for size, _ in [*self.live.values(), *self.waiting.values()]))

    def step(self, choice: int, size: int, where: dict[str, Any], pause_us: int) -> None:
        self.time_us += pause_us
        if choice == 0 and self.live:
            address = sorted(self.live)[size % len(self.live)]
            self.waiting[address] = self.live.pop(address)
            self._done("free_requested", address, self.waiting[address][0])
        elif choice == 1 and self.waiting:
            address = sorted(self.waiting)[size % len(self.waiting)]
            size, _ = self.waiting.pop(address)
            self._done("free_completed", address, size)
        else:
            address = next(place for place in range(0, 1 << 30, 4096) if place not in self.live and place not in self.waiting)
            self.live[address] = (size, where)
            self._done("alloc", address, size, where)

    def snapshot(self, begun: int = 0) -> Snapshot:
        """As recorded from the `begun`-th event on: what came before is lost, as from a ring buffer."""
        states = ((self.live, "active_allocated"), (self.waiting, "active_pending_free"))
        blocks = [block(address, size, state, where) for held, state in states for address, (size, where) in held.items()]
        return read([segment(0, *blocks)], self.events[begun:])


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4096), st.sampled_from([A, B, C]), st.integers(0, 2)), min_size=1, max_size=60)


def allocator_after(steps: Any) -> Allocator:
    allocator = Allocator()
    for step in steps:
        allocator.step(*step)
    return allocator


@settings(max_examples=60)
@given(STEPS, st.integers(0, 59))
def test_any_sequence_replays_to_what_the_allocator_counted_however_much_of_it_was_lost(steps: Any, lost: int):
    allocator = allocator_after(steps)
    begun = min(lost, len(steps) - 1)
    snapshot = allocator.snapshot(begun)
    series = allocated_over_time(snapshot, "gpu:0")
    assert series["allocated_bytes"].to_list() == [allocator.totals[begun - 1] if begun else 0, *allocator.totals[begun:]]
    assert series["awaiting_bytes"][-1] == sum(size for size, _ in allocator.waiting.values())
    assert peak(snapshot, "gpu:0")[1] == max(series["allocated_bytes"])
    moments = pl.concat([series[::7], series.filter(pl.col("time_ns") == peak(snapshot, "gpu:0")[0])])
    for time_ns, allocated in moments.select("time_ns", "allocated_bytes").iter_rows():
        for by in ("frame", "stack"):
            assert live_at(snapshot, "gpu:0", time_ns, by)["size_bytes"].sum() == allocated
    assert snapshot.facts.notes == ()


@settings(max_examples=60)
@given(STEPS, st.integers(0, 130_000), st.integers(1, 130_000))
def test_any_range_is_the_part_of_the_whole(steps: Any, start_ns: int, length_ns: int):
    snapshot = allocator_after(steps).snapshot()
    whole = allocated_over_time(snapshot, "gpu:0")
    part_of = in_range(snapshot, start_ns, start_ns + length_ns)
    part = allocated_over_time(part_of, "gpu:0")
    assert part[1:].equals(whole[1:].filter(pl.col("time_ns").is_between(start_ns, start_ns + length_ns, closed="left")))
    carried = whole.filter((pl.col("time_ns") < start_ns) | pl.col("action").is_null()).tail(1)
    columns = ["allocated_bytes", "awaiting_bytes", "reserved_bytes"]
    assert part.select(columns).row(0) == carried.select(columns).row(0)
    table = compare(snapshot, part_of)
    assert table["b_end_bytes"].sum() == part["allocated_bytes"][-1]
    assert table["b_peak_bytes"].sum() == part["allocated_bytes"].max()


def real(name: str) -> Snapshot:
    path = SHARED / f"{name}.memory_snapshot.pickle"
    return read_snapshot(path.read_bytes(), path.name)


@needs_shared
@pytest.mark.parametrize("name", ["transformer_13gib", "transformer_4gib"])
def test_the_figures_of_real_snapshots_are_those_of_the_reference(name: str):
    expected = json.loads((SHARED / "oracle.json").read_text())["memory_snapshots"][f"{name}.memory_snapshot.pickle"]
    device = expected["devices"]["0"]
    snapshot = real(name)
    row = summary(snapshot).row(0, named=True)
    assert row["segments"] == expected["segments"]
    assert row["reserved_bytes"] == expected["reserved_bytes_at_end"]
    assert row["allocated_bytes"] == expected["allocated_at_end"]
    assert row["active_bytes"] == expected["active_at_end"]
    assert row["events"] == device["events"]
    assert row["peak_allocated_bytes"] == device["peak_allocated"]
    assert snapshot.facts.origin_ns + row["peak_time_ns"] == device["peak_time_us"] * 1000
    assert snapshot.facts.origin_ns == device["t0"] * 1000
    series = allocated_over_time(snapshot, "gpu:0")
    assert series["allocated_bytes"][0] == device["base_allocated"]
    assert series["allocated_bytes"][-1] - series["allocated_bytes"][0] == device["net_alloc_delta"]
    assert dict(series["action"].drop_nulls().value_counts().iter_rows()) == device["actions"]
    assert snapshot.blocks.filter(pl.col("state") == "inactive")["size_bytes"].sum() == expected["block_bytes_by_state"]["inactive"]
    assert fragmentation(snapshot)["inactive_bytes"].sum() == row["reserved_bytes"] - row["active_bytes"]


@needs_shared
@pytest.mark.parametrize("name", ["transformer_13gib", "transformer_4gib"])
def test_what_was_live_at_the_peak_of_real_snapshots_adds_up(name: str):
    snapshot = real(name)
    time_ns, allocated = peak(snapshot, "gpu:0")
    table = live_at(snapshot, "gpu:0", time_ns)
    assert table["size_bytes"].sum() == allocated
    assert live_at(snapshot, "gpu:0", time_ns, by="stack")["size_bytes"].sum() == allocated
    assert table.filter(pl.col("frame") == NO_STACK).is_empty()


@needs_shared
def test_two_real_snapshots_compared_add_up_to_each():
    a, b = real("transformer_13gib"), real("transformer_4gib")
    table = compare(a, b)
    assert table["a_peak_bytes"].sum() == 13_927_832_064
    assert table["b_peak_bytes"].sum() == 3_857_685_760
    assert table["peak_difference_bytes"].sum() == 3_857_685_760 - 13_927_832_064
    assert (table["a_end_bytes"].sum(), table["b_end_bytes"].sum()) == (1_377_753_600, 3_072_871_424)


def test_our_own_snapshot_replays_to_what_was_counted_in_the_raw_file():
    snapshot = read_snapshot(OWN.read_bytes(), OWN.name)
    assert summary(snapshot).row(0) == ("gpu:0", 13, 253_755_392, 205_445_120, 205_445_120, 214_227_944, 9_997_000, 477)
    table = live_at(snapshot, "gpu:0", 9_997_000)
    assert table.select("frame", "size_bytes").rows()[:2] == [(BEFORE, 205_445_120), ("step (bench/step1.py:11)", 4_588_516)]
