"""Two recordings next to each other: by hand, and on our own profiles of both frameworks."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.analysis.difference import GROUPS, cost_by, difference, on_devices
from core.traces.read import read_trace
from tests.analysis.recordings import kernel, recorded, step

DATA = Path(__file__).parents[1] / "traces" / "data"


def test_a_difference_is_per_step_and_names_what_only_one_side_has():
    a = recorded([step(0, 0, 100), step(1, 100, 100), kernel("volta_sgemm", 10, 10), kernel("volta_sgemm", 110, 30)])
    b = recorded(
        [step(0, 0, 100), kernel("volta_sgemm", 10, 25), kernel("vectorized_elementwise_kernel", 50, 5), kernel("late", 500, 99)]
    )
    assert on_devices(a, b)
    rows = {row["key"]: row for row in difference(a, b, "kernel").rows(named=True)}
    assert set(rows) == {"volta_sgemm", "vectorized_elementwise_kernel"}  # what ran outside every step is no step's cost
    assert (rows["volta_sgemm"]["a_ns"], rows["volta_sgemm"]["b_ns"], rows["volta_sgemm"]["ratio"]) == (20_000, 25_000, 1.25)
    assert (rows["volta_sgemm"]["a_count"], rows["volta_sgemm"]["b_count"]) == (1.0, 1.0)
    assert (rows["vectorized_elementwise_kernel"]["ratio"], rows["vectorized_elementwise_kernel"]["difference_ns"]) == (None, 5_000)


def test_gradients_that_one_side_computes_together_are_one_row():
    a, b = read_trace(DATA / "tensorflow_graph.xplane.pb.gz"), read_trace(DATA / "pytorch_eager.pt.trace.json.gz")
    rows = {row["key"]: row for row in difference(a, b, "op_class").rows(named=True)}
    assert rows["convolution backward"]["a_ns"] > 0
    assert rows["convolution backward"]["b_ns"] > 0
    assert not {"convolution backward data", "convolution backward weights"} & set(rows)


@pytest.mark.parametrize("group", GROUPS)
def test_two_frameworks_on_a_cpu_differ_by_the_sum_of_their_rows(group: str):
    a, b = read_trace(DATA / "tensorflow_graph.xplane.pb.gz"), read_trace(DATA / "pytorch_eager.pt.trace.json.gz")
    assert not on_devices(a, b)
    totals = [float(cost_by(one, "op_class", device=False)["ns"].sum()) for one in (a, b)]
    table = difference(a, b, group)
    assert table["difference_ns"].sum() == pytest.approx(totals[1] - totals[0])
    assert table["a_ns"].sum() == pytest.approx(totals[0])
