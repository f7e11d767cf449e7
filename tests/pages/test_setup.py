"""The Setup page: verdict, findings by area, and checking again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import core.machine.checks
import pages._parts.processor
from core.machine.load import Reading
from core.model.finding import Finding
from core.store.comparisons import ComparisonStore
from pages._parts.findings import commands_in, status_counts
from tests.pages import samples
from tests.pages.apps import open_page


def finding(id: str, area: str, status: str = "ok", **more: object) -> Finding:
    return Finding(id=id, area=area, title=f"Title of {id}", status=status, seen=f"seen_{id} <b>", why="why it matters", **more)  # type: ignore[arg-type]


GOOD = [finding("cpu.threads", "cpu"), finding("tensorflow.import", "tensorflow"), finding("pytorch.import", "pytorch")]


class FakeReader:
    """Half a core for this app, one and a half for others, a quarter stolen."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def follow(self, pid: int | None) -> None:
        pass

    def read(self) -> Reading:
        self.at_s += 1.0
        return Reading(at_s=self.at_s, busy_cpu_s=2.0 * self.at_s, steal_cpu_s=0.25 * self.at_s, own_cpu_s=0.5 * self.at_s, own_pids=frozenset(),
                       memory_available_bytes=1, gpu=None)  # fmt: skip

    def close(self) -> None:
        pass


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Finding]], AppTest]:
    """Open the page with these findings; the processor is read from made-up counters."""
    monkeypatch.setattr(pages._parts.processor, "MachineReader", FakeReader)
    monkeypatch.setattr(pages._parts.processor, "WINDOW_S", 0.0)

    def run(findings: list[Finding]) -> AppTest:
        calls: list[int] = []

        def fake(deep: bool = False, progress: Callable[[str, int, int], None] = lambda *_: None) -> list[Finding]:
            calls.append(1)
            progress("TensorFlow", 0, 1)
            return findings

        monkeypatch.setattr(core.machine.checks, "run_checks", fake)
        monkeypatch.setattr("pages._parts.findings.run_checks", fake)
        at = open_page("setup")
        at.session_state["calls"] = calls
        return at

    return run


def test_a_good_machine_is_trusted(opened: Callable[[list[Finding]], AppTest]):
    at = opened(GOOD)
    assert at.success[0].value.replace("\\", "").startswith("Both frameworks start. 3 ok.")
    assert not at.warning


def test_what_harms_timing_turns_the_verdict_and_says_what_to_do(opened: Callable[[list[Finding]], AppTest]):
    bad = finding("cpu.governor", "cpu", "warning", remedy="sudo cpupower frequency-set -g performance", harms_timing=True)
    at = opened([*GOOD, bad])
    assert "1 warning." in at.warning[0].value.replace("\\", "")
    assert "sudo cpupower frequency-set -g performance" in [code.value for code in at.code]
    assert "times cannot be trusted while this stands" in "\n".join(element.value for element in at.markdown)


def test_a_framework_that_does_not_start_is_named(opened: Callable[[list[Finding]], AppTest]):
    at = opened([*GOOD[:2], finding("pytorch.import", "pytorch", "problem", remedy="Install it with 'pip install torch'.")])
    assert "Not every framework starts: Title of pytorch.import" in at.success[0].value.replace("\\", "")
    assert "pip install torch" in [code.value for code in at.code]


def test_findings_are_kept_until_asked_again(opened: Callable[[list[Finding]], AppTest]):
    at = opened(GOOD)
    at.run()
    assert len(at.session_state["calls"]) == 1
    at.button(key="recheck").click().run()
    assert len(at.session_state["calls"]) == 2


def test_a_running_comparison_is_not_disturbed_unless_asked(opened: Callable[[list[Finding]], AppTest]):
    store = ComparisonStore()
    samples.begin(store, samples.new(store))
    at = opened(GOOD)
    assert not at.session_state["calls"]
    assert "would disturb it" in at.info[0].value
    at.button(key="check_anyway").click().run()
    assert len(at.session_state["calls"]) == 1
    assert at.success


def test_the_processor_chart_shows_who_uses_it(opened: Callable[[list[Finding]], AppTest]):
    at = opened(GOOD)
    table = at.dataframe[0].value
    assert table.to_dict(orient="list") == {
        "who": ["this app", "other processes", "taken by the hypervisor"],
        "cores": [0.5, 1.5, 0.25],
    }


def test_the_report_can_be_copied(opened: Callable[[list[Finding]], AppTest]):
    code = [element.value for element in opened(GOOD).code]
    assert any(text.startswith("# Framework Showdown setup check") for text in code)
    assert "python -m core doctor --deep" in code


def test_words_of_counts_and_commands():
    assert status_counts([*GOOD, finding("a", "cpu", "note"), finding("b", "cpu", "note")]) == "3 ok, 2 notes."
    assert commands_in("sudo do this") == ["sudo do this"]
    assert commands_in("Switch it off: 'echo 1 | sudo tee x' (Intel).") == ["echo 1 | sudo tee x"]
    assert commands_in("Plug the machine in.") == []
