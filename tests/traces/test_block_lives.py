"""Which release belongs to which allocation, and what is told of a recording that does not hold both."""

from __future__ import annotations

import polars as pl

from core.traces.block_lives import Gaps
from tests.traces.snapshots import action, block, frame, read, released, segment


def lives(snapshot):
    """(address, size, start, requested, end, origin) of every life, times in µs."""
    times = [pl.col(name) // 1000 for name in ("start_ns", "requested_ns", "end_ns")]
    return snapshot.lives.select("address", "size_bytes", *times, pl.col("origin").cast(pl.String)).rows()


def gaps(snapshot):
    return snapshot.facts.devices[0].gaps


def test_a_block_lives_from_its_allocation_to_its_completed_release():
    snapshot = read(
        [segment(0, block(0, 512, "inactive"))],
        [
            action("alloc", 0, 500, 0),
            action("free_requested", 0, 500, 10),
            action("free_completed", 0, 500, 15),
            action("alloc", 0, 300, 20),
            *released(0, 300, 30),
        ],
    )
    assert lives(snapshot) == [(0, 500, 0, 10, 15, "recorded"), (0, 300, 20, 30, 30, "recorded")]
    assert gaps(snapshot) == Gaps()
    assert snapshot.facts.notes == ()


def test_a_block_in_use_at_the_end_has_no_end_and_its_rounding_is_a_row():
    snapshot = read([segment(0, block(0, 512, requested=500), block(512, 512, "inactive"))], [action("alloc", 0, 500, 3)])
    assert lives(snapshot) == [(None, 12, None, None, None, "rounding"), (0, 500, 0, None, None, "recorded")]


def test_what_was_there_before_the_recording_is_told_from_its_release_or_from_the_end():
    old = frame("load", 7)
    snapshot = read(
        [
            segment(0, block(0, 512, "inactive"), block(512, 1024, "active_allocated", old)),
            segment(1536, block(1536, 512, "active_pending_free"), block(2048, 512, "active_pending_free")),
        ],
        [*released(0, 512, 5), action("free_requested", 1536, 512, 6)],
    )
    assert sorted(lives(snapshot)) == [
        (0, 512, None, 0, 0, "before"),
        (512, 1024, None, None, None, "before"),
        (1536, 512, None, 1, None, "before"),
        (2048, 512, None, -1, None, "before"),
    ]
    stacks = dict(snapshot.lives.join(snapshot.stacks.with_row_index("stack"), on="stack").select("address", "frame").iter_rows())
    assert stacks == {512: "load (project/model.py:7)"}


def test_the_stack_of_a_release_is_not_taken_for_that_of_the_allocation():
    snapshot = read([segment(0, block(0, 512, "inactive"))], [action("free_completed", 0, 512, 5, frame("backward", 3))])
    assert snapshot.lives["stack"].to_list() == [None]


def test_a_missing_release_is_taken_to_be_at_the_next_allocation():
    snapshot = read([segment(0, block(0, 512))], [action("alloc", 0, 400, 0), action("alloc", 0, 512, 9)])
    assert lives(snapshot) == [(0, 400, 0, None, 9, "recorded"), (0, 512, 9, None, None, "recorded")]
    assert gaps(snapshot) == Gaps(releases_missing=1)
    assert snapshot.facts.notes == (
        "gpu:0: blocks allocated again without a release in the recording, which is taken to be then: 1.",
    )


def test_a_missing_allocation_counts_for_no_time():
    snapshot = read([segment(0, block(0, 512, "inactive"))], [*released(0, 400, 0), *released(0, 512, 9)])
    assert lives(snapshot) == [(0, 400, None, 0, 0, "before")]
    assert gaps(snapshot) == Gaps(allocations_missing=1)


def test_a_block_in_use_again_after_its_last_release_was_allocated_unseen():
    snapshot = read([segment(0, block(0, 512))], [action("alloc", 0, 400, 0), *released(0, 400, 3)])
    assert [(row[1], row[5]) for row in lives(snapshot)] == [(512, "before"), (400, "recorded")]
    assert gaps(snapshot) == Gaps(allocations_missing=1)


def test_a_block_that_is_gone_though_never_released_stays_to_the_end_of_the_recording():
    snapshot = read([segment(0, block(0, 512, "inactive"))], [action("alloc", 0, 400, 0)])
    assert lives(snapshot) == [(0, 400, 0, None, None, "recorded")]
    assert gaps(snapshot) == Gaps(outlived=1)


def test_devices_may_use_the_same_addresses():
    snapshot = read(
        [segment(0, block(0, 512)), segment(0, block(0, 512, "inactive"), device=1)],
        [action("alloc", 0, 512, 0)],
        [action("alloc", 0, 256, 1), *released(0, 256, 2)],
    )
    assert snapshot.lives.select(pl.col("device").cast(pl.String), "size_bytes", pl.col("end_ns").is_null()).rows() == [
        ("gpu:0", 512, True),
        ("gpu:1", 256, False),
    ]
