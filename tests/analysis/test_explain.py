"""The difference of two steps, divided without a rest: hand-made recordings with hand-computed answers, and any recording."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given

from core.analysis.explain import OVERLAP, REST, can_be_explained, explain
from core.traces.read import read_trace
from core.traces.schema import Trace
from tests.analysis.recordings import kernel, launch, recorded, recordings, step
from tests.pages.test_kernels import DATA
from tests.traces.synthetic import event


def host(*, convolution_us: float, addition_us: float, step_us: float) -> Trace:
    """One step with two operators one after the other, and nothing on a device."""
    return recorded([
        step(1, 0, step_us),
        event("aten::convolution", "cpu_op", 1, convolution_us),
        event("aten::add", "cpu_op", 1 + convolution_us, addition_us),
    ])  # fmt: skip


def table(parts: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
    return {row["what"]: (row["a_ns"] / 1e3, row["b_ns"] / 1e3, row["difference_ns"] / 1e3) for row in parts.iter_rows(named=True)}


def test_operators_and_the_time_in_none_add_up_to_the_two_steps():
    found = explain(host(convolution_us=50, addition_us=10, step_us=80), host(convolution_us=20, addition_us=30, step_us=100), "operator")
    assert (found.a_ns, found.b_ns, found.device) == (80e3, 100e3, False)
    assert table(found.parts) == {
        "aten::convolution": (50, 20, -30),
        "aten::add": (10, 30, 20),
        REST[False]: (20, 50, 30),
    }


def test_beyond_the_largest_differences_work_is_named_together():
    found = explain(host(convolution_us=50, addition_us=10, step_us=80), host(convolution_us=20, addition_us=30, step_us=100), "operator", most=1)
    assert found.parts["what"].to_list() == ["aten::convolution", "1 other", REST[False]]
    assert found.parts["difference_ns"].sum() == 20e3


LAYERS = ("conv1", "Conv2D", "Conv2d"), ("pool1", "MaxPooling2D", "MaxPool2d"), ("conv2", "Conv2D", "Conv2d"), ("dense1", "Dense", "Linear")


def test_layers_of_two_frameworks_meet_by_the_names_that_the_program_gave_them():
    tensorflow, pytorch = (read_trace(DATA / name) for name in ("tensorflow_graph.xplane.pb.gz", "pytorch_eager.pt.trace.json.gz"))
    declared = tuple((name, kind) for name, kind, _ in LAYERS), tuple((name, kind) for name, _, kind in LAYERS)
    apart, together = (explain(tensorflow, pytorch, "layer", most=50, declared=names) for names in (((), ()), declared))
    assert table(apart.parts)["conv2_1"][1] == table(apart.parts)["Conv2d_1"][0] == 0
    found = table(together.parts)
    assert not {"conv2_1", "Conv2d_1"} & found.keys()
    for name, *_ in LAYERS:
        a_us, b_us, difference_us = found[name]
        assert min(a_us, b_us) > 0
        assert difference_us == pytest.approx(b_us - a_us)
    assert together.parts["difference_ns"].sum() == pytest.approx(apart.parts["difference_ns"].sum())


def on_gpu(*kernels: tuple[float, float, int]) -> Trace:
    """A step of 100 microseconds with kernels of (start, length, stream)."""
    events = [step(1, 0, 100)]
    for number, (start, length, stream) in enumerate(kernels, start=1):
        events += [launch(number, 0.5, number), kernel(f"kernel_{number}", start, length, stream=stream, correlation=number)]
    return recorded(events)


def test_kernels_side_by_side_count_once_in_the_step():
    alone, beside = on_gpu((10, 30, 7), (40, 30, 7)), on_gpu((10, 30, 7), (10, 30, 8))
    found = explain(alone, beside, "kernel")
    assert found.device
    parts = table(found.parts)
    assert parts[OVERLAP[True]] == (0, -30, -30)
    assert parts[REST[True]] == (40, 70, 30)
    assert found.parts["difference_ns"].sum() == 0


def test_a_recording_without_steps_cannot_be_explained():
    unmarked, marked = recorded([event("aten::add", "cpu_op", 1, 10)]), host(convolution_us=5, addition_us=5, step_us=20)
    assert not can_be_explained(marked, unmarked)
    with pytest.raises(ValueError, match="without marked steps"):
        explain(marked, unmarked, "operator")


def test_work_that_belongs_to_no_step_explains_none():
    """The kernel's launch lies behind the step: it is no part of what the step waited for."""
    outside = recorded([step(1, 0, 100), launch(200, 0.5, 1), kernel("late", 210, 30, correlation=1)])
    assert not can_be_explained(on_gpu((10, 30, 7)), outside)
    assert can_be_explained(host(convolution_us=5, addition_us=5, step_us=20), outside)


@given(recordings(), recordings())
def test_of_any_two_recordings_every_column_sums_to_its_step(a: Trace, b: Trace):
    if not can_be_explained(a, b):
        return
    for group in ("op_class", "layer", "operator", "kernel"):
        found = explain(a, b, group, most=2)
        assert found.parts["a_ns"].sum() == pytest.approx(found.a_ns, abs=5)
        assert found.parts["b_ns"].sum() == pytest.approx(found.b_ns, abs=5)
