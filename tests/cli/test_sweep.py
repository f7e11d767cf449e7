"""`sweep` on the command line: what is wrong is one sentence, what is stored can be read, and a real one runs to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.sweep import comparison_spec, plan_sweep
from core.cli import main
from core.model.comparison import PRESETS
from core.model.sweep import SweepPair, SweepSpec, parse_pair
from core.store.comparisons import ComparisonStore
from core.store.sweeps import SweepJournal, SweepStore
from tests.conftest import PROJECT, worker_processes
from tests.pages import samples


def run(*arguments: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", "sweep", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=timeout
    )  # fmt: skip


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Exit code, standard output and standard error of a command that starts nothing, without a process of its own."""

    def called(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["core", "sweep", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return called


def stored() -> SweepSpec:
    """A sweep of two cells, the first of which is finished."""
    spec = plan_sweep([("mnist_cnn", {})], [SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)], batch_sizes=(16, 32))
    SweepStore().create(spec)
    one = comparison_spec(spec, spec.cells[0])
    ComparisonStore().create(one)
    result = samples.finish(ComparisonStore(), one)
    with SweepJournal(SweepStore().folder(spec.id)) as journal:
        journal.end(0, result.id, "finished", "", 60.0)
    return spec


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--workloads", "nope"), "There is no workload 'nope'"),
        (("run", "--workloads", "mlp:depth=3"), "has no size 'depth'"),
        (("run", "--workloads", "mlp", "--pair", "tensorflow"), "'tensorflow' is no pair"),
        (("run", "--workloads", "mlp", "--batch-sizes", "some"), "'some' are no batch sizes"),
        (("run", "--workloads", "mlp", "--batch-sizes", "16,1000000000"), "A batch of 1000000000 is not possible"),
        (("run", "--workloads", "mlp,mlp"), "is named twice"),
        (("show", "../../etc"), "is not the id of a sweep"),
        (("resume", "20260101-000000-abcdef"), "There is no sweep 20260101-000000-abcdef"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home: Path, call: Call, arguments: tuple[str, ...], words: str):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (home / "sweeps").exists()


def test_an_empty_store_says_how_to_begin(call: Call):
    assert "python -m core sweep run" in call("list")[1]
    assert json.loads(call("list", "--json")[1]) == []


def test_a_stored_sweep_is_listed_and_shown(call: Call):
    spec = stored()
    (listed,) = json.loads(call("list", "--json")[1])
    assert (listed["id"], listed["state"], listed["cells"], listed["finished"]) == (spec.id, "stopped", 2, 1)
    shown = json.loads(call("show", spec.id, "--json")[1])
    assert [row["verdict"] for row in shown["rows"]] == ["faster", None]
    assert shown["rows"][0]["batch_size"] == 16
    assert f"python -m core sweep resume {spec.id}" in call("show", spec.id)[1]


def tiny(*pairs: str) -> SweepSpec:
    """One cell per pair, of as few and as short runs as a verdict allows."""
    spec = plan_sweep([("mlp", {})], [parse_pair(pair, threads=1) for pair in pairs], small=True, steps=20)
    spec = replace(spec, preset=replace(spec.preset, pairs=PRESETS["quick"].pairs, max_pairs=PRESETS["quick"].pairs, noise_pairs=1))
    SweepStore().create(spec)
    return spec


def test_a_deleted_sweep_is_gone(call: Call):
    spec = stored()
    code, out, _ = call("delete", spec.id)
    assert (code, SweepStore().ids()) == (0, [])
    assert f"{spec.id} is deleted" in out


@pytest.mark.slow
def test_a_cell_that_fails_is_written_down_the_next_one_runs_and_resuming_tries_the_failed_one_again(home: Path):
    spec = tiny("pytorch:python=/nowhere/python/pytorch", "pytorch/pytorch")
    done = run("resume", spec.id, "--json", timeout=500)
    assert done.returncode == 1, done.stderr
    shown = json.loads(done.stdout)
    assert shown["finished"] == 1
    failed, fine = shown["rows"]
    assert "/nowhere/python" in failed["reason"]
    assert failed["verdict"] is None
    assert fine["verdict"] is not None
    assert fine["a_step_ms"] > 0
    assert ComparisonStore().load(fine["comparison"]).state == "finished"
    again = run("resume", spec.id, "--json")
    assert again.returncode == 1
    assert json.loads(again.stdout)["rows"][1]["comparison"] == fine["comparison"]


@pytest.mark.slow
def test_an_interrupt_stops_it_and_leaves_no_worker(home: Path):
    spec = tiny("pytorch/pytorch")
    process = subprocess.Popen([sys.executable, "-m", "core", "sweep", "resume", spec.id], cwd=PROJECT, env=dict(os.environ),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 60
    while not worker_processes(home) and time.monotonic() < until:
        time.sleep(0.05)
    assert worker_processes(home)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert worker_processes(home) == []
    one = SweepStore().load(spec.id)
    assert (one.state, one.cells[0].state) == ("stopped", "cancelled")
