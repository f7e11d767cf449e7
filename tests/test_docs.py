"""The documents: every link leads somewhere, every command works, and what they list is what the code has."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from core.analysis.breakdown import PARTS, XPROF_PARTS
from core.analysis.comparison import side_table
from core.analysis.idle import CAUSES
from core.analysis.sweep import SCHEMA
from core.bench.parity import GATES
from core.claims.catalogue import CLAIMS
from core.cli.new_workload import write_workload
from core.machine.interpreter import python_variable
from core.model import comparison, parity, run
from core.model.comparison import PRESETS, ComparisonResult, SideSummary
from core.model.variant import CHOICES, EXECUTIONS, FRAMEWORKS, parse_variant, settings
from core.traces.schema import OP_CLASSES
from core.workloads.registry import NAMES, flops, initial, weight_map, workload_spec
from pages._parts.places import PLACES
from tests.documents import ROOT, arguments_of_core, command_names, commands, dead_links, flat, follow, read, stale, table_rows
from tests.workloads.proof import failed, prove

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
VARIABLE = re.compile(r"\bSHOWDOWN(?:_[A-Z]+)+\b")
#: Everything that `result.json` holds numbers in.
RESULTS = (ComparisonResult, SideSummary, comparison.PairResult, comparison.AccuracyComparison, parity.ParityStage, run.RunResult, run.Phase,
           run.Evaluation, run.MachineLoad, run.RunError)  # fmt: skip


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def numbers(kind: Any) -> list[str]:
    """Fields of a dataclass that hold numbers."""
    return [field.name for field in fields(kind) if re.search(r"\b(int|float)\b", str(field.type))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_command_and_file_is_there(path: Path):
    text = path.read_text(encoding="utf-8")
    assert dead_links(text, path) == []
    assert stale(text) == []


def test_dead_links_are_found(tmp_path: Path):
    (tmp_path / "other.md").write_text("# Is it there?\n\n## Again\n\n## Again\n", encoding="utf-8")
    good = "# One `thing`\n\n[a](#one-thing) [b](other.md#is-it-there) [c](other.md#again-1) [d](https://example.org/#x) ![e](other.md)\n"
    bad = "[a](#two) [b](other.md#again-2) [c](gone.md) ![d](gone.png) [e](/etc/hosts) `/home/anna/data`\n\n```\n[f](not-a-link.md)\n```\n"
    assert dead_links(good, tmp_path / "this.md") == []
    assert dead_links(bad, tmp_path / "this.md") == ["/home/anna/data", "#two", "other.md#again-2", "gone.md", "gone.png", "/etc/hosts"]


def test_stale_commands_and_files_are_found():
    good = """
        make test && X=1 .venv/bin/python -m core compare mnist_cnn \\
            --a pytorch:threads=2 --no-profile --json > out.json   # somebody's comment: make tea
        python -m core claims run widens seeds --all-here | tail -n 1
        python -m core trace-diff A B [--top N]
        python -m pytest tests/e2e
    """
    bad = """
        make tea
        python -m core compere mnist_cnn
        python -m core sweep walk
        python -m core show ID --colour red
        python -m core show ID ANOTHER
        python -m core.nowhere X
        cat core/nowhere.py
    """
    assert stale(f"```\n{dedent(good)}```\n`core/cli/`, `core/*/errors.py`, `core.model.errors.ShowdownError`, `nowhere.py`, `python -m core`") == []
    assert stale(f"```\n{dedent(bad)}```\n`core.model.errors.NoError`") == [
        "make tea: no target tea", "python -m core compere mnist_cnn: no command compere", "python -m core sweep walk: no command walk",
        "python -m core show ID --colour red: no option --colour", "python -m core show ID ANOTHER: too many arguments",
        "python -m core.nowhere X: no module core.nowhere", "core.model.errors.NoError", "core/nowhere.py",
    ]  # fmt: skip


def test_every_command_is_written_about():
    said = [arguments_of_core(words) for path in DOCUMENTS for words in commands(read(path.read_text(encoding="utf-8")))]
    assert command_names() - {follow(arguments)[0] for arguments in said if arguments is not None} == set()


def test_every_environment_variable_is_in_code_and_documents():
    folders = ("core", "pages", "bench", "demo", "docker", "tests")
    files = [ROOT / "Makefile", *(file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".Dockerfile"))]
    code = {name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}
    documented = {name for path in DOCUMENTS for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert documented == code | {python_variable(name) for name in FRAMEWORKS}


def test_every_page_is_listed_with_its_address():
    addresses = [row[:2] for row in table_rows(text_of("docs/README.md")) if row[1].startswith("`/")]
    assert addresses == [[place.title, "`/`" if name == "overview" else f"`/{name}`"] for name, place in PLACES.items()]


def test_every_key_and_value_of_a_variant_is_listed():
    choices = {value for values in (*CHOICES.values(), *EXECUTIONS.values()) for value in values}
    assert ({field.name for field in settings()} | choices) - set(read(text_of("docs/README.md")).quoted) == set()


def test_every_workload_is_listed_with_its_parameters():
    rows = {row[0].strip("`"): row for row in table_rows(text_of("docs/README.md"))}
    assert {name: rows[name][3] for name in NAMES if name in rows} == {name: f"{workload_spec(name).parameters:,}" for name in NAMES}


def test_every_package_has_its_line_in_the_layout():
    text = text_of("CONTRIBUTING.md")
    assert [path.parent.name for path in (ROOT / "core").glob("*/__init__.py") if f"core/{path.parent.name}/" not in text] == []


def test_every_number_of_a_result_is_defined():
    text = text_of("docs/metrics.md")
    names = {name for kind in RESULTS for name in numbers(kind)}
    assert {"ratio", "interval_95", "steal_cores"} <= names
    assert (names | SCHEMA.keys()) - set(read(text).quoted) == set()


def test_what_pages_call_their_numbers_is_defined():
    every: dict[str, Any] = dict.fromkeys(numbers(SideSummary), 1)
    side = SideSummary(variant=parse_variant("pytorch", threads=1), **every)
    result = ComparisonResult(id="", state="finished", workload="", verdict="", sentence="", sides={"a": side, "b": side})
    figures = [figure for task in run.TASKS for figure in side_table(result, task)["figure"]]
    assert "batch, p99" in figures
    text = flat(text_of("docs/metrics.md"))
    assert [words for words in (*figures, *PARTS, *XPROF_PARTS, *CAUSES, *OP_CLASSES, *parity.STAGE_LABELS.values()) if words not in text] == []


def test_gates_presets_and_verdicts_are_those_of_the_code():
    text = text_of("docs/method.md")
    rows = {row[0].strip("`"): row for row in table_rows(text)}
    shallow, deep = GATES["shallow"], GATES["deep"]
    for stage in parity.STAGES:
        assert [float(cell) for cell in rows[parity.STAGE_LABELS[stage]][2:]] == [shallow[stage], deep[stage]], stage
    for preset in PRESETS.values():
        pairs = f"{preset.pairs} to {preset.max_pairs}" if preset.max_pairs > preset.pairs else str(preset.pairs)
        assert rows[preset.name][1:3] == [pairs, str(preset.noise_pairs)]
    assert [label for label in comparison.VERDICT_LABELS.values() if label not in text] == []


def test_claims_are_those_of_the_catalogue():
    _, *sections = re.split(r"^### ", text_of("docs/claims.md"), flags=re.MULTILINE)
    assert [section.partition("\n")[0] for section in sections] == [claim.id for claim in CLAIMS]
    for claim, section in zip(CLAIMS, map(flat, sections), strict=True):
        time = f" (about {claim.estimate_s:.0f} s)" if claim.estimate_s else ""
        known = f"**Known**: {claim.known} Source: {claim.source}, as of {claim.as_of}."
        assert section.startswith(f"{claim.id} {claim.says} {known} **Experiment**{time}: {claim.experiment} **Judged**: "), claim.id


@pytest.fixture
def worked_example(tmp_path: Path) -> str:
    """A fresh workload, changed as own-workloads.md changes it."""
    pair = write_workload("my_net", tmp_path)
    for kind, block in read(text_of("docs/own-workloads.md")).blocks:
        if kind == "diff":
            name, _, hunks = block.removeprefix("--- ").partition("\n")
            source = (pair / name).read_text(encoding="utf-8")
            for hunk in hunks.split("@@\n"):
                lines = hunk.splitlines(keepends=True)
                old, new = ("".join(line[1:] for line in lines if line[0] in f" {sign}") for sign in "-+")
                assert source.count(old) == 1, old
                source = source.replace(old, new)
            (pair / name).write_text(source, encoding="utf-8")
    return str(pair)


def test_the_worked_example_counts_what_it_says(worked_example: str):
    spec = workload_spec(worked_example)
    sizes = spec.complete({})
    rows, counted = weight_map(worked_example, sizes), flops(worked_example, sizes)
    assert initial(worked_example, sizes, 1).keys() >= {"conv2/kernel", "conv2/bias"}
    assert spec.parameters == sum(math.prod(row.shape) for row in rows) == sum(layer.parameters for layer in spec.layers)
    assert counted is not None
    assert counted.forward == 2 * (9 * 3 * 16 * 256 + 9 * 16 * 32 * 64 + 2048 * 64 + 64 * 10)


@pytest.mark.slow
def test_the_worked_example_is_the_same_model_on_both_sides(home: Path, worked_example: str):
    result, _ = prove(worked_example, "tensorflow", "pytorch")
    assert failed(result) == {}
