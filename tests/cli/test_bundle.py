"""`bundle` and `import`, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run


def test_a_bundle_of_one_machine_is_shown_on_another(finished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "mine.showdown.zip"
    done = run("bundle", finished, "--to", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{path} holds 1 comparison, " in done.stdout
    shown = json.loads(run("show", finished, "--json").stdout)
    monkeypatch.setenv("SHOWDOWN_HOME", str(tmp_path / "other"))
    assert run("import", str(path)).stdout == f"{finished} is imported.\n"
    there = json.loads(run("show", finished, "--json").stdout)
    assert (shown["origin"], there["origin"]["name"]) == (None, path.name)
    assert f"from {path.name}" in run("show", finished).stdout
    for name in ("verdict", "ratio", "interval_95", "sentence", "pairs", "sides", "parity"):
        assert there[name] == shown[name]
    assert run("import", str(path)).stdout == f"{finished} is here already.\n"


def test_a_file_that_is_there_is_kept_unless_told(finished: str, tmp_path: Path):
    path = tmp_path / "mine.zip"
    path.write_text("precious")
    done = run("bundle", finished, "--to", str(path))
    assert (done.returncode, path.read_text()) == (2, "precious")
    assert "--force" in done.stderr
    assert run("bundle", finished, "--to", str(path), "--force").returncode == 0
    assert path.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bundle", "20260101-000000-abcdef", "--to", "x.zip"), "There is no comparison 20260101-000000-abcdef"),
        (("bundle", "../../etc", "--to", "x.zip"), "is not the id of a comparison"),
        (("bundle", "20260101-000000-abcdef", "--to", "."), "is a folder"),
        (("import", "nowhere.zip"), "cannot be opened"),
        (("import", "README.md"), "is not a bundle"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home: Path, arguments: tuple[str, ...], words: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "comparisons").exists()
