"""`log-mlflow`, as a person or a pipeline runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("mlflow", "sqlalchemy", "alembic")),
    reason="MLflow is not installed: requirements-mlflow.txt",
)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")} | variables
    return subprocess.run([sys.executable, "-m", "core", "log-mlflow", *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True,
                          timeout=300)  # fmt: skip


def test_a_pipeline_gets_the_ids_and_is_told_of_a_second_time(finished: str, tmp_path: Path):
    uri = f"sqlite:///{tmp_path / 'new folder' / 'mlflow.db'}"
    done = run(finished, "--tracking-uri", uri, "--experiment", "Mine", "--json")
    assert done.returncode == 0, done.stderr
    logged = json.loads(done.stdout)
    assert (logged["tracking_uri"], logged["experiment"], len(logged["child_run_ids"])) == (uri, "Mine", 12)
    artifacts = tmp_path / "new folder" / "mlartifacts" / "Mine" / logged["run_id"] / "artifacts"
    assert "report.html" in {path.name for path in artifacts.iterdir()}
    second = run(finished, "--experiment", "Mine", MLFLOW_TRACKING_URI=uri)
    assert (second.returncode, second.stdout) == (2, "")
    assert f"is run {logged['run_id']} of the experiment 'Mine' already; '--again' logs it anew" in second.stderr
    assert f"{finished} is run" in run(finished, "--experiment", "Mine", "--again", MLFLOW_TRACKING_URI=uri).stdout


def test_bad_input_is_one_sentence_and_exit_code_2(finished: str):
    for arguments, words in (
        (("20260101-000000-abcdef",), "There is no comparison 20260101-000000-abcdef"),
        ((finished, "--tracking-uri", "http://127.0.0.1:9"), "MLflow at http://127.0.0.1:9 cannot be reached"),
    ):
        done = run(*arguments, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
