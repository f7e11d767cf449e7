"""The deep check: a real worker trains and profiles ten steps, and its trace must hold what the pages show.

Run on a CPU with both frameworks, and on an H100 with PyTorch 2.11; with TensorFlow on a GPU it has not been run by us.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import polars as pl

from core.machine.child import InterpreterError, run_child
from core.machine.facts import default_threads
from core.machine.gpu import GpuFacts, Nvml
from core.machine.interpreter import framework_python, worker_environment
from core.machine.queue import Cancelled, machine_lock
from core.model.finding import Finding
from core.model.run import RunSpec
from core.model.variant import EXECUTIONS, FRAMEWORK_LABELS, Variant
from core.store.files import read_events
from core.traces.read import find_profile, read_trace
from core.traces.schema import Trace, TraceError
from core.workloads.inputs import write_inputs

LIMIT_S = 300.0
PROFILE_STEPS = 10
_WARMUP_STEPS = 4
_WORKLOAD, _BATCH_SIZE, _LEARNING_RATE, _SEED = "mnist_cnn", 64, 1e-3, 1


def check_deep(framework: str, gpus: list[GpuFacts], nvml: Nvml, *, limit_s: float = LIMIT_S) -> list[Finding]:
    """Train and profile on the first GPU where one is visible, on the CPU otherwise."""
    device = "gpu" if gpus else "cpu"
    before = nvml.read(gpus[0].index).energy_j if gpus else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        holders: list[str] = []
        try:
            with machine_lock("doctor", waiting=holders.append, cancelled=lambda: True):
                ran = _run(framework, device, folder, limit_s)
        except Cancelled:
            return [_ran(framework, "unknown", f"not tried, because comparison {holders[0]} uses this machine; check again when it is over")]
        except InterpreterError as error:
            ran = _ran(framework, "problem", str(error))
        if ran.status != "ok":
            return [ran]
        try:
            trace = read_trace(find_profile(folder / "profile"))
        except TraceError as error:
            return [ran, _finding(framework, "trace", "Trace", "problem", str(error), "Every view of a profile starts from its trace.")]
    energy = _energy(framework, before, nvml.read(gpus[0].index).energy_j) if gpus else []
    return [ran, *judge_trace(trace, framework, device), *energy]


def _run(framework: str, device: str, folder: Path, limit_s: float) -> Finding:
    variant = Variant(framework=framework, execution=EXECUTIONS[framework][0], device=device, threads=default_threads())
    steps = 1 + _WARMUP_STEPS + 3 * PROFILE_STEPS  # bare, profiled, bare
    write_inputs(folder / "inputs.npz", _WORKLOAD, {}, batch_size=_BATCH_SIZE, steps=steps, seed=_SEED)
    spec = RunSpec(
        index=0, role="profile", side="a", workload=_WORKLOAD, variant=variant, batch_size=_BATCH_SIZE, learning_rate=_LEARNING_RATE,
        seed=_SEED, inputs=str(folder / "inputs.npz"), folder=str(folder), steps=steps, warmup_steps=_WARMUP_STEPS, profile_steps=PROFILE_STEPS,
    )  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(asdict(spec)), encoding="utf-8")
    began = time.monotonic()
    end = run_child([framework_python(framework), "-m", "core.worker", str(folder)], limit_s=limit_s, variables=worker_environment(spec))
    events, _ = read_events(folder / "events.jsonl")
    failed = next((event for event in events if event["event"] == "failed"), None)
    if failed:
        return _ran(framework, "problem", str(failed.get("message", "it gave no reason")))
    if end.exit_code is None:
        return _ran(framework, "unknown", f"not done after {limit_s:.0f} s")
    if end.exit_code != 0 or not any(event["event"] == "finished" for event in events):
        last = f": {end.log_tail[-1]}" if end.log_tail else ""
        return _ran(framework, "problem", f"the worker ended with exit code {end.exit_code}{last}")
    wall_s = time.monotonic() - began
    return _ran(framework, "ok", f"{variant.label}: {PROFILE_STEPS} steps trained and profiled in {wall_s:.0f} s on the {device.upper()}")


def judge_trace(trace: Trace, framework: str, device: str) -> list[Finding]:
    """Does the trace hold what every view of it needs?"""
    events, coverage = trace.events, trace.facts.coverage
    operators = events.filter(pl.col("kind") == "operator")
    layers = sorted(operators["layer"].drop_nulls().unique().cast(pl.String).to_list())
    kernels = events.filter(pl.col("kind") == "kernel").height
    memory = len(trace.memory)
    steps = len(trace.facts.steps)

    def finding(part: str, title: str, good: bool, seen: str, why: str) -> Finding:
        return _finding(framework, part, title, "ok" if good else "problem", seen, why)

    findings = [
        finding("operators", "Operators", operators.height > 0, f"{operators.height} operators of {operators['name'].n_unique()} kinds",
                "Tables of operators and classes are made of them."),
        finding("steps", "Steps", steps == PROFILE_STEPS, f"{steps} of {PROFILE_STEPS} steps marked", "Times per step are cut at these marks."),
        finding("layers", "Layers", bool(layers), f"{len(layers)} layers named{': ' if layers else ''}{', '.join(layers[:6])}",
                "Time by layer needs to know which layer an operator belongs to."),
    ]  # fmt: skip
    if framework == "pytorch":
        findings.append(finding("memory", "Memory counters", memory > 0, f"{memory} allocations and releases", "Memory over time is their sum."))
    if device == "gpu":
        linked = f", {coverage.device_events_linked / coverage.device_events:.0%} linked to operators" if coverage.device_events else ""
        findings.append(finding("kernels", "Device kernels", kernels > 0, f"{kernels} kernels{linked}", "Busy and idle time of the GPU are theirs."))
    else:
        findings.append(_finding(framework, "kernels", "Device kernels", "note", "no NVIDIA GPU visible: nothing to check",
                                 "Busy and idle time of a GPU come from its kernels."))  # fmt: skip
    return findings


def _energy(framework: str, before_j: float | None, after_j: float | None) -> list[Finding]:
    why = "Energy per step is the counter's difference over a run."
    if before_j is None or after_j is None:
        return [_finding(framework, "energy", "Energy", "note", "the card has no energy counter", why)]
    used = after_j - before_j
    return [_finding(framework, "energy", "Energy", "ok" if used > 0 else "problem", f"{used:.0f} J counted during the run", why)]


def _ran(framework: str, status: str, seen: str) -> Finding:
    return _finding(framework, "run", "Train and profile", status, seen, "A comparison runs such a worker for each side, many times.")


def _finding(framework: str, part: str, title: str, status: str, seen: str, why: str) -> Finding:
    label = FRAMEWORK_LABELS[framework]
    remedy = "" if status in ("ok", "note") else (
        f"See that the findings about {label} and its profiler are good; then, with {framework_python(framework)}, "
        "'pip install --force-reinstall -r requirements.txt'.")  # fmt: skip
    return Finding(id=f"deep.{framework}.{part}", area="deep", title=f"{label}: {title[:1].lower()}{title[1:]}", status=status, seen=seen,
                   why=why, remedy=remedy)  # fmt: skip
