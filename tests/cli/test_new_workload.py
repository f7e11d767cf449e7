"""`new-workload`: what it writes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.new_workload import write_workload
from core.workloads.registry import NAMES, workload_spec
from core.workloads.spec import WorkloadError
from tests.conftest import PROJECT


def new_workload(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "core", "new-workload", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_command_writes_four_files_and_says_what_to_do_next(tmp_path: Path):
    run = new_workload("my_net", "--folder", str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert {file.name for file in (tmp_path / "my_net").iterdir()} == {"spec.py", "weights.py", "tensorflow.py", "pytorch.py"}
    assert f"python -m core compare {tmp_path / 'my_net'} --a tensorflow --b pytorch" in run.stdout
    again = new_workload("my_net", "--folder", str(tmp_path))
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already; choose another name" in again.stderr


@pytest.mark.parametrize("like", NAMES)
def test_every_built_in_workload_can_be_the_start(tmp_path: Path, like: str):
    own = workload_spec(str(write_workload("copied", tmp_path, like)))
    assert (own.name, own.title) == ("copied", "copied")
    assert own.parameters == workload_spec(like).parameters


@pytest.mark.parametrize(
    ("name", "like", "words"),
    [
        ("my-net", None, "'my-net' cannot be the name of a pair"),
        ("class", None, "'class' cannot be the name of a pair"),
        ("mnist_cnn", None, "'mnist_cnn' is a built-in workload"),
        ("my_net", "resnet", "There is no workload 'resnet' to start from; choose mnist_cnn or"),
        ("my_net", "../secret", "There is no workload '../secret' to start from"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, name: str, like: str | None, words: str):
    with pytest.raises(WorkloadError, match=words):
        write_workload(name, tmp_path, like)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkloadError, match=r"cannot be written \(Not a directory\)"):
        write_workload("my_net", tmp_path / "file")
