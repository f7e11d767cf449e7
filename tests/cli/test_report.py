"""`report`, as a person or a pipeline runs it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.store.comparisons import ComparisonStore
from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from tests.conftest import PROJECT
from tests.pages import samples
from tests.report.documents import Document

DATA = PROJECT / "tests" / "traces" / "data"


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", "report", *map(str, arguments)], cwd=PROJECT, env={**os.environ, "COLUMNS": "160"}, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_comparison_as_one_file_and_as_markdown(finished: str, tmp_path: Path):
    file = tmp_path / "report.html"
    done = run(finished, "--html", file, "--markdown")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("### TensorFlow graph")
    assert str(file) in done.stderr
    assert Document(file.read_bytes()).headings[0].startswith("TensorFlow graph (tf.function) is faster")


def test_figures_are_pictures_with_their_numbers(finished: str, tmp_path: Path):
    folder = tmp_path / "figures"
    done = run(finished, "--figures", folder, "--price-per-hour", "2.5", "--dark")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    names = {path.stem for path in folder.iterdir()}
    assert {"ratio", "pairs", "parity", "blocks", "cost"} <= names
    assert {path.suffix for path in folder.iterdir()} == {".png", ".svg", ".csv"}
    assert len(list(folder.iterdir())) == 3 * len(names)
    assert (folder / "pairs.png").read_bytes().startswith(b"\x89PNG")
    assert "#14191a" in (folder / "pairs.svg").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO((folder / "pairs.csv").read_text(encoding="utf-8"))))
    assert [float(row["ratio"]) for row in rows if row["clock"] == "wall time"] == [1.5, 1.52, 1.48, 1.51, 1.5, 1.49]


def test_a_trace_by_its_path_and_by_the_beginning_of_its_digest(home: Path, tmp_path: Path):
    source = DATA / "pytorch_eager.pt.trace.json.gz"
    entry = TraceLibrary(traces_folder()).upload(source.name, source.read_bytes())
    for number, named in enumerate((source, entry.digest[:8])):
        file = tmp_path / f"{number}.html"
        done = run(named, "--html", file)
        assert done.returncode == 0, done.stderr
        assert Document(file.read_bytes()).headings[0] == source.name


def test_nothing_is_overwritten_unless_it_is_asked_for(finished: str, tmp_path: Path):
    file, folder = tmp_path / "report.html", tmp_path / "figures"
    file.write_text("mine")
    folder.mkdir()
    (folder / "ratio.csv").write_text("mine")
    for arguments in (("--html", file), ("--figures", folder)):
        done = run(finished, *arguments)
        assert (done.returncode, "--force" in done.stderr) == (2, True)
    assert (file.read_text(), (folder / "ratio.csv").read_text(), len(list(folder.iterdir()))) == ("mine", "mine", 1)
    assert run(finished, "--html", file, "--force").returncode == 0
    assert file.read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("20260101-000000-abcdef", "--markdown"), "There is no comparison 20260101-000000-abcdef"),
        (("20260101-000000-abcdef",), "Say what to write"),
        (("20260101-000000-abcdef", "--html", "x.html", "--price-per-hour", "inf"), "A price of inf an hour is not possible"),
        (("nowhere.json", "--html", "x.html"), "'nowhere.json' is no comparison's id, no recording's digest and no file"),
        (("abcdef12", "--html", "x.html"), "There is no recording 'abcdef12' in the library"),
        (("abcdef12", "--markdown"), "--markdown summarises a comparison"),
        ((DATA / "h100" / "train_steps.memory_snapshot.pickle", "--html", "x.html"), "is a memory snapshot"),
        ((DATA / "README.md", "--html", "x.html"), "README.md"),
        ((DATA / "pytorch_eager.pt.trace.json.gz", "--html", "/nowhere/x.html"), "There is no folder /nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home: Path, arguments: tuple[Any, ...], words: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (PROJECT / "x.html").exists()


def test_a_comparison_without_a_result_says_so(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    samples.interrupt(store, spec)
    done = run(spec.id, "--markdown")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is interrupted; a report needs its result" in done.stderr
