"""Memory over time, what held it, and who took it: frames made by hand, random ones, and real recordings against their reference."""

from __future__ import annotations

import functools
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.memory import (
    BEFORE,
    MEASURES,
    UNSEEN,
    account,
    folded,
    increase_by,
    keeps_total,
    live_after,
    live_at,
    live_by,
    memory_account,
    memory_devices,
    over_time,
    paired,
    peak_place,
    place_at,
    reduced,
)  # fmt: skip
from core.traces.read import read_trace
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA, Trace
from tests.traces.shared import SHARED, needs_shared

RECORDED = ("qwen_h100_memory", "qwen_mi300_memory", "ddp_v100_memory", "resnet50_v100_workers0", "resnet50_v100_workers4")


def memory(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of the memory frame; what is not given is null, the device `gpu:0`."""
    return pl.DataFrame([{"device": "gpu:0", **row} for row in rows], schema=MEMORY_SCHEMA)


def row(time_ns: int, delta: int, address: int | None = None, total: int | None = None, **more: Any) -> dict[str, Any]:
    return {"time_ns": time_ns, "delta_bytes": delta, "address": address, "allocated_bytes": total, **more}


def events(*names: str) -> pl.DataFrame:
    """Operators of these names, at rows 0, 1, …"""
    return pl.DataFrame(
        [{"row": number, "name": name, "kind": "operator"} for number, name in enumerate(names)], schema=EVENT_SCHEMA
    )


#: 1000 bytes are there before. Block 1 (100, conv, step 1) lives throughout; block 2 (300, relu) from 20 to 40; 400 of what was there before
#: go at 30; block 2's place is taken again at 50 (50, by no operator), so 1100 + 50 - 400 stay. The most: 1400 at 20.
EXAMPLE = memory(
    row(10, 100, 1, 1100, reserved_bytes=2000, operator=0, layer="conv1", phase="forward", step=1),
    row(20, 300, 2, 1400, reserved_bytes=2000, operator=1, layer="conv1", phase="forward", step=1),
    row(30, -400, 9, 1000, reserved_bytes=2000, step=1),
    row(40, -300, 2, 700, reserved_bytes=2000, operator=1, layer="conv1", phase="backward", step=2),
    row(50, 50, 2, 750, reserved_bytes=1800),
)
OPERATORS = events("aten::conv2d", "aten::relu")


def test_each_row_tells_the_totals_right_after_it_and_the_first_what_stood_there_before():
    series = over_time(EXAMPLE, "gpu:0")
    assert series["time_ns"].to_list() == [0, 10, 20, 30, 40, 50]
    assert series["allocated_bytes"].to_list() == [1000, 1100, 1400, 1000, 700, 750]
    assert series["reserved_bytes"].to_list() == [2000, 2000, 2000, 2000, 2000, 1800]
    assert series["unused_bytes"].to_list() == [1000, 900, 600, 1000, 1300, 1050]
    assert series["step"].to_list() == [None, 1, 1, 1, 2, None]


def test_the_account_of_a_device():
    assert memory_account(EXAMPLE) == {
        "gpu:0": {
            "peak_allocated_bytes": 1400, "peak_time_ns": 20, "peak_step": 1, "peak_reserved_bytes": 2000, "allocated_bytes": 750,
            "reserved_bytes": 1800, "fragmentation_bytes": 600, "events": 5,
        }
    }  # fmt: skip
    assert memory_account(memory()) == {}


def test_the_peak_is_the_largest_total_that_was_told_and_not_what_stood_there_before():
    falling = over_time(memory(row(10, -100, 1, 900), row(20, -100, 2, 800)), "gpu:0")
    assert (account(falling)["peak_allocated_bytes"], account(falling)["peak_time_ns"]) == (900, 10)
    assert falling["allocated_bytes"][peak_place(falling, 0, 99)] == 1000  # of a window what stands at its start counts


def test_accelerators_come_first_and_in_order_of_their_numbers():
    assert memory_devices(memory(*(row(1, 1, device=label) for label in ("cpu", "gpu:10", "gpu:2")))) == ["gpu:2", "gpu:10", "cpu"]


def test_a_profiler_that_tells_zero_tells_nothing():
    silent = memory(row(1, 8, 1, 0, reserved_bytes=0), row(2, 8, 2, 0, reserved_bytes=0), row(3, -8, 1, 0, reserved_bytes=0))
    series = over_time(silent, "gpu:0")
    assert series["allocated_bytes"].to_list() == [0, 8, 16, 8]
    assert series["reserved_bytes"].null_count() == 4
    assert account(series)["fragmentation_bytes"] is None
    assert not keeps_total(silent, "gpu:0")
    assert keeps_total(EXAMPLE, "gpu:0")


def test_rows_without_a_total_count_on_from_those_with_one():
    series = over_time(memory(row(1, 5, 1), row(2, 10, 2, 115), row(3, 20, 3), row(4, -10, 2, 125)), "gpu:0")
    assert series["allocated_bytes"].to_list() == [100, 105, 115, 135, 125]


@pytest.mark.parametrize("addressed", [True, False])
def test_without_totals_what_is_released_unseen_was_there_before(addressed: bool):
    """7 and 9 bytes are released that nobody saw allocated, while 100 are held: the sum alone never falls below zero."""
    rows = [row(1, 100, 1), row(2, -7, 2), row(3, -9, 3), row(4, -100, 1)]
    if not addressed:
        rows = [{**one, "address": None} for one in rows]
    series = over_time(memory(*rows), "gpu:0")
    assert series["allocated_bytes"].to_list() == [16, 116, 109, 100, 0]


def test_places_of_moments_and_of_the_peak_in_a_window():
    series = over_time(EXAMPLE, "gpu:0")
    assert [place_at(series, time) for time in (-5, 0, 19, 20, 99)] == [0, 0, 1, 2, 5]
    assert peak_place(series) == 2
    assert peak_place(series, 25, 99) == 2  # what stands at 25 was reached at 20
    assert peak_place(series, 30, 99) == 3
    assert peak_place(series, measure="unused_bytes") == 4


def test_what_was_live_sums_to_the_total_with_the_base_as_a_row_of_its_own():
    live = live_at(EXAMPLE, "gpu:0", 20)
    assert live.select("bytes", "allocated_ns", "layer").rows() == [(300, 20, "conv1"), (100, 10, "conv1"), (1000, None, None)]
    assert live_at(EXAMPLE, "gpu:0", 50).select("bytes", "allocated_ns").rows() == [(100, 10), (50, 50), (600, None)]
    assert live_at(EXAMPLE, "gpu:0", 5).select("bytes", "allocated_ns").rows() == [(1000, None)]


def test_rows_of_one_moment_are_told_apart_by_their_place():
    series = over_time(memory(row(1, 10, 1, 10), row(5, 90, 2, 100), row(5, -90, 2, 10)), "gpu:0")
    assert live_after(series, peak_place(series))["bytes"].to_list() == [90, 10]
    assert live_after(series, place_at(series, 5))["bytes"].to_list() == [10]


def test_an_address_holds_one_block_so_a_missing_release_is_noticed():
    series = over_time(memory(row(1, 10, 1, 10), row(2, 30, 1, 30)), "gpu:0")
    assert live_after(series, 2).select("bytes", "allocated_ns").rows() == [(30, 2)]


def test_without_addresses_a_release_ends_the_last_block_of_its_size():
    """Two of 16 and one of 4; both of 16 go, so only the 4 stays."""
    rows = [row(1, 16), row(2, 16), row(3, 4), row(4, -16), row(5, -16)]
    series = over_time(memory(*rows), "gpu:0")
    assert live_after(series, 4).select("bytes", "allocated_ns").rows() == [(16, 1), (4, 3)]
    assert live_after(series, 5).select("bytes", "allocated_ns").rows() == [(4, 3)]


def test_live_by_operator_layer_and_phase():
    live = live_at(EXAMPLE, "gpu:0", 50)
    by_operator = live_by(live, OPERATORS, "operator")
    assert by_operator.select("name", "origin", "bytes", "count").rows() == [
        (BEFORE, "before", 600, None), ("aten::conv2d", "recorded", 100, 1), ("no operator known", "recorded", 50, 1),
    ]  # fmt: skip
    assert by_operator["share"].sum() == pytest.approx(1)
    assert live_by(live, OPERATORS, "layer")["name"].to_list() == [BEFORE, "conv1", "no layer known"]
    assert live_by(live, OPERATORS, "phase")["name"].to_list() == [BEFORE, "forward", "no phase known"]


def test_totals_that_fall_without_a_release_say_so():
    live = live_at(memory(row(1, 100, 1, 100), row(2, 10, 2, 60)), "gpu:0", 2)
    assert live_by(live, OPERATORS, "operator").select("name", "bytes").rows() == [("no operator known", 110), (UNSEEN, -50)]


def test_two_sides_by_name_with_their_difference():
    a = live_by(live_at(EXAMPLE, "gpu:0", 20), OPERATORS, "operator")
    b = live_by(live_at(EXAMPLE, "gpu:0", 50), OPERATORS, "operator")
    both = paired(a, b)
    assert both.select("name", "a_bytes", "b_bytes", "difference_bytes").rows() == [
        (BEFORE, 1000, 600, -400), ("aten::relu", 300, 0, -300), ("aten::conv2d", 100, 100, 0), ("no operator known", 0, 50, 50),
    ]  # fmt: skip
    assert both["difference_bytes"].sum() == 750 - 1400


def test_the_base_is_never_folded_away():
    table = pl.DataFrame(
        {
            "name": ["x", "y", "z", BEFORE, "w"],
            "origin": ["recorded", "recorded", "recorded", "before", "recorded"],
            "bytes": [9, 5, 4, 3, 1],
        }
    )
    assert folded(table, 1).select("name", "bytes").rows() == [("x", 9), (BEFORE, 3), ("all others (3)", 10)]
    assert folded(table, 3).equals(table)  # a remainder of one row is that row
    assert folded(table.drop("origin"), 2)["name"].to_list() == ["x", "y", "all others (3)"]


def test_who_takes_and_gives_memory_per_step():
    """In steps: conv takes 100; relu takes 300 and gives them back; 400 go outside of every operator. Two steps, so halves."""
    table = increase_by(EXAMPLE, OPERATORS, "gpu:0", "operator", 2)
    assert table.rows() == [
        ("no operator known", 0.0, 0.0, 200.0, -200.0), ("aten::relu", 0.5, 150.0, 150.0, 0.0), ("aten::conv2d", 0.5, 50.0, 0.0, 50.0),
    ]  # fmt: skip
    whole = increase_by(EXAMPLE, OPERATORS, "gpu:0", "layer")
    assert dict(whole.select("name", "increase_bytes").iter_rows()) == {"no layer known": -350.0, "conv1": 100.0}
    assert whole["allocations"].sum() == 3


def test_other_devices_are_left_out():
    mixed = pl.concat([EXAMPLE, memory(row(15, 5000, 1, 5000, device="cpu"))])
    assert over_time(mixed, "gpu:0").equals(over_time(EXAMPLE, "gpu:0"))
    assert increase_by(mixed, OPERATORS, "cpu", "operator")["allocated_bytes"].to_list() == [5000.0]


def test_a_window_begins_with_what_stood_there_and_ends_with_what_is_left():
    shown = reduced(over_time(EXAMPLE, "gpu:0"), 25, 45)
    assert shown.select("time_ns", "allocated_bytes", "place").rows() == [(25, 1400, 2), (30, 1000, 3), (40, 700, 4), (45, 700, 4)]


@st.composite
def recordings(draw: st.DrawFn) -> pl.DataFrame:
    """A frame of blocks that come and go at addresses, some of which were there before; totals are kept or not."""
    before = draw(st.dictionaries(st.integers(1, 4), st.integers(1, 1000), max_size=3))
    live, total, time_ns, rows = dict(before), sum(before.values()), 0, []
    for _ in range(draw(st.integers(1, 60))):
        time_ns += draw(st.integers(0, 40))
        address = draw(st.integers(1, 6))
        delta = -live.pop(address) if address in live else live.setdefault(address, draw(st.integers(1, 1000)))
        total += delta
        rows.append(row(time_ns, delta, address, total, reserved_bytes=draw(st.integers(6000, 9000))))
    totals, addresses = draw(st.sampled_from([(True, True), (True, False), (False, True), (False, False)]))
    rows = [
        {**one, "allocated_bytes": one["allocated_bytes"] if totals else None, "address": one["address"] if addresses else None}
        for one in rows
    ]
    return memory(*rows)


@given(recordings(), st.data())
def test_at_every_place_what_is_live_sums_to_what_is_allocated(frame: pl.DataFrame, data: st.DataObject):
    series = over_time(frame, "gpu:0")
    assert (series["allocated_bytes"] >= 0).all()
    place = data.draw(st.integers(0, len(series) - 1))
    live = live_after(series, place)
    assert live["bytes"].sum() == series["allocated_bytes"][place]
    assert (live["bytes"] > 0).all()
    for by in ("operator", "layer", "phase"):
        assert folded(live_by(live, OPERATORS, by), 2)["bytes"].sum() == series["allocated_bytes"][place]


@given(recordings(), st.data())
def test_a_reduced_curve_keeps_its_peak_exactly_and_invents_nothing(frame: pl.DataFrame, data: st.DataObject):
    series = over_time(frame, "gpu:0")
    start, end = sorted(data.draw(st.tuples(st.integers(0, 2000), st.integers(0, 2000))))
    measure = data.draw(st.sampled_from(MEASURES))
    at_most = data.draw(st.integers(10, 70))
    shown = reduced(series, start, end, measure=measure, at_most=at_most)
    full = reduced(series, start, end, at_most=10**6)
    assert len(shown) <= at_most
    assert shown["time_ns"].is_sorted()
    assert (shown["time_ns"][-1], full["time_ns"][0]) == (end, shown["time_ns"][0])
    peak = peak_place(series, start, end, measure=measure)
    assert shown[measure].max() == full[measure].max() == series[measure][peak]
    assert shown[measure].min() == full[measure].min()
    assert shown["reserved_bytes"].max() == full["reserved_bytes"].max()
    assert shown.drop("time_ns", "place").rows() == series.select(MEASURES)[shown["place"]].rows()


@functools.cache
def recorded(name: str) -> Trace:
    return read_trace(SHARED / f"{name}.pt.trace.json.gz")


@needs_shared
@pytest.mark.parametrize("name", RECORDED)
def test_real_recordings_add_up_to_the_byte(name: str):
    trace = recorded(name)
    reference = json.loads((SHARED / "oracle.json").read_text())["files"][f"{name}.pt.trace.json.gz"]["memory"]
    told = sorted((one["events"], one["peak_total_allocated"]) for one in reference.values())
    found = memory_account(trace.memory)
    assert sorted(own["events"] or 0 for own in found.values()) == [count for count, _ in told]
    for label, own in found.items():
        series = over_time(trace.memory, label)
        peak = next(bytes for count, bytes in told if count == own["events"])
        assert peak is None or own["peak_allocated_bytes"] == peak
        live = live_after(series, peak_place(series))
        for by in ("operator", "layer", "phase"):
            table = live_by(live, trace.events, by)
            assert table["bytes"].sum() == folded(table)["bytes"].sum() == own["peak_allocated_bytes"]
            assert (table["bytes"] > 0).all()
            taken = increase_by(trace.memory, trace.events, label, by)
            assert taken["increase_bytes"].sum() == series["allocated_bytes"][-1] - series["allocated_bytes"][0]
        end_ns = series["time_ns"][-1]
        assert reduced(series, 0, end_ns)["allocated_bytes"].max() == own["peak_allocated_bytes"]
        assert len(reduced(series, 0, end_ns)) <= 1000


@needs_shared
def test_a_forward_pass_on_an_h100_holds_its_activations_at_the_peak():
    """What the reference script finds: 0.98 GB of weights were there before, 1.1 GB came in the forward pass, none of it unaccounted for."""
    trace = recorded("qwen_h100_memory")
    series = over_time(trace.memory, "gpu:0")
    by_phase = live_by(live_after(series, peak_place(series)), trace.events, "phase")
    assert dict(by_phase.select("name", "bytes").iter_rows()) == {BEFORE: 984_742_400, "forward": 2_088_508_416 - 984_742_400}
