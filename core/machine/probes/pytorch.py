"""PyTorch: does it start, compute, use the card, profile and compile?"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from core.machine.child import InterpreterError, run_child
from core.machine.gpu import GpuFacts
from core.machine.probes.frameworks import Probe, check_finished, check_gpu_build, check_import, check_kernels
from core.machine.probes.profilers import check_profiler
from core.model.finding import Finding

_COMPILER_LIMIT_S = 60.0


def check_pytorch(probe: Probe, gpus: list[GpuFacts], driver: str | None) -> list[Finding]:
    """Everything that the probe told, as findings."""
    imported = check_import(probe)
    if imported.status != "ok":
        return [imported]
    build = probe.event("build") or {}
    # PyPI's Linux wheel is the CUDA build; '+cpu' and the like name builds of other indexes.
    gpu_remedy = probe.install(f"--force-reinstall 'torch=={build['version'].split('+')[0]}'")
    gpu = check_gpu_build(probe, gpus, driver, gpu_remedy=gpu_remedy)
    compiler = [check_compiler((probe.event("interpreter") or {}).get("headers"))]
    if gpus and not build.get("triton"):
        compiler.append(Finding(
            id="pytorch.triton", area="pytorch", title="Triton", status="warning", seen="not installed",
            why="torch.compile writes its GPU kernels in Triton.", remedy=probe.install("triton"),
        ))  # fmt: skip
    return [imported, *check_kernels(probe), *gpu, *_defaults(probe), *compiler, *check_profiler(probe), *check_finished(probe)]


def _defaults(probe: Probe) -> list[Finding]:
    defaults = probe.event("defaults")
    if defaults is None:
        return []
    switches = {"TF32 in matrix products": "tf32_matmul", "TF32 in convolutions": "tf32_convolution", "determinism": "deterministic",
                "cuDNN autotuning": "autotune", "oneDNN": "onednn"}  # fmt: skip
    seen = ", ".join(f"{name} {'on' if defaults[key] else 'off'}" for name, key in switches.items())
    return [Finding(
        id="pytorch.defaults", area="pytorch", title="PyTorch's defaults", status="ok", seen=f"{seen}, threads {defaults['threads']}",
        why="Runs set TF32, determinism, autotuning and threads themselves, the same on both sides; your own programs start from these.",
    )]  # fmt: skip


def check_compiler(headers: str | None) -> Finding:
    """Build what torch.compile builds on a CPU: a shared library with OpenMP and Python's headers (`headers`: their folder)."""

    def finding(status: str, seen: str) -> Finding:
        return Finding(
            id="pytorch.compiler", area="pytorch", title="C++ compiler", status=status, seen=seen,
            why="torch.compile turns the model into C++ and compiles it; every other way to run needs no compiler.",
            remedy="" if status == "ok" else "Debian and Ubuntu: 'sudo apt-get install g++ python3-dev'; Fedora: 'sudo dnf install gcc-c++ "
            "python3-devel'; macOS: 'xcode-select --install'.",
        )  # fmt: skip

    compiler = os.environ.get("CXX") or next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    if compiler is None:
        return finding("warning", "no C++ compiler (g++, clang++) found")
    if headers is None:
        return finding("warning", f"{compiler}, but Python's headers (Python.h) are missing")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text("#include <Python.h>\n#include <omp.h>\nint threads() { return omp_get_max_threads(); }\n", encoding="ascii")
        command = [compiler, "-shared", "-fPIC", "-fopenmp", f"-I{headers}", str(source), "-o", str(Path(folder) / "probe.so")]
        try:
            end = run_child(command, limit_s=_COMPILER_LIMIT_S)
        except InterpreterError as error:
            return finding("warning", str(error))
    if end.exit_code is None:
        return finding("unknown", f"{compiler} did not compile three lines within {_COMPILER_LIMIT_S:.0f} s")
    if end.exit_code != 0:
        words = next((line for line in end.log_tail if "error" in line), end.log_tail[-1] if end.log_tail else "no reason given")
        return finding("warning", f"{compiler} cannot compile with OpenMP and Python's headers: {words}")
    return finding("ok", f"{compiler} compiles with OpenMP and Python's headers")
