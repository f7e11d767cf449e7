"""The article's words about installing and the machine: each outcome from what probes and pip tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.installing import Resolution, judge_cudnn, judge_one_environment
from core.claims.experiments.setup import judge_driver, judge_p3, judge_verify, verify
from core.machine.child import ChildEnd
from core.machine.probes.frameworks import Probe
from tests.claims.here import context

PINS = ("tensorflow==2.13.1", "torch==2.2.2")
FINE = ChildEnd(exit_code=0, log_tail=())
CRASH = ChildEnd(exit_code=-11, log_tail=())
CONFLICT = Resolution(requirements=PINS, conflict=True, said=("tensorflow 2.13.1 depends on typing-extensions<4.6.0",))
RESOLVED = Resolution(requirements=PINS, packages={"tensorflow": "2.13.1", "torch": "2.2.2"})
OFFLINE = Resolution(requirements=PINS, said=("ERROR: No matching distribution found for torch==2.2.2",))


def probe(framework: str, *, kernel_on: str = "cpu", **build: Any) -> Probe:
    """What a probe tells of a build, and of a kernel that computed."""
    kernel = {"event": "kernel", "device": kernel_on, "error": 2e-7}
    events = [{"event": "build", "version": "2.0", **build}, {"event": "devices", "gpus": []}, kernel]
    return Probe(framework=framework, python="python", events=events)


def probes(*, kernel_on: str = "cpu", **build: Any) -> dict[str, Probe]:
    return {framework: probe(framework, kernel_on=kernel_on, **build) for framework in ("tensorflow", "pytorch")}


@pytest.mark.parametrize(
    ("resolution", "end", "verdict"),
    [
        (CONFLICT, FINE, "does_not_hold"),
        (RESOLVED, CRASH, "does_not_hold"),
        (RESOLVED, FINE, "holds"),
        (OFFLINE, FINE, "cannot_tell"),
        (OFFLINE, CRASH, "does_not_hold"),
        (RESOLVED, ChildEnd(exit_code=1, log_tail=("ModuleNotFoundError: No module named 'torch'",)), "cannot_tell"),
    ],
)
def test_one_environment_holds_both_only_if_pip_agrees_and_a_process_survives(resolution: Resolution, end: ChildEnd, verdict: str):
    assert judge_one_environment([resolution], {"tensorflow, then torch": end}).verdict == verdict


def test_what_pip_said_and_the_signal_are_in_the_reason():
    result = judge_one_environment([CONFLICT], {"torch, then tensorflow": CRASH})
    assert "typing-extensions<4.6.0" in result.reason
    assert "torch, then tensorflow: signal 11" in result.reason
    assert "No matching distribution" in judge_one_environment([OFFLINE], {"torch, then tensorflow": CRASH}).reason


TENSORFLOW_2_13 = Resolution(requirements=("tensorflow==2.13.*",), packages={"tensorflow": "2.13.1", "numpy": "1.24.3"})
TORCH_2_2 = Resolution(requirements=("torch==2.2.*",), packages={"torch": "2.2.2", "nvidia-cudnn-cu12": "8.9.2.26"})
RESOLUTIONS = {"tensorflow": TENSORFLOW_2_13, "pytorch": TORCH_2_2}


@pytest.mark.parametrize(
    ("version", "cudnn", "bundled", "verdict"),
    [("2.13.1", "8", [], "does_not_hold"), ("2.13.1", "8.9", ["libcudnn.so.8"], "holds"), ("2.21.0", "9", [], "cannot_tell")],
)
def test_only_tensorflow_2_13_can_tell_its_cudnn(version: str, cudnn: str, bundled: list[str], verdict: str):
    found = {"tensorflow": probe("tensorflow", version=version, cuda="11.8", cudnn=cudnn), "pytorch": probe("pytorch", cuda="12.1", cudnn=8902)}
    result = judge_cudnn(found, RESOLUTIONS, bundled)
    assert result.verdict == verdict
    assert "none of them NVIDIA's, while torch==2.2.* brings nvidia-cudnn-cu12 8.9.2.26" in result.reason


@pytest.mark.parametrize(
    ("driver", "kernel_on", "verdict"),
    [(None, "cpu", "needs_gpu"), ("580.65", "cuda:0", "cannot_tell"), ("470.82", "cuda:0", "does_not_hold"), ("390.1", "cpu", "holds")],
)
def test_an_old_driver_with_a_build_for_cuda_11_is_what_could_refute(driver: str | None, kernel_on: str, verdict: str):
    assert judge_driver(driver, probes(cuda="11.8", kernel_on=kernel_on)).verdict == verdict


@pytest.mark.parametrize(
    ("architectures", "gpus", "verdict"),
    [
        (["sm_75", "sm_80"], [], "does_not_hold"),
        (["sm_70"], [], "needs_gpu"),
        ([], [], "needs_gpu"),
        (["sm_70"], [{"compute_capability": [7, 0]}], "holds"),
    ],
)
def test_a_build_without_kernels_for_the_v100_needs_no_v100(architectures: list[str], gpus: list[dict[str, Any]], verdict: str):
    found = probes(architectures=architectures, kernel_on="GPU:0" if gpus else "cpu")
    assert judge_p3(found, gpus).verdict == verdict


def test_a_check_that_fails_without_a_gpu_is_no_evidence():
    passed, broken = ChildEnd(exit_code=0, log_tail=("TF 2.21.0",)), ChildEnd(exit_code=1, log_tail=("no module",))
    assert judge_verify(passed, probes()).verdict == "does_not_hold"
    assert judge_verify(broken, probes()).verdict == "cannot_tell"


@pytest.mark.slow
def test_the_articles_check_passes_with_every_gpu_hidden(tmp_path: Path):
    result = verify(context(tmp_path))
    assert result.verdict == "does_not_hold"
    assert "'TF 2." in result.reason
    assert {row["framework"] for row in result.rows} == {"TensorFlow", "PyTorch"}
