"""The frameworks' checks: real interpreters for what can be had here, written events for what cannot (GPUs)."""

import sys
import time
from dataclasses import replace
from typing import Any

import psutil
import pytest

from core.machine.gpu import Nvml
from core.machine.probes.frameworks import Probe, check_gpu_build, check_import, check_kernels, probe
from core.machine.probes.profilers import check_profiler
from core.machine.probes.pytorch import check_compiler, check_pytorch
from core.machine.probes.tensorflow import check_tensorflow
from tests.machine.fake_nvml import FakeNvml


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """Makes PyTorch's interpreter a shell script."""

    def make(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", str(path))
        return path

    return make


@pytest.fixture
def broken_torch(tmp_path, interpreter):
    """Makes `import torch` run this code."""

    def make(code):
        package = tmp_path / "site" / "torch"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        interpreter(f'PYTHONPATH="{package.parent}" exec "{sys.executable}" "$@"')

    return make


def is_running(pid):
    """A killed process that nobody has waited for yet does not run any more."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_the_frameworks_of_this_machine(framework, monkeypatch):
    monkeypatch.delenv(f"SHOWDOWN_PYTHON_{framework.upper()}", raising=False)
    seen = probe(framework)
    assert seen.finished, seen.log_tail
    findings = {finding.id: finding for finding in {"tensorflow": check_tensorflow, "pytorch": check_pytorch}[framework](seen, [], None)}
    assert {"ok"} == {findings[id].status for id in (f"{framework}.import", f"{framework}.defaults", f"profiler.{framework}")}
    assert any(id.startswith(f"{framework}.kernel.cpu") and finding.status == "ok" for id, finding in findings.items())
    assert f"{framework}.gpu" not in findings  # without a card there is nothing to say about it
    build = seen.event("build")
    assert build
    assert build["architectures"]


def test_a_missing_framework_is_a_problem_with_the_command_that_installs_it(interpreter):
    path = interpreter(f'exec "{sys.executable}" -S -E "$@"')  # no site-packages
    finding = check_import(probe("pytorch"))
    assert (finding.status, finding.seen) == ("problem", f"PyTorch is not installed for {path}")
    assert finding.remedy == f"{path} -m pip install -r requirements.txt"


def test_a_framework_that_cannot_be_imported_says_why(broken_torch):
    broken_torch("raise ImportError('libcudart.so.13: cannot open shared object file')")
    [finding] = check_pytorch(probe("pytorch"), [], None)
    assert finding.status == "problem"
    assert "cannot be imported: ImportError: libcudart.so.13: cannot open shared object file" in finding.seen
    assert "--force-reinstall 'torch'" in finding.remedy


def test_a_module_missing_beside_the_framework_is_not_a_missing_framework(broken_torch):
    broken_torch("import a_module_that_is_not_there")
    finding = check_import(probe("pytorch"))
    assert "PyTorch cannot be imported" in finding.seen
    assert "No module named 'a_module_that_is_not_there'" in finding.seen
    assert finding.remedy.endswith("-m pip install -r requirements.txt")


def test_a_crash_while_importing_names_the_signal(broken_torch):
    broken_torch("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    finding = check_import(probe("pytorch"))
    assert (finding.status, "ended with signal 11 (in import)" in finding.seen) == ("problem", True)


def test_a_hanging_interpreter_is_unknown_and_nothing_of_it_stays(tmp_path, interpreter):
    interpreter(f'sleep 600 &\necho $! > "{tmp_path}/pid"\nwait')
    finding = check_import(probe("pytorch", limit_s=1.0))
    assert (finding.status, "within 1 s" in finding.seen) == ("unknown", True)
    sleeper = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while is_running(sleeper) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(sleeper)


def test_an_import_that_hangs_is_unknown(broken_torch):
    broken_torch("import time\ntime.sleep(600)")
    finding = check_import(probe("pytorch", limit_s=3.0))
    assert (finding.status, "(in import)" in finding.seen) == ("unknown", True)


def test_an_interpreter_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", str(tmp_path / "nowhere"))
    finding = check_import(probe("pytorch"))
    assert finding.status == "problem"
    assert "cannot be started: No such file or directory" in finding.seen
    assert "SHOWDOWN_PYTHON_PYTORCH" in finding.remedy


def test_what_a_program_prints_is_never_believed(interpreter):
    interpreter('echo \'{"event": "build", "version": "9.9"}\'')
    finding = check_import(probe("pytorch"))
    assert (finding.status, "ended with exit code 0" in finding.seen) == ("problem", True)


# From here on: probes as they would be written where there is a GPU.

IMPORTED: list[dict[str, Any]] = [
    {"event": "interpreter", "python": "python", "python_version": "3.11.7", "headers": None},
    {"event": "phase_begin", "name": "import"},
    {"event": "phase", "name": "import", "wall_s": 2.0},
]
TORCH: dict[str, Any] = {"event": "build", "version": "2.14.1+cu130", "cuda": "13.0", "rocm": None, "cudnn": 92400, "triton": True,
         "architectures": ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]}  # fmt: skip
TENSORFLOW: dict[str, Any] = {"event": "build", "version": "2.21.0", "keras": "3.15.1", "cuda": "12.5.1", "rocm": None, "cudnn": "9",
              "architectures": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]}  # fmt: skip
H100 = {"event": "devices", "gpus": [{"name": "NVIDIA H100 80GB HBM3", "capability": [9, 0]}]}
NONE = {"event": "devices", "gpus": []}


def written(framework, *events, exit_code=0):
    return Probe(framework=framework, python="python", events=[*IMPORTED, *events], exit_code=exit_code, limit_s=180.0)


def gpus(monkeypatch, **answers):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Nvml(FakeNvml(**answers)).visible_gpus()


def statuses(findings):
    return {finding.id.split(".", 1)[1]: finding.status for finding in findings}


def test_an_old_python_cannot_run_a_worker():
    old = Probe(framework="pytorch", python="python", events=[{**IMPORTED[0], "python_version": "3.9.2"}], exit_code=1)
    assert (check_import(old).status, check_import(old).seen) == ("problem", "python is Python 3.9.2")


def test_a_build_that_fits_the_card(monkeypatch):
    findings = check_gpu_build(written("pytorch", TORCH, H100), gpus(monkeypatch), "580.65.06", gpu_remedy="")
    assert statuses(findings) == {"driver": "ok", "architecture": "ok", "gpu": "ok"}


def test_a_driver_that_is_too_old(monkeypatch):
    findings = check_gpu_build(written("pytorch", TORCH, NONE), gpus(monkeypatch), "550.54.14", gpu_remedy="")
    assert statuses(findings)["driver"] == "problem"
    assert "nvidia-driver-580" in findings[0].remedy


def test_an_unknown_driver_is_unknown(monkeypatch):
    findings = check_gpu_build(written("pytorch", TORCH, H100), gpus(monkeypatch), None, gpu_remedy="")
    assert statuses(findings)["driver"] == "unknown"


@pytest.mark.parametrize(("capability", "status"), [((9, 0), "note"), ((8, 6), "ok"), ((5, 2), "problem")])
def test_kernels_for_the_card(monkeypatch, capability, status):
    cards = gpus(monkeypatch, nvmlDeviceGetCudaComputeCapability=capability)
    findings = check_gpu_build(written("tensorflow", TENSORFLOW, H100), cards, "580.65.06", gpu_remedy="")
    assert statuses(findings)["architecture"] == status


def test_tensorflow_without_its_cuda_libraries_gets_the_command_that_brings_them(monkeypatch):
    seen = written("tensorflow", TENSORFLOW, NONE)
    finding = next(f for f in check_tensorflow(seen, gpus(monkeypatch), "580.65.06") if f.id == "tensorflow.gpu")
    assert (finding.status, finding.remedy) == ("problem", "python -m pip install 'tensorflow[and-cuda]==2.21.0'")


def test_a_build_for_the_cpu_is_a_problem_only_where_there_is_a_card(monkeypatch):
    cpu_build = {**TORCH, "version": "2.14.1+cpu", "cuda": None, "architectures": []}
    seen = written("pytorch", cpu_build, NONE)
    assert check_gpu_build(seen, [], None, gpu_remedy="") == []
    finding = next(f for f in check_pytorch(seen, gpus(monkeypatch), "580.65.06") if f.id == "pytorch.gpu")
    assert (finding.status, finding.seen) == ("problem", "2.14.1+cpu is built for the CPU alone")
    assert finding.remedy == "python -m pip install --force-reinstall 'torch==2.14.1'"


def test_a_driver_that_breaks_the_search_for_devices_is_said(monkeypatch):
    begun = {"event": "phase_begin", "name": "looking for devices"}
    crashed = replace(written("pytorch", TORCH, begun, exit_code=1), log_tail=("RuntimeError: CUDA unknown error",))
    [finding] = [f for f in check_pytorch(crashed, [], None) if f.id == "pytorch.probe"]
    assert finding.status == "problem"
    assert finding.seen == "the process ended with exit code 1 (in looking for devices): RuntimeError: CUDA unknown error"
    hung = written("tensorflow", TENSORFLOW, begun, exit_code=None)
    [finding] = [f for f in check_tensorflow(hung, [], None) if f.id == "tensorflow.probe"]
    assert (finding.status, finding.seen) == ("unknown", "no answer within 180 s (in looking for devices)")
    finished = written("tensorflow", TENSORFLOW, NONE, {"event": "finished"})
    assert not any(f.id == "tensorflow.probe" for f in check_tensorflow(finished, [], None))


def test_torch_compile_needs_triton_on_a_card(monkeypatch):
    seen = written("pytorch", {**TORCH, "triton": False}, H100)
    assert any(f.id == "pytorch.triton" for f in check_pytorch(seen, gpus(monkeypatch), "580.65.06"))
    assert not any(f.id == "pytorch.triton" for f in check_pytorch(seen, [], None))


def test_kernels_that_are_right_wrong_failed_crashed_and_hung():
    right, wrong = {"event": "kernel", "device": "cpu", "error": 2e-7}, {"event": "kernel", "device": "cuda:0", "error": 3e-4}
    failed = {"event": "kernel", "device": "cuda:0", "failed": "AcceleratorError: no kernel image is available\nmore"}
    begun = {"event": "phase_begin", "name": "kernel on cuda:0"}
    assert [f.status for f in check_kernels(written("pytorch", TORCH, right, wrong))] == ["ok", "problem"]
    [finding] = check_kernels(written("pytorch", TORCH, failed))
    assert (finding.status, finding.seen) == ("problem", "AcceleratorError: no kernel image is available")
    [crashed] = check_kernels(written("pytorch", TORCH, begun, exit_code=-11))
    assert (crashed.id, crashed.status, crashed.seen) == ("pytorch.kernel.cuda:0", "problem", "the process ended with signal 11")
    [hung] = check_kernels(written("pytorch", TORCH, begun, exit_code=None))
    assert (hung.status, hung.seen) == ("unknown", "no result within 180 s")


def test_profilers_that_record_and_that_do_not():
    def status(framework, *events, exit_code=0):
        return [finding.status for finding in check_profiler(written(framework, *events, exit_code=exit_code))]

    begun = {"event": "phase_begin", "name": "profiler"}
    assert status("tensorflow", {"event": "profiler", "trace_bytes": 1300}) == ["ok"]
    assert status("tensorflow", {"event": "profiler", "trace_bytes": 0}) == ["problem"]
    assert status("pytorch", {"event": "profiler", "operators": 16, "kernels": None}) == ["ok"]
    assert status("pytorch", {"event": "profiler", "operators": 0, "kernels": None}) == ["problem"]
    assert status("pytorch", {"event": "profiler", "failed": "RuntimeError: no"}) == ["problem"]
    assert status("pytorch", begun, exit_code=None) == ["unknown"]
    assert status("pytorch", begun, exit_code=-11) == ["problem"]
    assert status("pytorch") == []
    [no_kernels] = check_profiler(written("pytorch", {"event": "profiler", "operators": 16, "kernels": 0}))
    assert "NVreg_RestrictProfilingToAdminUsers=0" in no_kernels.remedy


def test_the_compiler_must_exist_find_the_headers_and_work(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    assert check_compiler(None).status == "warning"
    assert "apt-get install g++" in check_compiler(None).remedy
    monkeypatch.setenv("CXX", str(tmp_path / "nowhere"))
    assert "cannot be started" in check_compiler(str(tmp_path)).seen
    monkeypatch.delenv("CXX")
    assert check_compiler(str(tmp_path)).status == "warning"  # an include folder without Python.h
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_compiler(str(tmp_path)).seen == "no C++ compiler (g++, clang++) found"


def test_a_remedy_quotes_a_path_with_a_space():
    assert replace(written("pytorch"), python="/my envs/python").install() == "'/my envs/python' -m pip install -r requirements.txt"
