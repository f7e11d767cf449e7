"""The Choose page: weights, what each criterion rests on, and a choice that never hides a tie."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.claims.criteria import CRITERIA
from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from tests.pages import samples
from tests.pages.apps import charts, links, open_page, words

pytestmark = pytest.mark.usefixtures("home")


def only(**weights: int) -> dict[str, str]:
    """The address with these weights and no other."""
    return {f"weight_{criterion.id}": str(weights.get(criterion.id, 0)) for criterion in CRITERIA}


def outcomes(at) -> dict[str, str]:
    """What the label of each criterion's evidence says, by its title."""
    rows = [element.label.split(" · ") for element in at.expander if element.label.count(" · ") == 2]
    return {title: f"{outcome} {basis}" for title, outcome, basis in rows}


def test_without_comparisons_facts_are_judged_and_the_rest_says_that_it_is_not_measured():
    at = open_page("choose")
    said = words(at)
    assert "Not measured here yet." in said
    assert "TorchServe was archived on 7 August 2025" in said
    assert "github.com/pytorch/serve" in said
    assert "2026-11-24" in said
    assert "judged from facts" in outcomes(at)["Production deployment"]
    assert "no evidence" in outcomes(at)["Speed here"]
    assert "Without evidence that can be weighed, and so left out:" in said
    assert charts(at)[0].startswith("Two bars of points by criterion: TensorFlow")


def test_weights_come_from_the_address_and_decide():
    assert "TensorFlow, by these weights" in words(open_page("choose", **only(deployment=5)))
    assert "PyTorch, by these weights" in words(open_page("choose", **only(research=5)))


def test_moving_a_weight_turns_the_choice_where_the_page_says_it_would():
    at = open_page("choose", **only(deployment=5, research=2))
    assert "TensorFlow 61, PyTorch 39 of 100" in words(at)
    assert "Research flexibility: above 5.0 instead of 2" in words(at)
    at.slider(key="weight_research").set_value(8).run()
    assert "TensorFlow 44, PyTorch 56 of 100" in words(at)


def test_a_tie_is_called_a_tie():
    at = open_page("choose", **only(mobile=10))
    assert "A tie" in words(at)
    assert "speaks for either framework" in words(at)


def test_without_any_weight_it_says_so_and_draws_nothing():
    at = open_page("choose", **only())
    assert "Nothing to choose by" in words(at)
    assert charts(at) == []


def test_a_comparison_of_this_machine_becomes_evidence_with_a_link_to_it():
    store = ComparisonStore()
    result = samples.finish(store, samples.new(store))
    at = open_page("choose", **only(speed=10))
    assert "measured here" in outcomes(at)["Speed here"]
    assert "PyTorch over TensorFlow 1.50 [1.48, 1.52], faster" in words(at)
    assert links(at)["Open the comparison"] == ("compare", f"comparison={result.id}")
    assert "TensorFlow, by these weights" in words(at)


def test_a_tested_claim_becomes_evidence():
    rows = ({"framework": "tensorflow", "format": "SavedModel", "same_outputs": True},
            {"framework": "pytorch", "format": "torch.export", "same_outputs": True})  # fmt: skip
    ClaimStore().save(ClaimResult(id="export", verdict="holds", reason="", rows=rows))
    at = open_page("choose")
    assert outcomes(at)["Export here"] == ":gray[tie] measured here"
    assert "TensorFlow: SavedModel; PyTorch: torch.export" in words(at)


def test_the_user_may_judge_otherwise_and_the_address_keeps_it(home: Path):
    at = open_page("choose", **only(deployment=5))
    at.selectbox(key="own_deployment").set_value("pytorch").run()
    assert "PyTorch, by these weights" in words(at)
    assert "your own judgement" in outcomes(at)["Production deployment"]
    asked = open_page("choose", **only(deployment=5), own_deployment="PyTorch better")
    assert "PyTorch, by these weights" in words(asked)
    at.selectbox(key="own_deployment").set_value("").run()
    assert "TensorFlow, by these weights" in words(at)
