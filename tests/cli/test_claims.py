"""`claims` on the command line, as a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.claims.catalogue import CLAIMS
from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from tests.conftest import PROJECT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "core", "claims", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=120)


def saved() -> ClaimResult:
    result = ClaimResult(id="widens", verdict="does_not_hold", reason="It falls [a lot].", estimate=0.9, interval=(0.8, 0.95), estimate_is="a factor",
                         comparisons=("20260101-000000-aaaaaa", "20260101-000000-bbbbbb"), rows=({"what": "mlp", "ratio": 1.1},))  # fmt: skip
    ClaimStore().save(result)
    return result


def test_list_has_an_object_for_every_claim(home: Path):
    saved()
    rows = json.loads(run("list", "--json").stdout)
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    widens = next(row for row in rows if row["id"] == "widens")
    assert (widens["verdict"], widens["reason"], widens["comparison"]) == ("does_not_hold", "It falls [a lot].", "20260101-000000-bbbbbb")
    assert (widens["interval"], widens["rows"]) == ([0.8, 0.95], [{"what": "mlp", "ratio": 1.1}])
    untested = next(row for row in rows if row["id"] == "amp")
    assert (untested["verdict"], untested["comparison"]) == ("open", None)
    assert untested["command"] in untested["reason"]
    assert all(row[key] for row in rows for key in ("says", "known", "source", "as_of", "experiment", "command"))
    assert json.loads(run("--json").stdout) == rows


def test_claims_alone_lists_them_for_a_person(home: Path):
    saved()
    done = run()
    assert done.returncode == 0
    assert "It falls [a" in done.stdout
    assert "1 does not hold here" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "speed"), "There is no claim 'speed'"),
        (("run",), "Name the claims to test, or give --all-here"),
        (("run", "widens", "nope", "--json"), "There is no claim 'nope'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home: Path, arguments: tuple[str, ...], words: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "claims").exists()


def test_run_prints_what_was_tested_and_nothing_else(home: Path):
    done = run("run", "serving", "paths", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["id"], row["verdict"]) for row in rows] == [("paths", "not_measurable"), ("serving", "not_measurable")]
    assert rows[0]["tested"]


def test_a_second_run_waits_for_nobody_and_says_so(home: Path):
    lock = ClaimStore().begin_run()
    done = run("run", "paths")
    lock.close()
    assert done.returncode == 2
    assert "Claims are being tested already" in done.stderr


def test_a_store_that_cannot_be_written_is_one_sentence(home: Path):
    home.write_text("a file where the folder should be")
    done = run("run", "paths")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
