"""A step's wall time divides to the nanosecond, thread by thread and for all threads together."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.steps import ALL_LANES, accounting, begun_inside, operator_pieces, time_inside, windows
from core.traces import kineto, xplane
from core.traces.schema import Step
from core.traces.sources import Source
from tests.traces.synthetic import event, graph_space, training_step
from tests.traces.synthetic import kineto as kineto_json

COLUMNS = ("lane", "main", "wall_ns", "self_ns", "overlap_ns", "rest_ns")


def read(events):
    return kineto.read(Source(name="made.json", data=kineto_json(events)))


def rows(trace):
    return {row[0]: row[1:] for row in accounting(trace.events, windows(trace)).select(COLUMNS).rows()}


def test_a_pytorch_step_divides_into_its_threads_operators_and_the_rest():
    assert rows(read(training_step())) == {
        "7": (True, 1_000_000, 220_000, 0, 780_000),
        "9": (False, 1_000_000, 80_000, 0, 920_000),
        ALL_LANES: (False, 1_000_000, 300_000, 0, 700_000),
    }


def test_executor_threads_that_overlap_are_counted_each_and_the_overlap_is_said():
    trace = xplane.read(graph_space().SerializeToString(), "made")
    found = rows(trace)
    assert found["python"] == (True, 1_000_000, 50_000, 0, 950_000)
    assert found["tf_Compute/1"] == (False, 1_000_000, 600_000, 0, 400_000)
    assert found["tf_Compute/2"] == (False, 1_000_000, 80_000, 0, 920_000)
    assert found[ALL_LANES] == (False, 1_000_000, 730_000, 30_000, 300_000)


def test_an_operator_across_two_steps_is_cut_between_them():
    trace = read([event("ProfilerStep#1", "user_annotation", 0, 100), event("ProfilerStep#2", "user_annotation", 110, 100),
                  event("aten::mm", "cpu_op", 60, 100, tid=9)])  # fmt: skip
    pieces = operator_pieces(trace.events, trace.facts.steps)
    assert pieces.select("window", "start_ns", "end_ns").rows() == [(0, 60_000, 100_000), (1, 110_000, 160_000)]
    operator = trace.events.filter(pl.col("kind") == "operator")
    assert time_inside(operator, trace.facts.steps).to_list() == [90_000]
    assert begun_inside(operator, trace.facts.steps).to_list() == [True]


def test_without_steps_the_recording_is_the_window():
    trace = read([event("aten::mm", "cpu_op", 50, 10), event("aten::mm", "cpu_op", 90, 10), event("x", "overhead", 0, 500)])
    assert windows(trace) == (Step(number=0, start_ns=50_000, end_ns=100_000, lane="7"),)
    assert rows(trace)[ALL_LANES] == (False, 50_000, 20_000, 0, 30_000)


def test_a_recording_without_operators_has_no_window_and_empty_tables():
    trace = read([event("volta_sgemm", "kernel", 0, 5, tid=7, device=0, stream=7)])
    assert windows(trace) == ()
    assert accounting(trace.events, ()).is_empty()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300), st.integers(0, 80)), min_size=1, max_size=30),
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_every_step_of_every_lane_adds_up(operators, lengths):
    events, start = [], 5
    for number, length in enumerate(lengths):
        events.append(event(f"ProfilerStep#{number}", "user_annotation", start, length))
        start += length + number
    events += [event("aten::mm", "cpu_op", at, length, tid=tid) for tid, at, length in operators]
    trace = read(events)
    table = accounting(trace.events, trace.facts.steps)
    assert (table["self_ns"] - table["overlap_ns"] + table["rest_ns"] == table["wall_ns"]).all()
    assert (table["rest_ns"] >= 0).all()
    assert (table["overlap_ns"] >= 0).all()
    lanes = table.filter(pl.col("lane") != ALL_LANES)
    assert lanes.group_by("step").agg(pl.col("self_ns").sum()).sort("step")["self_ns"].to_list() == (
        table.filter(pl.col("lane") == ALL_LANES).sort("step")["self_ns"].to_list()
    )
    # Against the recording itself, moment by moment.
    for step in trace.facts.steps:
        moments = range(step.start_ns // 1000, step.end_ns // 1000)
        first = min(row["ts"] for row in events)
        busy = sum(any(at - first <= moment < at - first + length for _, at, length in operators) for moment in moments)
        together = table.filter((pl.col("lane") == ALL_LANES) & (pl.col("step") == step.number))
        assert together["wall_ns"][0] - together["rest_ns"][0] == busy * 1000
