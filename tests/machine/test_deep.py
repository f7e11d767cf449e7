"""The deep check: real workers where the frameworks are, and frames made by hand for what a trace may lack."""

import sys

import polars as pl
import pytest

from core.machine.gpu import Nvml
from core.machine.probes.deep import PROFILE_STEPS, check_deep, judge_trace
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA, Coverage, Facts, Step, Trace
from tests.machine.fake_nvml import FakeNvml, refuse

NO_DRIVER = Nvml(FakeNvml(nvmlInit=refuse))


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_ten_real_steps_hold_everything(framework, monkeypatch):
    monkeypatch.delenv(f"SHOWDOWN_PYTHON_{framework.upper()}", raising=False)
    findings = {finding.id.rsplit(".", 1)[1]: finding for finding in check_deep(framework, [], NO_DRIVER)}
    kernels = findings.pop("kernels")
    assert (kernels.status, kernels.seen) == ("note", "no NVIDIA GPU visible: nothing to check")
    assert {part: finding.status for part, finding in findings.items()} == dict.fromkeys(findings, "ok")
    assert {"run", "operators", "steps", "layers"} <= findings.keys()
    assert ("memory" in findings) == (framework == "pytorch")


def test_a_worker_that_cannot_run_is_a_problem(monkeypatch, tmp_path):
    wrapper = tmp_path / "python"
    wrapper.write_text("#!/bin/sh\necho 'nothing here works'\nexit 3\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", str(wrapper))
    [finding] = check_deep("pytorch", [], NO_DRIVER)
    assert (finding.status, finding.seen) == ("problem", "the worker ended with exit code 3: nothing here works")
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    [finding] = check_deep("pytorch", [], NO_DRIVER)
    assert (finding.status, "is not installed" in finding.seen) == ("problem", True)
    wrapper.write_text("#!/bin/sh\nsleep 600\n")
    [finding] = check_deep("pytorch", [], NO_DRIVER, limit_s=0.3)
    assert finding.status == "unknown"


def trace(rows, *, steps=PROFILE_STEPS, memory=5):
    frame = pl.DataFrame(
        [{"row": i, "start_ns": i, "duration_ns": 1, **row} for i, row in enumerate(rows)], schema=EVENT_SCHEMA
    )  # fmt: skip
    marks = tuple(Step(number=i, start_ns=i, end_ns=i + 1, lane="main") for i in range(steps))
    coverage = Coverage(events_found=len(rows), events_read=len(rows), device_events=4,
                        device_events_linked=3)  # fmt: skip
    allocations = pl.DataFrame([{"time_ns": i} for i in range(memory)], schema=MEMORY_SCHEMA)
    facts = Facts(source="kineto", framework="pytorch", origin_ns=0, steps=marks, coverage=coverage)
    return Trace(events=frame, memory=allocations, facts=facts)


OPERATOR = {"name": "aten::mm", "kind": "operator", "device": "cpu", "lane": "main", "layer": "Linear_0"}
KERNEL = {"name": "nvjet", "kind": "kernel", "device": "gpu:0", "lane": "7"}


def statuses(findings):
    return {finding.id.rsplit(".", 1)[1]: finding.status for finding in findings}


def test_a_whole_trace_of_a_gpu():
    findings = judge_trace(trace([OPERATOR, KERNEL]), "pytorch", "gpu")
    assert statuses(findings) == {"operators": "ok", "steps": "ok", "layers": "ok", "memory": "ok", "kernels": "ok"}
    assert next(f.seen for f in findings if f.id.endswith("kernels")) == "1 kernels, 75% linked to operators"


@pytest.mark.parametrize(("lacking", "parts"), [
    (trace([KERNEL]), {"operators", "layers"}),
    (trace([{**OPERATOR, "layer": None}, KERNEL]), {"layers"}),
    (trace([OPERATOR]), {"kernels"}),
    (trace([OPERATOR, KERNEL], steps=9), {"steps"}),
    (trace([OPERATOR, KERNEL], memory=0), {"memory"}),
])  # fmt: skip
def test_what_a_trace_lacks_is_a_problem_with_a_remedy(lacking, parts):
    findings = judge_trace(lacking, "pytorch", "gpu")
    assert {part for part, status in statuses(findings).items() if status == "problem"} == parts
    assert all(bool(finding.remedy) == (finding.status == "problem") for finding in findings)
