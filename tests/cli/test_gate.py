"""`--fail-if`: the exit codes that a pipeline acts on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.cli.test_commands import run
from tests.pages import samples


@pytest.mark.parametrize(
    ("conditions", "strict", "code"),
    [
        (("ratio > 1.05",), False, 3),
        (("ratio > 1.6",), False, 0),
        (("ratio > 1.5",), False, 0),
        (("ratio > 1.5",), True, 4),
        (("ratio > 1.6",), True, 0),
        (("ratio > 1.6", "b_step_ms >= 30"), False, 3),
        (("ratio > 1.5", "b_step_ms >= 30"), True, 3),
        (("a_accuracy < 0.9", "memory_ratio > 1.05", "b_peak_mib > 400"), True, 0),
    ],
)
def test_the_exit_code_says_whether_a_condition_is_met(finished: str, conditions: tuple[str, ...], strict: bool, code: int):
    options = [option for text in conditions for option in ("--fail-if", text)]
    assert run("show", finished, *options, *(["--strict"] if strict else [])).returncode == code


def test_each_condition_is_told_with_its_numbers(finished: str):
    done = run("show", finished, "--fail-if", "ratio > 1.05", "--fail-if", "ratio>1.5", "--fail-if", "a_step_ms > 30")
    assert "met  ratio > 1.05, it is 1.5 (95 % interval 1.48 to 1.52)" in done.stdout
    assert "undecided  ratio > 1.5, it is 1.5 (95 % interval 1.48 to 1.52). The interval lies on both sides of 1.5" in done.stdout
    assert "not met  a_step_ms > 30, it is 20" in done.stdout


def test_the_json_has_the_conditions_and_is_alone_on_standard_output(finished: str):
    done = run("show", finished, "--json", "--fail-if", "ratio > 1.05")
    assert done.returncode == 3
    [condition] = json.loads(done.stdout)["conditions"]
    assert (condition["condition"], condition["outcome"]) == ("ratio > 1.05", "met")
    assert condition["low"] == pytest.approx(1.48)
    assert "met  ratio > 1.05" in done.stderr
    assert "conditions" not in json.loads(run("show", finished, "--json").stdout)


def test_a_slower_version_is_told_from_its_baseline(store: ComparisonStore, finished: str):
    slower = samples.new(store)
    samples.finish(store, slower, ratios=(1.8, 1.82, 1.78, 1.81, 1.8, 1.79))
    done = run("show", slower.id, "--baseline", finished, "--fail-if", "b_vs_baseline > 1.05")
    assert done.returncode == 3
    assert "slower than in the baseline" in done.stdout
    assert run("show", slower.id, "--baseline", finished, "--fail-if", "a_vs_baseline > 1.05", "--strict").returncode == 0
    shown = json.loads(run("show", slower.id, "--baseline", finished, "--json").stdout)["baseline"]
    assert shown["id"] == finished
    assert [side["time"]["outcome"] for side in shown["sides"]] == ["no_practical_difference", "above"]
    assert [row["what"] for row in shown["ratios"]][:2] == ["B ÷ A, this comparison", "B ÷ A, baseline"]


def test_a_comparison_is_no_baseline_of_its_own(finished: str):
    done = run("show", finished, "--baseline", finished, "--fail-if", "b_vs_baseline > 1.05", "--strict")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Comparison {finished} cannot be its own baseline" in done.stderr


def test_a_number_is_told_with_enough_digits_to_see_why(store: ComparisonStore):
    spec = samples.new(store)
    result = samples.finish(store, spec)
    peak = replace(result.sides["b"], peak_memory_bytes=12345 * 2**20)
    write_json(store.folder(spec.id) / "result.json", replace(result, sides={**result.sides, "b": peak}))
    assert "met  b_peak_mib > 12344, it is 12345" in run("show", spec.id, "--fail-if", "b_peak_mib > 12344").stdout


@pytest.mark.parametrize(("end", "code"), [(samples.fail, 1), (samples.cancel, 130), (samples.fail_parity, 4)])
def test_what_did_not_come_to_a_result_is_no_pass(store: ComparisonStore, end, code: int):
    spec = samples.new(store)
    end(store, spec)
    done = run("show", spec.id, "--fail-if", "ratio > 1.05", "--strict")
    assert done.returncode == code
    assert "undecided" in done.stdout


def test_what_has_not_ended_cannot_be_held_against_anything(store: ComparisonStore, finished: str):
    spec = samples.new(store)
    for arguments in ((spec.id, "--fail-if", "ratio > 1"), (finished, "--baseline", spec.id), (spec.id, "--baseline", finished)):
        done = run("show", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "that has ended" in done.stderr


@pytest.mark.parametrize(
    ("command", "condition", "words"),
    [
        ("compare", "speed > 1", "'speed' in 'speed > 1' is no metric; choose ratio, cpu_ratio"),
        ("compare", "ratio is large", "'ratio is large' is no condition; write METRIC OPERATOR NUMBER"),
        ("compare", "b_vs_baseline > 1.05", "needs a baseline"),
        ("show", "ratio => 1", "is no condition"),
        ("show", "ratio > much", "is no condition"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_told_before_anything_runs(home: Path, command: str, condition: str, words: str):
    done = run(command, "mnist_cnn", "--fail-if", condition)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "comparisons").exists()


def test_a_comparison_that_fails_exits_1_whatever_was_asked(home: Path):
    done = run("compare", "mnist_cnn", "--a", "pytorch:python=/nowhere/python", "--b", "pytorch", "--json", "--fail-if", "ratio > 1.05", "--strict")
    assert done.returncode == 1
    [condition] = json.loads(done.stdout)["conditions"]
    assert condition["outcome"] == "undecided"
    assert condition["reason"].startswith("The comparison is not comparable")
