"""Every page as the hosted demo shows it: what was recorded, and no button that starts or changes anything."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from core.bench.sweep import plan_sweep
from core.model.hosted import HOSTED_VARIABLE, OWN_COMMANDS
from core.model.sweep import SweepPair, SweepSpec, parse_batch_sizes, parse_pair, parse_workloads
from pages._parts.places import PLACES
from pages._parts.sweep_view import sweep_command
from tests.demo.shown import Shown, contents, write_store
from tests.pages import samples
from tests.pages.apps import open_page, words

#: Labels of what would run, stop, look at this machine, or change the store.
FORBIDDEN = {
    "Start", "Stop", "Go on", "Test it", "Test it again", "Test all again", "Check again", "Check all the same", "Run your first comparison",
    "Open", "Delete", "Delete for good", "Bundle",
}  # fmt: skip


@pytest.fixture
def shown(home: Path, spacious: None, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A recorded store; from here on this process is the demo, in which starting a process is a failure of the test."""
    written = write_store()
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    monkeypatch.setattr("subprocess.Popen", lambda *given, **named: pytest.fail("a process was started"))
    return written


def ask(shown: Shown, page: str) -> dict[str, str]:
    """The address of a page with something to see."""
    of_recordings = {"compare", "overview", "explain", "kernels", "timeline", "memory", "library", "run"}
    return {"comparison": shown.comparison} if page in of_recordings else {"sweep": shown.sweep} if page == "sweeps" else {}


@pytest.mark.parametrize("page", PLACES)
def test_no_page_offers_to_start_or_change_anything_nor_does_it(shown: Shown, home: Path, page: str):
    before = contents(home)
    app = open_page(page, **ask(shown, page))
    assert {button.label for button in app.button} & FORBIDDEN == set()
    assert [one.key for one in app.text_input if one.key in ("library_path", "a_python", "b_python")] == []
    assert str(home) not in words(app)
    assert contents(home) == before


@pytest.mark.parametrize("page", PLACES)
def test_every_page_says_whose_machine_was_recorded_and_how_to_run_ones_own(shown: Shown, page: str):
    app = open_page(page, **ask(shown, page))
    assert "Recorded on Example CPU" in words(app)
    assert "This demo runs nothing and keeps nothing." in words(app)
    assert "\n".join(OWN_COMMANDS) in [code.value for code in app.code]


def test_a_recording_says_nothing_of_the_machine_of_the_comparisons(shown: Shown):
    assert "Recorded on" not in words(open_page("kernels", trace=shown.trace))


@pytest.mark.parametrize("page", PLACES)
def test_a_demo_without_a_recording_says_so_on_every_page(home: Path, monkeypatch: pytest.MonkeyPatch, page: str):
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    app = open_page(page)
    assert {button.label for button in app.button} & FORBIDDEN == set()
    if page in ("overview", "compare", "kernels", "timeline", "memory", "setup", "library"):
        assert "Nothing was recorded here" in words(app)


def test_run_composes_the_command(shown: Shown):
    app = open_page("run")
    app.selectbox(key="b").set_value("pytorch:compile").run()
    [command] = [code.value for code in app.code if code.value.startswith("python -m core compare")]
    assert "--a tensorflow:execution=graph" in command
    assert "--b pytorch:execution=compile" in command
    assert "What would run on your machine?" in words(app)


def test_setup_shows_what_was_recorded_and_looks_at_nothing(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pages._parts.findings.run_checks", lambda **named: pytest.fail("this machine was looked at"))
    app = open_page("setup")
    facts = {fact: value for table in app.dataframe if list(table.value.columns) == ["fact", "value"] for fact, value in table.value.to_numpy()}
    assert facts["cpu model"] == "Example CPU"
    assert "python -m core doctor" in [code.value for code in app.code]


def test_claims_show_results_with_their_machine_and_the_commands(shown: Shown):
    app = open_page("claims", verdict="does not hold here")
    text = words(app)
    assert "Tested on Example CPU, 2 cores." in text
    assert "in 2 min 10 s on Example CPU, 2 cores" in text
    assert "python -m core claims run --all-here" in [code.value for code in app.code]
    assert "On your machine, `python -m core claims run widens` tests it." in text


def test_a_sweep_is_shown_with_the_command_that_runs_the_same_grid(shown: Shown):
    app = open_page("sweeps", sweep=shown.sweep)
    assert "2 of 2 cells done" in words(app)
    [command] = [code.value for code in app.code if code.value.startswith("python -m core sweep run")]
    assert "--batch-sizes 16,64" in command


def planned(**more) -> SweepSpec:
    pairs = [SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH), parse_pair("pytorch/pytorch:execution=compile", threads=1)]
    return plan_sweep([("mlp", {}), ("mnist_cnn", {}), ("resnet18", {"image_size": 16})], pairs, **more)


@pytest.mark.parametrize("more", [{"batch_sizes": (8, 32)}, {}, {"small": True}, {"preset": "standard", "steps": 40, "threshold": 0.1, "seed": 7}])
def test_the_command_of_a_sweep_plans_the_same_cells(more: dict[str, object]):
    spec = planned(**more)
    given = shlex.split(sweep_command(spec).replace("\\\n", " "))[5:]
    small = "--small" in given
    options = [one for one in given if one != "--small"]
    values: dict[str, list[str]] = {}
    for name, value in zip(options[::2], options[1::2], strict=True):
        values.setdefault(name.removeprefix("--"), []).append(value)
    again = plan_sweep(
        parse_workloads(values["workloads"][0]), [parse_pair(text, threads=spec.pairs[0].a.threads) for text in values["pair"]],
        batch_sizes=parse_batch_sizes(values.get("batch-sizes", [""])[0]), preset=values["preset"][0], small=small,
        steps=int(values["steps"][0]) if "steps" in values else None, threshold=float(values["threshold"][0]), seed=int(values["seed"][0]),
    )  # fmt: skip
    assert (again.cells, again.preset, again.threshold, again.seed) == (spec.cells, spec.preset, spec.threshold, spec.seed)
