"""Tables by operator, class and layer with hand-computed answers, and the mirror of two sides."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.analysis import operators
from core.analysis.steps import ALL_LANES, accounting, windows
from core.traces import kineto, xplane
from core.traces.read import read_trace
from core.traces.sources import Source
from tests.traces.synthetic import event, graph_space, training_step
from tests.traces.synthetic import kineto as kineto_json

DATA = Path(__file__).parents[1] / "traces" / "data"
MNIST = [("conv1", "Conv2d"), ("pool1", "MaxPool2d"), ("conv2", "Conv2d"), ("pool2", "MaxPool2d"), ("flatten", "Flatten"),
         ("dense1", "Linear"), ("dense2", "Linear")]  # fmt: skip


def read(events):
    return kineto.read(Source(name="made.json", data=kineto_json(events)))


def table_by(trace, *keys):
    return operators.regrouped(operators.operator_costs(trace.events, windows(trace)), *keys)


def by(table, key):
    return {row[key]: row for row in table.rows(named=True)}


def test_operators_by_self_time_per_step():
    second = [{**row, "ts": row["ts"] + 2000, "name": row["name"].replace("#4", "#5")} for row in training_step()]
    trace = read([*training_step(), *second, event("aten::mm", "cpu_op", 1500, 400)])
    table = table_by(trace, "operator", "op_class")
    assert table["operator"].to_list()[:2] == ["aten::addmm", "aten::mm"]
    addmm = by(table, "operator")["aten::addmm"]
    assert addmm["share"] == pytest.approx(0.1)
    assert addmm | {"share": None} == {
        "operator": "aten::addmm", "op_class": "matrix multiply", "count": 1, "self_ns": 100_000, "total_ns": 130_000, "share": None,
    }  # fmt: skip
    # The one between the steps is in none of them.
    assert by(table, "operator")["aten::mm"]["self_ns"] == 60_000
    assert table["self_ns"].sum() == 300_000


def test_classes_phases_and_layers_hold_the_same_time():
    trace = read(training_step())
    classes = by(table_by(trace, "op_class"), "op_class")
    assert {name: row["self_ns"] for name, row in classes.items()} == {
        "matrix multiply": 180_000, "embedding and gather": 40_000, "data layout": 30_000, "optimizer": 50_000,
    }  # fmt: skip
    phases = by(table_by(trace, "phase"), "phase")
    assert {name: row["self_ns"] for name, row in phases.items()} == {
        "forward": 130_000, "backward": 80_000, "optimizer": 50_000, "input": 40_000,
    }  # fmt: skip
    layers = by(table_by(trace, "layer"), "layer")
    assert layers["Linear_0"]["self_ns"] == 210_000
    halves = by(table_by(trace, "layer", "phase").filter(pl.col("layer") == "Linear_0"), "phase")
    assert (halves["forward"]["self_ns"], halves["backward"]["self_ns"]) == (130_000, 80_000)
    assert layers[None]["self_ns"] == 90_000


@pytest.mark.parametrize("keys", [("operator", "op_class"), ("op_class",), ("phase",), ("layer",), ("operator", "op_class", "layer", "phase")])
@pytest.mark.parametrize("name", ["pytorch_eager.pt.trace.json.gz", "tensorflow_graph.xplane.pb.gz", "tensorflow_xla.xplane.pb.gz"])
def test_every_table_holds_exactly_the_self_time_of_the_accounting(keys, name):
    trace = read_trace(DATA / name)
    steps = windows(trace)
    self_ns, wall_ns = accounting(trace.events, steps).filter(pl.col("lane") == ALL_LANES).select(pl.col("self_ns", "wall_ns").sum()).row(0)
    made = table_by(trace, *keys)
    assert round(made["self_ns"].sum() * len(steps)) == self_ns
    assert made["share"].sum() == pytest.approx(self_ns / wall_ns)


def test_nothing_recorded_gives_empty_tables():
    trace = read([event("volta_sgemm", "kernel", 0, 5, tid=7, device=0, stream=7)])
    assert operators.operator_costs(trace.events, ()).is_empty()
    assert table_by(trace, "layer").is_empty()


def side(**milliseconds):
    return pl.DataFrame({"op_class": list(milliseconds), "self_ns": [value * 1e6 for value in milliseconds.values()]})


def test_a_mirror_has_both_sides_of_every_key_and_loses_nothing():
    a, b = side(pooling=1.0, random=0.5, memset=0.25), side(pooling=4.0, attention=2.0)
    made = operators.mirror(a, b, by="op_class", top=2)
    assert made.rows() == [("pooling", "pooling", 1.0, 4.0), ("attention", "attention", 0.0, 2.0), ("all others (2)", "other", 0.75, 0.0)]
    whole = operators.mirror(a, b, by="op_class")
    assert whole["key"].to_list() == ["pooling", "attention", "random", "memset"]


def test_gradients_in_one_operator_are_mirrored_by_the_sum_of_those_in_two():
    a = side(**{"convolution backward data": 3.0, "convolution backward weights": 4.0})
    b = side(**{"convolution backward": 7.5})
    assert operators.mirror(a, b, by="op_class").rows() == [("convolution backward", "convolution backward", 7.0, 7.5)]
    assert len(operators.mirror(a, a, by="op_class")) == 2


def test_a_mirror_by_name_keeps_the_class_of_each():
    trace = xplane.read(graph_space().SerializeToString(), "made")
    sides = (table_by(one, "operator", "op_class") for one in (trace, read(training_step())))
    made = operators.mirror(*sides, by="operator")
    classes = dict(made.select("key", "op_class").rows())
    assert classes["MatMul"] == classes["aten::addmm"] == "matrix multiply"
    assert made["a"].sum() == pytest.approx(0.73)
    assert made["b"].sum() == pytest.approx(0.3)


def test_what_is_inside_a_layer_adds_up_to_the_layer():
    trace = read_trace(DATA / "pytorch_eager.pt.trace.json.gz")
    steps = windows(trace)
    inside = operators.operator_costs(trace.events, steps).group_by("layer").agg(pl.col("self_ns").sum())
    whole = table_by(trace, "layer")
    assert {row["layer"]: pytest.approx(row["self_ns"]) for row in inside.rows(named=True)} == {
        row["layer"]: row["self_ns"] for row in whole.rows(named=True)
    }
    convolution = operators.operator_costs(trace.events, steps).filter(pl.col("layer") == "Conv2d_0")
    assert "aten::convolution_backward" in convolution["operator"].to_list()


def test_layers_of_both_frameworks_meet_under_the_names_the_program_gave():
    tables = []
    for name in ("tensorflow_graph.xplane.pb.gz", "pytorch_eager.pt.trace.json.gz"):
        trace = read_trace(DATA / name)
        tables.append(operators.name_layers(table_by(trace, "layer"), MNIST))
    made = by(operators.mirror(*tables, by="layer"), "key")
    for layer in ("conv1", "pool1", "conv2", "pool2", "dense1", "dense2"):
        assert made[layer]["a"] > 0, layer
        assert made[layer]["b"] > 0, layer
    assert made["conv2"]["a"] == max(row["a"] for row in made.values())
    assert "no layer" in made
