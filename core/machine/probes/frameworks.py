"""What both frameworks are checked for, each in its own process: it starts, imports, computes correctly, and uses the card.

The probe scripts are `core/worker/probe_tensorflow.py` and `core/worker/probe_pytorch.py`; what they write is the only thing
believed. The findings about a GPU were not seen on a GPU here: tested with written events.
"""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.machine.child import InterpreterError, run_child
from core.machine.gpu import GpuFacts
from core.machine.interpreter import framework_python, python_variable
from core.machine.probes.compatibility import architecture_fit, driver_needed
from core.model.finding import Finding
from core.model.variant import FRAMEWORK_LABELS
from core.store.files import read_events

#: A first import from a cold network disk takes a minute; what takes longer than this hangs.
LIMIT_S = 180.0
#: The worker's value types are keyword-only dataclasses.
_OLDEST_PYTHON = (3, 10)
#: Single precision loses about 2e-7 on a product of this size; TF32, were it left on, about 3e-4.
_KERNEL_TOLERANCE = 1e-5
_PACKAGES = {"tensorflow": "tensorflow", "pytorch": "torch"}
_WHY_IT_MATTERS = "Without it no run of this framework can start."


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a probe process told before it ended."""

    framework: str
    python: str
    """The interpreter that was asked."""
    events: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = 0
    """As in `ChildEnd`."""
    log_tail: tuple[str, ...] = ()
    limit_s: float = LIMIT_S
    not_started: str = ""
    """Why there was no process at all."""

    @property
    def label(self) -> str:
        return FRAMEWORK_LABELS[self.framework]

    def event(self, name: str) -> dict[str, Any] | None:
        return next((event for event in self.events if event["event"] == name), None)

    @property
    def finished(self) -> bool:
        return self.event("finished") is not None

    @property
    def stopped_in(self) -> str:
        """The phase that did not end; empty where none was open."""
        begun = [event["name"] for event in self.events if event["event"] == "phase_begin"]
        done = [event["name"] for event in self.events if event["event"] == "phase"]
        return str(begun[-1]) if len(begun) > len(done) else ""

    def install(self, requirement: str = "") -> str:
        """The command that installs into the interpreter that was asked."""
        return f"{shlex.quote(self.python)} -m pip install {requirement or '-r requirements.txt'}"


def probe(framework: str, *, limit_s: float = LIMIT_S) -> Probe:
    """Ask a framework's interpreter."""
    python = framework_python(framework)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        try:
            end = run_child([python, "-m", f"core.worker.probe_{framework}", str(path)], limit_s=limit_s)
        except InterpreterError as error:
            return Probe(framework=framework, python=python, not_started=str(error))
        events, _ = read_events(path)
    return Probe(framework=framework, python=python, events=events, exit_code=end.exit_code, log_tail=end.log_tail, limit_s=limit_s)


def check_import(probe: Probe) -> Finding:
    """Interpreter, import and version: the finding that every other one of a framework stands on."""

    def finding(status: str, seen: str, remedy: str = "") -> Finding:
        return Finding(id=f"{probe.framework}.import", area=probe.framework, title=probe.label, status=status, seen=seen,
                       why=_WHY_IT_MATTERS, remedy=remedy)  # fmt: skip

    variable = python_variable(probe.framework)
    if probe.not_started:
        return finding("problem", probe.not_started, f"Set {variable} to the path of a Python that has {probe.label}, or unset it.")
    interpreter, failed, build = (probe.event(name) for name in ("interpreter", "import_failed", "build"))
    if interpreter and _version(interpreter["python_version"]) < _OLDEST_PYTHON:
        return finding("problem", f"{probe.python} is Python {interpreter['python_version']}", f"Set {variable} to a Python 3.10 or later.")
    if failed and failed["missing_module"] == _PACKAGES[probe.framework]:
        return finding("problem", f"{probe.label} is not installed for {probe.python}", probe.install())
    if failed and failed["missing_module"]:
        return finding("problem", f"{probe.label} cannot be imported by {probe.python}: {_short(failed['error'])}", probe.install())
    if failed:
        return finding("problem", f"{probe.label} is installed for {probe.python} but cannot be imported: {_short(failed['error'])}",
                       probe.install(f"--force-reinstall '{_PACKAGES[probe.framework]}' -c requirements.txt"))  # fmt: skip
    if build:
        keras = f" with Keras {build['keras']}" if build.get("keras") else ""
        python = f"Python {interpreter['python_version']}" if interpreter else "Python"
        phase = next(event for event in probe.events if event["event"] == "phase" and event["name"] == "import")
        return finding("ok", f"{probe.label} {build['version']}{keras}, imported in {phase['wall_s']:.1f} s by {python} at {probe.python}")
    if probe.exit_code is None:
        return finding("unknown", f"no answer from {probe.python} within {probe.limit_s:.0f} s{_where(probe)}",
                       f"Run '{probe.python} -c \"import {_PACKAGES[probe.framework]}\"' and see what it waits for.")  # fmt: skip
    last = f": {_short(probe.log_tail[-1])}" if probe.log_tail else ""
    return finding("problem", f"{probe.python} ended with {_exit(probe.exit_code)}{_where(probe)}{last}",
                   f"Run '{probe.python} -c \"import {_PACKAGES[probe.framework]}\"'; if that fails too: "
                   + probe.install(f"--force-reinstall '{_PACKAGES[probe.framework]}' -c requirements.txt"))  # fmt: skip


def check_kernels(probe: Probe) -> list[Finding]:
    """One matrix product on each device, against numpy."""
    findings = []
    for event in probe.events:
        if event["event"] != "kernel":
            continue
        failed, error = event.get("failed"), event.get("error")
        good = error is not None and error <= _KERNEL_TOLERANCE
        seen = _short(failed) if failed else f"relative error {error:.1e} against numpy, allowed {_KERNEL_TOLERANCE:.0e}"
        findings.append(_kernel_finding(probe, event["device"], "ok" if good else "problem", seen))
    if probe.stopped_in.startswith("kernel on "):
        device = probe.stopped_in.removeprefix("kernel on ")
        hung = probe.exit_code is None
        seen = f"no result within {probe.limit_s:.0f} s" if hung else f"the process ended with {_exit(probe.exit_code)}"
        findings.append(_kernel_finding(probe, device, "unknown" if hung else "problem", seen))
    return findings


def check_finished(probe: Probe) -> list[Finding]:
    """Says so where the probe ended before it had told everything, in a place of which no other check speaks."""
    if probe.finished or probe.stopped_in.startswith(("kernel on ", "profiler")):
        return []
    hung = probe.exit_code is None
    seen = f"no answer within {probe.limit_s:.0f} s" if hung else f"the process ended with {_exit(probe.exit_code)}"
    last = f": {_short(probe.log_tail[-1])}" if probe.log_tail and not hung else ""
    return [Finding(
        id=f"{probe.framework}.probe", area=probe.framework, title=f"{probe.label}'s devices and defaults",
        status="unknown" if hung else "problem", seen=f"{seen}{_where(probe)}{last}",
        why="What comes after this point was not looked at.",
        remedy="Check the driver ('nvidia-smi' must answer), restart the machine, and try again.",
    )]  # fmt: skip


def _kernel_finding(probe: Probe, device: str, status: str, seen: str) -> Finding:
    remedy = "" if status == "ok" else f"Reinstall: {probe.install('--force-reinstall -r requirements.txt')}"
    if status != "ok" and "cpu" not in device.lower():
        remedy = f"Check the driver and the architectures of this build (below), restart the machine if the card hangs, then: {probe.install()}"
    return Finding(id=f"{probe.framework}.kernel.{device.lower()}", area=probe.framework, title=f"Matrix product on {device}", status=status,
                   seen=seen, why="A device that computes wrongly, or not at all, cannot be compared.", remedy=remedy)  # fmt: skip


def check_gpu_build(probe: Probe, gpus: list[GpuFacts], driver: str | None, *, gpu_remedy: str) -> list[Finding]:
    """Does this build fit the driver and the card, and does it see the card? Nothing where no GPU is visible.

    `gpu_remedy`: the command that installs a build for GPUs.
    """
    build, devices = probe.event("build"), probe.event("devices")
    if not gpus or not build:
        return []
    area, label, cuda = probe.framework, probe.label, build.get("cuda")
    if not cuda:
        kind = "for ROCm" if build.get("rocm") else "for the CPU alone"
        return [Finding(id=f"{area}.gpu", area=area, title=f"{label} and the GPU", status="problem", seen=f"{build['version']} is built {kind}",
                        why="Runs on the NVIDIA GPU need a CUDA build.", remedy=gpu_remedy)]  # fmt: skip
    findings = [_driver(probe, cuda, driver)]
    if capability := gpus[0].compute_capability:
        findings.append(_architecture(probe, build["architectures"], capability, gpu_remedy))
    if devices is not None:
        seen = [gpu["name"] for gpu in devices["gpus"]]
        findings.append(Finding(
            id=f"{area}.gpu", area=area, title=f"{label} and the GPU", status="ok" if seen else "problem",
            seen=f"sees {', '.join(map(str, seen))}" if seen else f"sees no GPU although the driver shows {gpus[0].name}",
            why="A run on the GPU uses the first one that the framework sees.", remedy="" if seen else gpu_remedy,
        ))  # fmt: skip
    return findings


def _driver(probe: Probe, cuda: str, driver: str | None) -> Finding:
    def finding(status: str, seen: str, remedy: str = "") -> Finding:
        return Finding(id=f"{probe.framework}.driver", area=probe.framework, title="Driver for its CUDA", status=status, seen=seen,
                       why="Each CUDA version needs at least a certain driver branch.", remedy=remedy)  # fmt: skip

    seen = f"built with CUDA {cuda}, driver {driver or 'unknown'}"
    try:
        needed = driver_needed(cuda, driver or "")
    except ValueError:
        return finding("unknown", seen, "Compare both with NVIDIA's CUDA compatibility table.")
    if needed is None:
        return finding("ok", seen)
    return finding("problem", f"{seen}; it needs {needed} or later",
                   f"Install driver {needed} or later (Debian and Ubuntu: 'sudo apt-get install nvidia-driver-{needed}'), then restart.")  # fmt: skip


def _architecture(probe: Probe, architectures: list[str], capability: tuple[int, int], gpu_remedy: str) -> Finding:
    fit = architecture_fit(architectures, capability)
    card = "{}.{}".format(*capability)
    what = {"binary": "its kernels run as they are", "compiled": "the driver has to compile its kernels (PTX)", "none": "no kernel fits"}[fit]
    status = {"binary": "ok", "compiled": "note", "none": "problem"}[fit]
    if not architectures:
        status, what = "unknown", "the build does not tell"
    return Finding(
        id=f"{probe.framework}.architecture", area=probe.framework, title="Kernels for this card", status=status,
        seen=f"card {card}, built for {', '.join(architectures) or 'unknown'}: {what}",
        why="A kernel runs only on the architectures it was compiled for; compiling at first use makes the first step of a run long.",
        remedy="" if fit == "binary" else "The first run takes minutes longer; later ones use the driver's cache (~/.nv/ComputeCache)."
        if fit == "compiled" else f"Install a build for compute capability {card}, if there is one: {gpu_remedy}",
    )  # fmt: skip


def _where(probe: Probe) -> str:
    return f" (in {probe.stopped_in})" if probe.stopped_in else ""


def _exit(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _short(text: Any) -> str:
    line = str(text).strip().splitlines()[0] if str(text).strip() else "no reason given"
    return line if len(line) <= 300 else f"{line[:297]}..."


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])
