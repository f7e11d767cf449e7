"""A claim from the command line to its verdict, with real processes of both frameworks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.store.claims import ClaimStore
from tests.conftest import PROJECT, worker_processes

pytestmark = pytest.mark.slow


def test_the_network_as_printed_is_run_and_its_error_shown(home: Path):
    done = subprocess.run([sys.executable, "-m", "core", "claims", "run", "code-shape", "--json"], cwd=PROJECT, capture_output=True, text=True,
                          timeout=500)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["id"], row["verdict"]) == ("code-shape", "does_not_hold")
    assert "mat1 and mat2 shapes cannot be multiplied (64x1600 and 9216x128)" in row["reason"]
    assert "225,034 parameters in TensorFlow, 1,199,882 in PyTorch" in row["reason"]
    store = ClaimStore()
    assert store.load("code-shape").result is not None
    assert [event["event"] for event in store.events() if event["event"] != "words"] == ["plan", "claim_begin", "claim_end", "end"]
    assert not store.is_running()


def test_ctrl_c_ends_the_run_with_its_processes_and_keeps_nothing_half_done(home: Path):
    store = ClaimStore()
    process = subprocess.Popen([sys.executable, "-m", "core", "claims", "run", "code-shape", "paths"], cwd=PROJECT, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)  # fmt: skip
    until = time.monotonic() + 120
    while not worker_processes(home) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert worker_processes(home) == []
    assert store.load("code-shape").result is None
    assert store.events()[-1]["state"] == "stopped"
    assert "Traceback" not in output
