"""The Claims page: nothing tested, everything tested, a run that goes on, and what its buttons start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import pages._parts.claim_runs
from core.claims.catalogue import CLAIMS
from core.claims.running import environment
from core.machine.facts import machine_facts
from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from tests.pages.apps import charts, links, open_page, words

RESULT = ClaimResult(
    id="widens", verdict="does_not_hold", reason="It falls from 1.4 to 0.9 <b>.", estimate=0.9, interval=(0.8, 0.95),
    estimate_is="factor per tenfold",
    comparisons=("20260101-000000-aaaaaa", "20260101-000000-bbbbbb"), tested="2026-11-24T10:00:00+00:00", duration_s=130.0,
    rows=(
        {"what": "mlp", "ratio": 1.4, "low": 1.3, "high": 1.5, "comparison": "20260101-000000-aaaaaa"},
        {"what": "resnet50", "ratio": 0.9, "low": 0.8, "high": 1.0, "comparison": "20260101-000000-bbbbbb"},
    ),
)  # fmt: skip
WATERFALL = replace(
    RESULT, id="code-same",
    rows=tuple({"knob": knob, "ratio": ratio, "low": ratio - 0.1, "high": ratio + 0.1, "comparison": id}
               for knob, ratio, id in zip(("as printed", "metrics"), (0.7, 0.9), RESULT.comparisons, strict=True)),
)  # fmt: skip


@pytest.fixture
def store(home: Path) -> ClaimStore:
    return ClaimStore()


@pytest.fixture
def started(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Arguments of the runs that the page would have started; no process is."""
    calls: list[list[str]] = []
    monkeypatch.setattr(pages._parts.claim_runs, "start_detached", lambda store, arguments: calls.append(list(arguments)))
    return calls


def here() -> dict[str, object]:
    return environment(machine_facts())


def test_before_anything_was_tested_the_page_says_so_and_what_it_would_take(store: ClaimStore):
    at = open_page("claims")
    assert "31 statements" in words(at)
    assert "None has been tested on this machine yet" in words(at)
    assert at.button(key="run_all").label == "Test what is left (31)"
    assert any("on this machine, one after the other" in caption.value for caption in at.caption)
    assert charts(at) == ["Bars: how many of the claims have which verdict: 3 not measurable, 28 not tested yet."]


def test_every_claim_shows_what_is_known_with_source_and_date(store: ClaimStore):
    text = words(open_page("claims"))
    for claim in CLAIMS:
        assert claim.says in text
        assert f"Known: {claim.known} Source: {claim.source}, as of {claim.as_of}." in text
        assert f"Experiment: {claim.experiment}" in text


def test_a_tested_claim_shows_verdict_interval_and_the_comparison_behind_it(store: ClaimStore):
    store.save(replace(RESULT, environment=here()))
    at = open_page("claims", verdict="does not hold here")
    text = words(at)
    assert "It falls from 1.4 to 0.9 <b>." in text
    assert "0.9, 95 % interval 0.8 to 0.95: factor per tenfold" in text
    assert "in 2 min 10 s" in text
    assert "on another machine" not in text
    assert links(at)["The comparison behind it (and 1 more in the evidence)"] == ("compare", "comparison=20260101-000000-bbbbbb")
    assert "red-badge[:material/cancel: does not hold here]" in text


def test_a_result_from_elsewhere_says_so(store: ClaimStore):
    store.save(RESULT)
    assert "on another machine or with other versions than now" in words(open_page("claims"))


@pytest.mark.parametrize(("result", "alt"), [(RESULT, "A point with its 95 % interval for each of 2 measurements: time of B"),
                                             (WATERFALL, "Bars: the ratio of epoch times")])  # fmt: skip
def test_evidence_is_a_chart_with_its_table_and_a_link_for_each_comparison(store: ClaimStore, result: ClaimResult, alt: str):
    store.save(result)
    at = open_page("claims", verdict="does not hold here")
    assert any(text.startswith(alt) for text in charts(at))
    assert {query for page, query in links(at).values() if page == "compare"} == {f"comparison={id}" for id in result.comparisons}


def test_a_claim_that_needs_a_gpu_shows_the_command_that_tests_it_there(store: ClaimStore):
    store.save(replace(RESULT, id="amp", verdict="needs_gpu", rows=()))
    at = open_page("claims", verdict="needs an NVIDIA GPU")
    assert "python -m core claims run amp" in [code.value for code in at.code]


def test_a_failed_attempt_is_told_and_the_claim_stays_open(store: ClaimStore):
    store.save_failure("static", "There is no C++ compiler here.", ("g++: not found",))
    at = open_page("claims", verdict="not tested yet")
    assert "The last attempt gave no result: There is no C++ compiler here." in words(at)
    assert "g++: not found" in [code.value for code in at.code]


@pytest.mark.parametrize(
    ("key", "arguments"),
    [("run_all", ["--all-here"]), ("run_all_again", ["--all-here", "--again"]), ("test_amp", ["amp"]), ("test_widens", ["widens", "--again"])],
)
def test_buttons_start_a_run(store: ClaimStore, started: list[list[str]], key: str, arguments: Sequence[str]):
    store.save(RESULT)
    open_page("claims").button(key=key).click().run()
    assert started == [arguments]


def test_a_price_goes_with_the_run(store: ClaimStore, started: list[list[str]]):
    at = open_page("claims")
    at.number_input(key="price").set_value(3.06)
    at.button(key="test_cost").click().run()
    assert started == [["cost", "--price-per-hour=3.06"]]


def test_a_run_that_goes_on_is_shown_and_can_be_stopped(store: ClaimStore):
    lock = store.begin_run()
    store.say("plan", ids=["amp", "widens"], estimates_s=[60.0, 120.0])
    store.say("claim_begin", id="amp")
    store.say("words", id="amp", text="pair 2 of 6")
    at = open_page("claims")
    assert "Now: amp: pair 2 of 6" in words(at).replace("**", "")
    assert at.button(key="test_widens").disabled
    assert "run_all" not in [button.key for button in at.button]
    at.button(key="stop_claims").click().run()
    assert store.stop_requested()
    lock.close()


def test_a_run_that_was_stopped_says_how_far_it_came(store: ClaimStore):
    lock = store.begin_run()
    store.say("plan", ids=["amp", "widens"], estimates_s=[60.0, 120.0])
    store.say("claim_begin", id="amp")
    store.say("claim_end", id="amp", verdict="holds", reason="")
    store.say("end", state="stopped")
    lock.close()
    assert "The last run was stopped after 1 of 2 claims" in words(open_page("claims"))
