"""Testing several claims: order, progress, failures, stopping and going on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import core.claims.running
from core.claims.catalogue import find_claim
from core.claims.experiment import Context
from core.claims.ledger import ledger
from core.claims.running import NOTHING_S, PlannedClaim, Runner, environment, plan
from core.machine.facts import machine_facts
from core.machine.queue import Cancelled
from core.model.claim import ClaimResult
from core.model.errors import ShowdownError
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from tests.pages import samples

#: Claims that hold the machine themselves, so that nothing here waits for it.
ASKED = ("amp", "widens", "paths")


@pytest.fixture
def store(home: Path) -> ClaimStore:
    return ClaimStore()


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the experiments that ran; each finds out that its claim holds."""
    ids: list[str] = []

    def find(id: str) -> Any:
        def experiment(context: Context) -> ClaimResult:
            ids.append(id)
            context.say("half way")
            (context.folder / "left.txt").write_text("evidence")
            return ClaimResult(id=id, verdict="holds", reason="It does.")

        return experiment

    monkeypatch.setattr(core.claims.running, "find_experiment", find)
    return ids


def run(store: ClaimStore, planned: list[PlannedClaim], *, stop_after: int | None = None, **options: Any) -> tuple[bool, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []

    def interrupted() -> bool:
        return stop_after is not None and sum(event["event"] == "claim_end" for event in events) >= stop_after

    finished = Runner(store, ComparisonStore(), events.append, interrupted).run(planned, **options)
    assert store.events() == events
    return finished, events


def test_claims_are_tested_in_the_articles_order_and_kept(store: ClaimStore, tested: list[str]):
    finished, events = run(store, plan(store, ASKED))
    assert finished
    assert tested == ["widens", "amp"]
    assert [event["id"] for event in events if event["event"] == "claim_end"] == ["widens", "paths", "amp"]
    result = store.load("amp").result
    assert result is not None
    assert (result.verdict, result.environment) == ("holds", environment(machine_facts()))
    assert result.tested
    assert result.duration_s is not None
    assert (store.folder("amp") / "experiment" / "left.txt").exists()


def test_what_cannot_be_measured_says_why(store: ClaimStore, tested: list[str]):
    run(store, plan(store, ["serving"]))
    (row,) = ledger(store, ["serving"])
    assert (row.verdict, tested) == ("not_measurable", [])
    assert "archived on 7 August 2025" in row.reason


def test_a_run_that_was_stopped_goes_on_where_it_was(store: ClaimStore, tested: list[str]):
    finished, events = run(store, plan(store, ASKED), stop_after=1)
    assert not finished
    assert events[-1]["state"] == "stopped"
    assert tested == ["widens"]
    left = plan(store, ASKED, here=environment(machine_facts()))
    assert [one.claim.id for one in left] == ["paths", "amp"]
    assert run(store, left)[0]
    assert tested == ["widens", "amp"]


def test_a_result_of_other_versions_is_tested_again(store: ClaimStore, tested: list[str]):
    run(store, plan(store, ASKED))
    here = environment(machine_facts())
    assert plan(store, ASKED, here=here) == []
    newer = {**here, "versions": {**here["versions"], "pytorch/torch": "99.0"}}
    assert [one.claim.id for one in plan(store, ASKED, here=newer)] == ["widens", "paths", "amp"]


@pytest.mark.parametrize(("error", "reason"), [(ShowdownError("There is no compiler here."), "There is no compiler here."),
                                               (ValueError("no pairs"), "The experiment failed (ValueError: no pairs)")])  # fmt: skip
def test_an_experiment_that_fails_leaves_its_claim_open_and_the_next_is_tested(
    store: ClaimStore, tested: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
):
    find = core.claims.running.find_experiment

    def failing(context: Context) -> ClaimResult:
        raise error

    monkeypatch.setattr(core.claims.running, "find_experiment", lambda id: failing if id == "widens" else find(id))
    assert run(store, plan(store, ASKED))[0]
    widens, _, amp = ledger(store, list(ASKED))
    assert (widens.verdict, amp.verdict) == ("open", "holds")
    assert reason in widens.reason


def test_a_stop_in_the_midst_of_an_experiment_leaves_nothing_said(store: ClaimStore, monkeypatch: pytest.MonkeyPatch):
    def stopped(context: Context) -> ClaimResult:
        store.request_stop()
        assert context.cancelled()
        raise Cancelled

    monkeypatch.setattr(core.claims.running, "find_experiment", lambda id: stopped)
    finished, _ = run(store, plan(store, ["amp"]))
    assert not finished
    assert ledger(store, ["amp"])[0].verdict == "open"


def test_a_claim_about_gpus_alone_is_not_run_without_one(store: ClaimStore, tested: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(core.claims.running, "gpu_visible", lambda: False)
    claim = replace(find_claim("amp"), needs_gpu=True)
    run(store, [PlannedClaim(claim=claim, estimate_s=1.0)])
    (row,) = ledger(store, ["amp"])
    assert (row.verdict, tested) == ("needs_gpu", [])
    assert "python -m core claims run amp" in row.reason


def test_a_shared_comparison_is_estimated_once(store: ClaimStore):
    times = {one.claim.id: one.estimate_s for one in plan(store, ["mnist-time", "mnist-accuracy"])}
    assert times == {"mnist-time": find_claim("mnist-time").estimate_s, "mnist-accuracy": NOTHING_S}
    assert plan(store, ["mnist-accuracy"])[0].estimate_s == find_claim("mnist-accuracy").estimate_s


def test_the_estimate_becomes_what_the_last_one_took(store: ClaimStore):
    store.save(ClaimResult(id="amp", verdict="holds", reason="", duration_s=400.0))
    assert plan(store, ["amp"])[0].estimate_s == 400.0


def test_cost_asks_for_a_price_and_keeps_it(store: ClaimStore):
    def cost() -> ClaimResult:
        found = store.load("cost").result
        assert found is not None
        assert found.verdict == "not_measurable"
        return found

    run(store, plan(store, ["cost"]))
    assert "--price-per-hour" in cost().reason
    comparisons = ComparisonStore()
    samples.finish(comparisons, samples.new(comparisons))
    run(store, plan(store, ["cost"]), price_per_hour=3.6)
    # 937 steps of 20 ms at 3.6 an hour, and one and a half times that: see tests.pages.samples.
    assert [row["cost_per_epoch"] for row in cost().rows] == pytest.approx([937 * 0.020 * 0.001, 937 * 0.030 * 0.001], rel=0.02)
    assert "would be saved with TensorFlow after about" in cost().reason
    run(store, plan(store, ["cost"]))
    assert "At 3.6 an hour" in cost().reason


def test_a_price_that_cannot_be_meant_leaves_the_claim_as_it_was(store: ClaimStore):
    run(store, plan(store, ["cost"]), price_per_hour=-1.0)
    assert "A price of -1.0 an hour is not possible" in ledger(store, ["cost"])[0].reason
