"""The choice, on cells whose sum is easy to work out by hand."""

from __future__ import annotations

import pytest

from core.analysis.choose import Cell, cell, choice_table, decide, flip_words, sentence
from core.analysis.evidence import Evidence
from core.claims.criteria import CRITERIA
from core.model.criterion import JUDGEMENTS, MEASURES, Criterion
from core.model.variant import FRAMEWORKS


def judged(id: str, judgement: str) -> Cell:
    return cell(Criterion(id=id, title=id.title(), question="", judgement=judgement), [])


def measured(id: str, *ratios: tuple[float, float, float], outcome: str | None = None) -> Cell:
    """Ratios with their intervals, PyTorch over TensorFlow; a tie where the interval holds 1."""
    found = [
        Evidence(words="", outcome=outcome or ("tensorflow" if low > 1 else "pytorch" if high < 1 else "tie"), ratio=ratio, low=low, high=high)
        for ratio, low, high in ratios
    ]
    return cell(Criterion(id=id, title=id.title(), question="", measure="speed"), found)


def test_a_measured_ratio_scores_its_binary_logarithm_and_no_more_than_one():
    one = measured("speed", (2**0.5, 2**0.25, 8.0))
    assert [one.score, one.low, one.high] == pytest.approx([0.5, 0.25, 1.0])
    assert one.outcome == "tensorflow"


def test_a_tie_scores_nothing_and_keeps_its_range():
    one = measured("speed", (2**0.1, 2**-0.3, 2**0.5))
    assert (one.score, one.outcome) == (0.0, "tie")
    assert [one.low, one.high] == pytest.approx([-0.3, 0.5])


def test_workloads_that_disagree_are_called_mixed_and_their_mean_counts():
    one = measured("speed", (2.0, 1.9, 2.0), (0.5, 0.5, 0.6), (1.0, 0.9, 1.1))
    assert one.outcome == "mixed"
    assert one.score == pytest.approx(0.0)


def test_a_judgement_has_a_direction_and_no_size():
    assert (judged("a", "pytorch").score, judged("a", "pytorch").low, judged("a", "pytorch").high) == (-0.5, -1.0, 0.0)
    assert (judged("a", "equal").score, judged("a", "equal").outcome) == (0.0, "tie")
    assert (judged("a", "not_comparable").score, judged("a", "").basis) == (None, "no evidence")
    assert (judged("a", "not_comparable").basis, judged("a", "equal").basis) == ("the facts do not decide it", "judged from facts")


def test_the_users_own_judgement_goes_before_what_was_measured():
    one = cell(Criterion(id="speed", title="", question="", measure="speed"), measured("x", (2.0, 1.9, 2.1)).evidence, own="pytorch")
    assert (one.basis, one.score) == ("your own judgement", -0.5)
    assert one.evidence


def test_points_are_shared_by_score_and_weight():
    """(3 x 0.5 + 1 x -0.5) / 4 = 0.25: TensorFlow 62.5 of 100."""
    decision = decide([judged("a", "tensorflow"), judged("b", "pytorch")], {"a": 3, "b": 1})
    assert decision.points == {"tensorflow": 62.5, "pytorch": 37.5}
    assert (decision.difference, decision.low, decision.high) == (25.0, -25.0, 75.0)
    assert decision.outcome == "depends"


def test_one_leads_only_where_its_whole_range_does():
    assert decide([judged("a", "tensorflow"), judged("b", "equal")], {"a": 1, "b": 5}).outcome == "tensorflow"
    assert decide([measured("a", (0.5, 0.4, 0.6))], {"a": 1}).outcome == "pytorch"
    assert decide([judged("a", "tensorflow"), measured("b", (1.0, 0.9, 1.1))], {"a": 1, "b": 1}).outcome == "depends"


def test_a_tie_is_called_a_tie_however_wide_its_range():
    decision = decide([judged("a", "equal"), measured("b", (1.1, 0.7, 1.5))], {"a": 1, "b": 9})
    assert decision.outcome == "tie"
    assert "speaks for either framework" in sentence(decision)
    assert decision.low < 0 < decision.high


def test_what_has_no_evidence_is_left_out_and_named():
    decision = decide([judged("a", "tensorflow"), judged("b", "not_comparable"), judged("c", "")], {"a": 1, "b": 1, "c": 0})
    assert decision.points["tensorflow"] == 75.0
    assert [one.criterion.id for one in decision.left_out] == ["b"]


def test_without_any_weight_there_is_no_choice():
    assert decide([judged("a", "tensorflow")], {"a": 0}).outcome == "unknown"
    assert decide([judged("a", "not_comparable")], {"a": 5}).outcome == "unknown"


def test_the_weight_that_would_turn_it_is_told_and_does_turn_it():
    cells = [judged("a", "tensorflow"), judged("b", "pytorch"), judged("c", "pytorch")]
    decision = decide(cells, {"a": 5, "b": 2, "c": 1})
    assert [(flip.criterion.id, flip.turns_at) for flip in decision.flips] == [("a", 3.0), ("b", 4.0), ("c", 3.0)]
    assert flip_words(decision.flips[0]) == "A: below 3.0 instead of 5"
    assert flip_words(decision.flips[1]) == "B: above 4.0 instead of 2"
    assert decide(cells, {"a": 2.9, "b": 2, "c": 1}).difference < 0 < decide(cells, {"a": 3.1, "b": 2, "c": 1}).difference


def test_what_no_weight_on_the_scale_can_turn_has_no_flip():
    assert decide([judged("a", "tensorflow"), judged("b", "tensorflow")], {"a": 5, "b": 5}).flips == ()


def test_the_tables_points_add_up_to_the_decisions():
    cells, weights = [judged("a", "tensorflow"), measured("b", (0.8, 0.7, 0.9)), judged("c", "not_comparable")], {"a": 3.0, "b": 4.0, "c": 5.0}
    table = choice_table(cells, weights)
    decision = decide(cells, weights)
    assert {name: table[name].sum() for name in FRAMEWORKS} == pytest.approx(decision.points)
    assert sum(decision.points.values()) == pytest.approx(100)
    assert table["tensorflow"].to_list()[2] is None


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.id)
def test_every_criterion_can_be_measured_or_has_dated_facts_of_both_and_a_reasoned_judgement(criterion: Criterion):
    assert criterion.measure in ("", *MEASURES)
    if criterion.measure and not criterion.facts:
        assert criterion.judgement == ""
        return
    assert {fact.framework for fact in criterion.facts} == set(FRAMEWORKS)
    assert all(fact.source and fact.as_of[:4] >= "2020" and len(fact.as_of) == 10 for fact in criterion.facts)
    assert criterion.judgement in JUDGEMENTS
    assert criterion.reason


def test_criteria_have_ids_of_their_own():
    assert len({criterion.id for criterion in CRITERIA}) == len(CRITERIA)
