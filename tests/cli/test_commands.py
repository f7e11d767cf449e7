"""The command line, as a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.bench.start import make_spec
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.conftest import PROJECT
from tests.pages import samples


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "core", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=120)


def stored(state: str = "finished") -> ComparisonSpec:
    spec = make_spec("mnist_cnn", parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1))
    store = ComparisonStore()
    store.create(spec)
    if state != "queued":
        result = ComparisonResult(id=spec.id, state=state, workload="mnist_cnn", verdict="cannot_tell", sentence="Nobody knows [yet].", ratio=1.1,
                                  interval_95=(0.9, 1.3), noise_floor=0.2)  # fmt: skip
        write_json(store.folder(spec.id) / "result.json", result)
    return spec


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "nope"), "There is no workload 'nope'"),
        (("compare", "mnist_cnn", "--a", "jax"), "'jax' is no framework; choose tensorflow or pytorch"),
        (("compare", "mnist_cnn", "--a", "pytorch:execution=graph"), "'graph' is no execution of pytorch"),
        (("compare", "mnist_cnn", "--a", "pytorch:speed=1"), "'speed=1' in 'pytorch:speed=1' is not one of"),
        (("compare", "mnist_cnn", "--a", "pytorch:threads=many"), "threads=many"),
        (("compare", "mnist_cnn", "--a", "pytorch:threads=0"), "threads=0"),
        (("compare", "mnist_cnn", "--preset", "endless"), "There is no preset 'endless'"),
        (("compare", "mnist_cnn", "--batch-size", "0"), "A batch of 0 is not possible"),
        (("compare", "mnist_cnn", "--learning-rate", "nan"), "A learning rate of nan is not possible"),
        (("compare", "mnist_cnn", "--threshold", "5"), "A threshold of 5.0 is not possible"),
        (("show", "../../etc"), "is not the id of a comparison"),
        (("delete", "20260101-000000-abcdef"), "There is no comparison 20260101-000000-abcdef"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home: Path, arguments: tuple[str, ...], words: str):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "comparisons").exists()


def test_list_is_an_array_newest_first(home: Path):
    assert json.loads(run("list", "--json").stdout) == []
    first, second = stored(), stored("queued")
    rows = json.loads(run("list", "--json").stdout)
    assert [row["id"] for row in rows] == sorted([first.id, second.id], reverse=True)
    done = next(row for row in rows if row["id"] == first.id)
    assert (done["verdict"], done["ratio"], done["state"]) == ("cannot_tell", 1.1, "finished")


def test_list_fits_a_narrow_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = stored()
    monkeypatch.setenv("COLUMNS", "80")
    text = run("list").stdout
    assert max(map(len, text.splitlines())) <= 80
    (row,) = [line for line in text.splitlines() if spec.id in line]
    for words in ("mnist_cnn, quick:", "cannot tell", "1.100"):
        assert words in row


def test_show_prints_the_verdict_and_its_json(home: Path):
    spec = stored()
    assert "Nobody knows [yet]." in run("show", spec.id).stdout
    shown = json.loads(run("show", spec.id, "--json").stdout)
    assert (shown["id"], shown["verdict"], shown["interval_95"]) == (spec.id, "cannot_tell", [0.9, 1.3])
    assert shown["spec"]["a"]["framework"] == "tensorflow"


def test_show_tells_an_epoch_in_seconds_as_pages_and_reports_do(home: Path):
    store = ComparisonStore()
    spec = samples.new(store, measure="epoch")
    samples.finish(store, spec)  # 100 steps of 20 and of 30 ms
    [row] = [line for line in run("show", spec.id).stdout.splitlines() if line.startswith("│ epoch")]
    assert "2.00 s" in row
    assert "3.00 s" in row


def test_show_of_an_unfinished_comparison_has_the_same_fields(home: Path):
    shown = json.loads(run("show", stored("queued").id, "--json").stdout)
    assert (shown["state"], shown["verdict"], shown["ratio"]) == ("queued", "not_comparable", None)
    assert "has no result" in shown["reasons"][0]


def test_delete_removes_it(home: Path):
    spec = stored()
    assert run("delete", spec.id).returncode == 0
    assert ComparisonStore().ids() == []


def test_store_that_cannot_be_written_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch):
    home.write_text("a file where the folder should be")
    done = run("compare", "mnist_cnn")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_failed_comparison_exits_1_and_prints_one_json_object(home: Path):
    done = run("compare", "mnist_cnn", "--a", "pytorch:python=/nowhere/python", "--b", "pytorch", "--json")
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert (shown["verdict"], shown["state"], shown["error"]["kind"]) == ("not_comparable", "failed", "interpreter")
    assert shown["reasons"]
