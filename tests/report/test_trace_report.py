"""One recording as an HTML file: what it has is in it, what it has not is left out."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

import pytest

from core.analysis.work import device_costs
from core.report import trace_report
from core.report.trace_figures import layer_table, trace_figures
from core.report.trace_report import gathered, trace_html
from core.traces.read import read_source, read_trace
from core.traces.schema import Trace
from core.traces.sources import Source
from tests.pages.test_kernels import device_step
from tests.report.documents import Document
from tests.traces.synthetic import event, kineto

DATA = Path(__file__).resolve().parents[1] / "traces" / "data"


def made(data: bytes) -> Trace:
    return read_source(Source(name="made.json", data=data))


def test_a_recording_of_a_gpu_has_everything():
    trace = read_trace(DATA / "h100" / "mnist_cnn.pt.trace.json.gz")
    found = Document(trace_html("mnist_cnn.pt.trace.json.gz", trace))
    sections = ["What was recorded", "What costs most", "Layers", "Steps", "Devices", "Memory", "Do it again", "Raw rows"]
    assert [heading for heading in found.headings if heading in sections] == sections
    names = {place["data-chart"].removeprefix("chart-") for place in found.charts}
    assert {"costs-op-class", "costs-operator", "costs-kernel", "costs-layer", "steps", "idle", "memory-gpu0", "memory-gpu0-held"} <= names
    assert names == {one.name for one in trace_figures(gathered("a", trace))}
    assert "NVIDIA H100" in found.text
    assert "10 steps marked" in found.text
    assert sum(found.data["rows-costs"]["share"]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["pytorch_eager.pt.trace.json.gz", "tensorflow_graph.xplane.pb.gz", "tensorflow_xla.xplane.pb.gz"])
def test_a_recording_of_a_processor_has_operators_and_no_kernels(name: str):
    found = Document(trace_html(name, read_trace(DATA / name)))
    charts = {place["data-chart"] for place in found.charts}
    assert "chart-costs-operator" in charts
    assert not {"chart-costs-kernel", "chart-idle"} & charts
    assert "Devices" not in found.headings
    assert "on a CPU they are the kernels" in found.text


def test_layers_are_told_per_step_and_add_up_to_the_other_figures():
    one = gathered("a", read_trace(DATA / "h100" / "mnist_cnn.pt.trace.json.gz"))
    own, costs = float(layer_table(one)["own (ms per step)"].sum()), float(device_costs(one.trace)["time_ns"].sum()) / 1e6
    assert own == pytest.approx(costs)


def test_the_time_that_is_accounted_for_has_no_gap_between_steps_in_it():
    steps = [event(f"ProfilerStep#{number}", "user_annotation", start, 1000) for number, start in ((1, 0), (2, 9000))]
    found = Document(trace_html("made.json", made(kineto([*steps, event("aten::mm", "cpu_op", 1, 100)]))))
    assert "2.00 ms" in found.text
    assert "10.0 ms" not in found.text


def test_rows_of_costs_that_are_left_out_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trace_report, "_MOST_ROWS", 3)
    found = Document(trace_html("a.json", read_trace(DATA / "pytorch_eager.pt.trace.json.gz")))
    assert len(found.data["rows-costs"]["operator"]) == 3
    assert "rows of costs the 3 largest are in this file" in found.text


def test_work_outside_the_marked_steps_is_named():
    found = Document(trace_html("made.json", made(device_step())))
    assert "0.030 ms of device work (5.7 %, 1 events) belongs to no marked step" in found.text
    assert found.data["rows-steps"]["step"][0] == 4


def test_a_recording_with_nothing_to_cost_says_what_it_is():
    found = Document(trace_html("made.json", made(kineto([event("note", "user_annotation", 0, 10)]))))
    assert found.charts == []
    assert "No step is marked in this recording" in found.text
    assert "What was recorded" in found.headings


def test_nothing_private_is_in_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USER", "janeroe")
    monkeypatch.setattr(socket, "gethostname", lambda: "wendybox")
    monkeypatch.setattr(platform, "node", lambda: "wendybox")
    data = device_step().replace(b"aten::relu", b"relu of janeroe /home/janeroe/relu.py on wendybox")
    text = trace_html("janeroe-wendybox.pt.trace.json", made(data)).decode().lower()
    assert "relu of" in text
    assert "janeroe" not in text
    assert "wendybox" not in text
