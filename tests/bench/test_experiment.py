"""Experiments in real processes: the result comes back, a failure is named, and nothing is left behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.bench.experiment import ExperimentFailed, run_experiment
from core.machine.queue import Cancelled
from tests.conftest import PROJECT, worker_processes

Probe = Callable[..., dict[str, Any]]


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    """Run the body of `run(settings, say)` as an experiment named `probe`, by an interpreter that finds it beside the real ones."""

    def run(body: str, *, before: str = "", framework: str = "pytorch", **options: Any) -> dict[str, Any]:
        experiment = tmp_path / "experiments" / "probe"
        experiment.mkdir(parents=True)
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        (experiment / f"{framework}.py").write_text(f"{before}\ndef run(settings, say):\n{indented}", encoding="utf-8")
        python = tmp_path / "python"
        python.write_text(
            f"#!{sys.executable}\n"
            "import runpy, sys\n"
            f"sys.path.insert(0, {str(PROJECT)!r})\n"
            "from core.worker import experiments\n"
            f"experiments.__path__.append({str(tmp_path / 'experiments')!r})\n"
            "sys.argv = sys.argv[sys.argv.index('core.worker.experiment'):]\n"
            "runpy.run_module('core.worker.experiment', run_name='__main__')\n",
            encoding="utf-8",
        )
        python.chmod(0o755)
        given = {"settings": {}, "threads": 1, "device": "cpu", "limit_s": 60.0, "say": lambda words: None, "cancelled": lambda: False}
        return run_experiment("probe", framework, folder=tmp_path / "run", python=str(python), **{**given, **options})

    return run


def test_the_result_comes_back_with_everything_that_was_said(probe: Probe, tmp_path: Path):
    said: list[str] = []
    body = "say('halfway')\nsay('done')\nreturn {'sum': settings['a'] + settings['b'], 'device': settings['device']}"
    assert probe(body, settings={"a": 1, "b": 2}, say=said.append) == {"sum": 3, "device": "cpu"}
    assert said == ["halfway", "done"]
    assert worker_processes(tmp_path) == []


def test_a_result_with_nan_and_arrays_can_be_read(probe: Probe):
    body = "return {'loss': float('nan'), 'best': [float('inf'), 1.5], 'norm': np.float32(2), 'norms': np.array([1.0, np.nan])}"
    assert probe(body, before="import numpy as np") == {"loss": None, "best": [None, 1.5], "norm": 2.0, "norms": [1.0, None]}


def test_threads_and_device_reach_every_library(probe: Probe):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES")
    body = f"import os\nreturn {{name: os.environ[name] for name in {names}}}"
    assert list(probe(body, threads=3).values()) == ["3", "3", "3", "-1"]


def test_a_failure_is_named_with_the_end_of_the_log(probe: Probe):
    with pytest.raises(ExperimentFailed, match="ValueError: no such layer") as raised:
        probe("print('looking')\nraise ValueError('no such layer')")
    assert raised.value.kind == "error"
    assert raised.value.log_tail[0] == "looking"
    assert raised.value.log_tail[-1] == "ValueError: no such layer"


def test_a_framework_that_is_not_installed_is_named_with_the_command_that_installs_it(probe: Probe):
    with pytest.raises(ExperimentFailed, match=r"PyTorch is not installed for .* -m pip install") as raised:
        probe("return {}", before="import sys\nsys.modules['torch'] = None\nimport torch")
    assert raised.value.kind == "framework_missing"


def test_an_experiment_that_dies_without_a_word_is_a_failure(probe: Probe):
    with pytest.raises(ExperimentFailed, match="SIGKILL in phase 'experiment'") as raised:
        probe("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert raised.value.kind == "killed"


def test_an_experiment_beyond_its_limit_is_ended_with_its_children(probe: Probe, tmp_path: Path):
    body = f"import subprocess\nsubprocess.run(['sleep', '600'], env={{'WHERE': {str(tmp_path)!r}}}, cwd={str(tmp_path)!r})"
    with pytest.raises(ExperimentFailed, match="limit of 2 s") as raised:
        probe(body, limit_s=2.0)
    assert raised.value.kind == "time_limit"
    assert sleeping_in(tmp_path) == []


def test_a_cancelled_experiment_leaves_no_process(probe: Probe, tmp_path: Path):
    ready = tmp_path / "ready"
    body = f"import pathlib, subprocess\npathlib.Path({str(ready)!r}).touch()\nsubprocess.run(['sleep', '600'], cwd={str(tmp_path)!r})"
    with pytest.raises(Cancelled):
        probe(body, cancelled=ready.exists)
    assert worker_processes(tmp_path) == []
    assert sleeping_in(tmp_path) == []


def sleeping_in(folder: Path) -> list[int]:
    """Processes whose working directory is the folder; one that was just killed may take a moment to be reaped."""
    deadline = time.monotonic() + 5
    while True:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile, or is somebody else's
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
