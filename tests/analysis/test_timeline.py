"""The level of detail: whatever stands for a stretch of time, nothing of a lane's busy time is lost or counted twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.timeline import aligned_steps, default_lanes, depths, lane_table, marks, overview, slice_table, with_names
from core.analysis.timeline_index import HOST_GROUPS, LEVELS, Window, prepare
from core.traces import nesting
from core.traces.read import read_trace
from core.traces.schema import EVENT_SCHEMA, Step
from tests.analysis.timeline_events import events
from tests.traces.shared import SHARED, needs_shared

ALL_KINDS = tuple(HOST_GROUPS)


def stream(*intervals: tuple[int, int]) -> pl.DataFrame:
    return events(*(("gpu:0", "7", start, length, f"k{number}") for number, (start, length) in enumerate(intervals)))


def window(start: int, end: int) -> Window:
    return Window(start_ns=start, end_ns=end)


def shown(found: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return found.select(columns).rows()


def test_few_slices_are_drawn_as_they_are_cut_to_the_window():
    frame = stream((0, 10), (12, 5), (30, 4))
    found = with_names(marks(prepare(frame).lanes, window(5, 20)), frame)
    assert shown(found, "start_ns", "end_ns", "name", "busy_ns", "aggregated") == [(5, 10, "k0", 5, False), (12, 17, "k1", 5, False)]


def test_many_slices_become_bins_that_know_their_busy_time_their_count_and_the_longest():
    frame = stream((0, 3), (4, 1), (5, 4), (12, 20))
    found = with_names(marks(prepare(frame).lanes, window(0, 40), limit=3), frame)
    # Edges at 0, 13, 26, 40: the last slice is 1, 13 and 6 ns in them, and the longest in all three.
    assert shown(found, "start_ns", "end_ns", "busy_ns", "count", "name", "aggregated") == [
        (0, 13, 9, 4, "k3", True), (13, 26, 13, 1, "k3", True), (26, 40, 6, 1, "k3", True),
    ]  # fmt: skip


def test_a_lane_of_many_is_drawn_level_by_level():
    rows = [("cpu", "1", 0, 100, "outer"), ("cpu", "1", 100, 50, "outer")]
    rows += [("cpu", "1", 10 * number, 6, "middle") for number in range(15)]
    rows += [("cpu", "1", 10 * number + 1, 2, "inner") for number in range(15)]
    frame = events(*rows)
    lane = prepare(frame).lanes[0]
    found = with_names(marks([lane], window(0, 150), limit=20), frame)
    # Half of the marks for the two levels below, 5 bins each; the outer slices need but 2 of the rest.
    assert shown(found.filter(~pl.col("aggregated")), "depth", "name", "start_ns", "end_ns") == [(0, "outer", 0, 100), (0, "outer", 100, 150)]
    assert found.filter("aggregated").group_by("depth", "name", maintain_order=True).agg(pl.len(), pl.col("busy_ns", "count").sum()).rows() == [
        (1, "middle", 5, 90, 15), (2, "inner", 5, 30, 15),
    ]  # fmt: skip
    assert marks([lane], window(0, 150), limit=1)["depth"].to_list() == [0]
    assert marks([lane], window(11, 14))["depth"].to_list() == [0, 1, 2]
    assert (lane.levels_in(window(0, 150)), lane.levels_in(window(17, 20))) == (3, 1)


def test_what_lies_deeper_than_the_levels_is_one_more():
    calls = [("cpu", "1", depth, 200 - 2 * depth, "f") for depth in range(LEVELS + 3)]
    lane = prepare(events(*calls, ("cpu", "1", 500, 5, "f"))).lanes[0]
    assert [len(level.rows) for level in lane.inner] == [1] * (LEVELS - 1)
    assert lane.levels_in(window(0, 300)) == LEVELS + 1
    assert lane.levels_in(window(0, 5)) == 5
    assert lane.levels_in(window(400, 600)) == 1


def test_a_bin_without_anything_in_it_is_no_mark():
    found = marks(prepare(stream((0, 1), (1, 1), (98, 1), (99, 1))).lanes, window(0, 100), limit=2)
    assert shown(found, "start_ns", "count") == [(0, 2), (50, 2)]
    assert marks(prepare(stream((0, 1), (1, 1), (2, 1))).lanes, window(0, 100), limit=2)["start_ns"].to_list() == [0]
    assert marks(prepare(stream((0, 1))).lanes, window(50, 100)).is_empty()


def test_what_small_lanes_do_not_need_the_large_ones_get():
    rows = [("gpu:0", "1", 0, 1, "k")]
    rows += [("gpu:0", lane, 2 * number, 1, "k") for lane in ("2", "3") for number in range(100)]
    found = marks(prepare(events(*rows)).lanes, window(0, 200), limit=41)
    assert found.group_by("lane", maintain_order=True).agg(pl.len(), pl.col("aggregated").first()).rows() == [
        (0, 1, False), (1, 20, True), (2, 20, True),
    ]  # fmt: skip


def test_calls_that_nest_lie_below_each_other_and_no_two_of_a_row_overlap():
    start, end = np.array([0, 10, 12, 20, 30, 35]), np.array([40, 20, 15, 30, 50, 38])
    assert depths(start, end).tolist() == [0, 1, 2, 1, 1, 2]


def test_a_thread_shows_the_kinds_that_are_asked_for_and_a_device_its_work_alone():
    frame = events(
        ("cpu", "1", 0, 50, "f", "python function"), ("cpu", "1", 5, 20, "aten::mm"), ("cpu", "1", 10, 5, "launch", "runtime call"),
        ("gpu:0", "7", 20, 5, "kernel"), ("gpu:0", "7", 0, 90, "ProfilerStep#1", "annotation"), ("gpu:0", "8", 0, 90, "wait", "synchronisation"),
    )  # fmt: skip
    device, host = prepare(frame).lanes
    assert (device.label, host.label) == ("gpu:0 · stream 7", "thread 1")
    assert (device.busy.length_ns, host.busy.length_ns) == (5, 20)
    assert with_names(marks([host], window(0, 60)), frame)["name"].to_list() == ["aten::mm", "launch"]
    assert prepare(frame, groups=("Python functions",)).lanes[1].busy.length_ns == 50
    assert [lane.label for lane in prepare(frame, groups=()).lanes] == ["gpu:0 · stream 7"]


def test_devices_come_first_then_who_steps_then_the_busiest():
    frame = events(
        ("cpu", "1", 0, 10, "a"), ("cpu", "2", 0, 90, "a"), ("cpu", "3", 0, 20, "a"),
        ("gpu:10", "7", 0, 1, "k"), ("gpu:2", "20", 0, 1, "k"), ("gpu:2", "7", 0, 1, "k"),
    )  # fmt: skip
    index = prepare(frame, [Step(number=1, start_ns=0, end_ns=10, lane="1")])
    assert [(lane.device, lane.name) for lane in index.lanes] == [
        ("gpu:2", "7"), ("gpu:2", "20"), ("gpu:10", "7"), ("cpu", "1"), ("cpu", "2"), ("cpu", "3"),
    ]  # fmt: skip
    assert [lane.name for lane in default_lanes(index)] == ["7", "20", "7", "1", "2"]
    assert [(lane.device, lane.name) for lane in default_lanes(index, streams=1, threads=1)] == [("gpu:2", "7"), ("gpu:10", "7"), ("cpu", "1")]


def test_a_search_counts_what_matches_and_its_time_in_slices_and_in_bins():
    frame = stream((0, 4), (10, 4), (20, 4), (30, 4))
    frame = frame.with_columns(pl.Series("name", ["Gemm<a>", "relu", "xgemm", "relu"], dtype=pl.Categorical))
    index = prepare(frame)
    matching = index.matching(" GEMM")
    assert matching.tolist() == [True, False, True, False]
    assert index.matching("gemm<A>").tolist() == [True, False, False, False]
    few = marks(index.lanes, window(2, 40), matching=matching)
    assert few["matched_ns"].to_list() == [2, 0, 4, 0]
    binned = marks(index.lanes, window(2, 40), limit=2, matching=matching)
    # Edges at 2, 21, 40: the last two slices are 1 and 3 ns of their 4 in the second bin.
    assert shown(with_names(binned, frame), "busy_ns", "matched_ns", "name") == [(7, 3, "xgemm"), (7, 3, "xgemm")]
    assert marks(index.lanes, window(30, 40), limit=1, matching=matching)["matched_ns"].to_list() == [0]
    assert lane_table(index.lanes, window(2, 40), matching).select("matched", "matched_ns").rows() == [(2, 6)]


def test_a_lane_says_how_long_it_was_idle_and_where_it_rested_longest():
    lanes = prepare(stream((10, 10), (25, 5), (60, 10))).lanes
    columns = ("slices", "busy_ns", "idle_ns", "longest_idle_ns", "longest_idle_at_ns")
    assert shown(lane_table(lanes, window(0, 100)), *columns) == [(3, 25, 75, 30, 30)]
    assert shown(lane_table(lanes, window(12, 26)), *columns) == [(2, 9, 5, 5, 20)]
    assert shown(lane_table(lanes, window(80, 100)), *columns) == [(0, 0, 20, 20, 80)]
    assert shown(lane_table(lanes, window(11, 19)), *columns) == [(1, 8, 0, 0, None)]


def test_the_overview_is_the_share_of_each_bin_and_the_mean_over_devices():
    frame = events(("gpu:0", "1", 0, 10, "k"), ("gpu:0", "2", 5, 10, "k"), ("gpu:1", "1", 0, 5, "k"), ("cpu", "1", 10, 5, "aten::mm"),
                   ("cpu", "2", 0, 20, "f", "python function"))  # fmt: skip
    found = overview(prepare(frame), window(0, 20), 2)
    assert shown(found, "what", "start_ns", "busy") == [("devices", 0, 0.75), ("devices", 10, 0.25), ("host", 0, 0.0), ("host", 10, 0.5)]
    assert overview(prepare(events(("cpu", "1", 0, 5, "a"))), window(0, 5), 1)["what"].to_list() == ["host"]


def test_a_slice_in_full_has_its_operator_and_that_operators_shapes():
    frame = events(
        ("cpu", "1", 0, 10, "aten::mm", "operator", {"input_shapes": "[[2, 3]]", "layer": "Linear_0"}),
        ("gpu:0", "7", 20, 5, "gemm", "kernel", {"operator": 0, "step": 4, "layer": "Linear_0", "phase": "forward"}),
        ("gpu:0", "7", 30, 5, "stray", "kernel"),
    )  # fmt: skip
    lane = prepare(frame).lanes[0]
    table = slice_table(lane, lane.touching(window(0, 100)), frame)
    assert table.rows() == [
        ("gemm", 20, 5, "gpu:0 · stream 7", "kernel", "aten::mm", "Linear_0", "forward", "matrix multiply", "[[2, 3]]", 4),
        ("stray", 30, 5, "gpu:0 · stream 7", "kernel", None, None, None, "matrix multiply", None, None),
    ]


def steps(*numbers: int) -> list[Step]:
    return [Step(number=number, start_ns=100 * place, end_ns=100 * place + 90, lane="1") for place, number in enumerate(numbers)]


def test_steps_are_aligned_by_number_where_two_recordings_share_any_else_by_order():
    assert list(aligned_steps(steps(3, 4, 3))) == ["3", "4", "3 (2)"]
    shared = aligned_steps(steps(1, 2, 3), steps(2, 3, 4))
    assert {name: (pair.a.start_ns, pair.b and pair.b.start_ns) for name, pair in shared.items()} == {"2": (100, 0), "3": (200, 100)}
    assert list(aligned_steps(steps(1, 2), steps(31, 32, 33))) == ["1 / 31", "2 / 32"]


def test_the_whole_is_where_work_is_and_not_a_mark_of_the_profiler():
    frame = events(("cpu", "1", 100, 20, "aten::mm"), ("cpu", "2", 0, 900, "PyTorch Profiler (0)", "other"), ("gpu:0", "7", 130, 5, "k"))
    assert prepare(frame).whole == window(100, 135)
    assert prepare(frame.filter(pl.col("kind") == "other")).whole == window(0, 900)


def test_an_empty_recording_has_a_moment_and_no_lane():
    index = prepare(pl.DataFrame(schema=EVENT_SCHEMA))
    assert (index.lanes, index.whole) == ((), window(0, 1))
    assert marks(index.lanes, index.whole).is_empty()


lanes_of_slices = st.lists(st.tuples(st.integers(1, 3), st.integers(-20, 120), st.integers(0, 60)), max_size=40)
windows = st.tuples(st.integers(-30, 150), st.integers(1, 150)).map(lambda pair: window(pair[0], pair[0] + pair[1]))


@given(lanes_of_slices, windows, st.integers(3, 60))
def test_marks_are_bounded_and_hold_each_lanes_busy_time_to_the_nanosecond(slices, at, limit):
    frame = events(*(("gpu:0", str(lane), start, length, f"k{length}") for lane, start, length in slices))
    index = prepare(frame)
    found = marks(index.lanes, at, limit=limit)
    assert len(found) <= limit
    for number, lane in enumerate(index.lanes):
        own = [(start, start + length) for name, start, length in slices if str(name) == lane.name]
        touching = [(start, end) for start, end in own if start < at.end_ns and max(end - 1, start) >= at.start_ns]
        mine = found.filter(pl.col("lane") == number)
        clipped = np.clip(np.array(own), at.start_ns, at.end_ns)
        union_ns = nesting.union_length(clipped[:, 0], clipped[:, 1])
        assert lane.count(at) == len(touching) == len(lane.touching(at))
        first = mine.filter(pl.col("depth") == 0)
        if first["aggregated"].any():
            assert first["busy_ns"].sum() == union_ns
            for start, end, count, row in first.select("start_ns", "end_ns", "count", "row").rows():
                inside = [last - begun for begun, last in own if begun < end and max(last - 1, begun) >= start]
                assert count == len(inside)
                assert frame["duration_ns"][row] == max(inside)
        else:
            shown_ns = nesting.union_length(mine["start_ns"].to_numpy(), mine["end_ns"].to_numpy())
            assert shown_ns == union_ns
        assert len(mine) == len(touching) or len(touching) > limit // len(index.lanes)
        assert lane_table([lane], at).select("busy_ns", "slices").rows() == [(union_ns, len(touching))]


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 40)), max_size=30))
def test_no_two_slices_of_a_row_overlap(slices):
    slices = sorted(slices, key=lambda one: (one[0], -one[1]))
    start = np.array([first for first, _ in slices], np.int64)
    end = start + np.array([length for _, length in slices], np.int64)
    rows = depths(start, end)
    for row in set(rows.tolist()):
        assert (start[rows == row][1:] >= end[rows == row][:-1]).all()


@needs_shared
@pytest.mark.parametrize("name", ["qwen_h100_memory.pt.trace.json.gz", "conv_mi300x8.xplane.pb"])
def test_a_real_recording_is_whole_at_every_zoom(name: str):
    trace = read_trace(SHARED / name)
    index = prepare(trace.events, trace.facts.steps, ALL_KINDS)
    work = trace.events.filter(pl.col("kind").is_in(["kernel", "memcpy", "memset", "communication"]) & (pl.col("device") != "cpu"))
    assert sum(lane.count(index.whole) for lane in index.lanes if lane.device != "cpu") == len(work)
    middle = (index.whole.start_ns + index.whole.end_ns) // 2
    for at in (index.whole, window(middle, middle + index.whole.length_ns // 50)):
        found = marks(index.lanes, at)
        assert 0 < len(found) <= 1500
        table = lane_table(index.lanes, at)
        busy = found.filter("aggregated", pl.col("depth") == 0).group_by("lane").agg(pl.col("busy_ns").sum())
        assert busy.sort("lane")["busy_ns"].to_list() == [table["busy_ns"][number] for number in busy.sort("lane")["lane"]]
