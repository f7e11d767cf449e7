"""The choice between the two frameworks: a score for each criterion, the sum under the user's weights, and what would turn it.

A score is a number from -1 (PyTorch) to 1 (TensorFlow). A measured ratio scores its binary logarithm, so that twice as good is
the full score, and only where its comparison showed a difference; where it did not, the score is 0, and the interval says how far
it might be from that. What is judged, from facts or by the user, scores 0.5: it has a direction and no size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import polars as pl

from core.analysis.evidence import Evidence
from core.model.criterion import JUDGEMENT_LABELS, Criterion
from core.model.variant import FRAMEWORK_LABELS

JUDGED = 0.5
MAX_WEIGHT = 10
MEASURED, FACTS, OWN, NOTHING = "measured here", "judged from facts", "your own judgement", "no evidence"
OPEN = "the facts do not decide it"
_SIGNS = {"tensorflow": 1.0, "pytorch": -1.0}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one criterion says."""

    criterion: Criterion
    basis: str
    """`measured here`, `judged from facts`, `the facts do not decide it`, `your own judgement` or `no evidence`."""
    outcome: str
    """`tensorflow`, `pytorch`, `tie`, `mixed` (not the same on every workload), or `unknown`: it counts for neither."""
    score: float | None
    """-1 (PyTorch) to 1 (TensorFlow); None where it counts for neither."""
    low: float | None
    """Where the score may lie: the interval of what was measured; of what is judged, from 0 to 1 on its side."""
    high: float | None
    evidence: tuple[Evidence, ...] = ()

    @property
    def outcome_label(self) -> str:
        return JUDGEMENT_LABELS.get(self.outcome, self.outcome)


def cell(criterion: Criterion, found: Sequence[Evidence], own: str = "") -> Cell:
    """The score of a criterion: the user's `own` judgement where there is one, else what was measured, else what the facts are judged as."""
    if own:
        return _judged(criterion, OWN, own, found)
    if found:
        scores = [_score(one) for one in found]
        score, low, high = (fmean(values) for values in zip(*scores, strict=True))
        ways = {one.outcome for one in found} - {"tie"}
        outcome = "mixed" if len(ways) > 1 else next(iter(ways), "tie")
        return Cell(criterion=criterion, basis=MEASURED, outcome=outcome, score=score, low=low, high=high, evidence=tuple(found))
    if not criterion.judgement:
        return _judged(criterion, NOTHING, "not_comparable", ())
    return _judged(criterion, OPEN if criterion.judgement == "not_comparable" else FACTS, criterion.judgement, ())


def _judged(criterion: Criterion, basis: str, judgement: str, found: Sequence[Evidence]) -> Cell:
    if judgement == "not_comparable":
        return Cell(criterion=criterion, basis=basis, outcome="unknown", score=None, low=None, high=None, evidence=tuple(found))
    if judgement == "equal":
        return Cell(criterion=criterion, basis=basis, outcome="tie", score=0.0, low=0.0, high=0.0, evidence=tuple(found))
    sign = _SIGNS[judgement]
    low, high = sorted((0.0, sign))
    return Cell(criterion=criterion, basis=basis, outcome=judgement, score=sign * JUDGED, low=low, high=high, evidence=tuple(found))


def _score(one: Evidence) -> tuple[float, float, float]:
    """Score and where it may lie, of one thing that was measured."""
    if one.ratio is None or one.low is None or one.high is None:
        sign = _SIGNS.get(one.outcome, 0.0)
        low, high = sorted((0.0, sign))
        return sign * JUDGED, low, high
    score, low, high = (max(-1.0, min(1.0, math.log2(value))) for value in (one.ratio, one.low, one.high))
    return (score if one.outcome != "tie" else 0.0), low, high


@dataclass(frozen=True, kw_only=True)
class Flip:
    """The weight of one criterion that alone would make both frameworks equal."""

    criterion: Criterion
    weight: float
    """What it is now."""
    turns_at: float
    """Beyond it, away from what it is now, the other framework leads; 0 to `MAX_WEIGHT`."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The sum of all criteria."""

    outcome: str
    """`tensorflow` or `pytorch`: it leads wherever in their ranges the scores lie. `tie`: nothing speaks for either. `depends`: the
    ranges allow both. `unknown`: nothing has a weight and evidence."""
    points: dict[str, float]
    """0 to 100 by framework; together 100."""
    difference: float
    """Points of TensorFlow over PyTorch, -100 to 100."""
    low: float
    high: float
    """Where the difference may lie if every score lies at the end of its range."""
    flips: tuple[Flip, ...]
    """Nearest first."""
    left_out: tuple[Cell, ...]
    """With a weight, but without evidence."""


def decide(cells: Sequence[Cell], weights: Mapping[str, float]) -> Decision:
    """Weigh the cells; a criterion that is not in `weights` has weight 0. Points of a cell: (1 + score) / 2 to TensorFlow, the rest to PyTorch."""
    counted = [(one, weights.get(one.criterion.id, 0.0)) for one in cells if one.score is not None]
    total = sum(weight for _, weight in counted)
    left_out = tuple(one for one in cells if one.score is None and weights.get(one.criterion.id, 0.0) > 0)
    if total <= 0:
        return Decision(outcome="unknown", points=dict.fromkeys(_SIGNS, 50.0), difference=0.0, low=0.0, high=0.0, flips=(), left_out=left_out)
    middle, low, high = (
        100 * sum(weight * (getattr(one, name) or 0.0) for one, weight in counted) / total for name in ("score", "low", "high")
    )
    if all(one.outcome == "tie" for one, weight in counted if weight > 0):
        outcome = "tie"
    elif middle > 0 and low >= 0:
        outcome = "tensorflow"
    else:
        outcome = "pytorch" if middle < 0 and high <= 0 else "depends"
    points = {"tensorflow": 50 + middle / 2, "pytorch": 50 - middle / 2}
    return Decision(outcome=outcome, points=points, difference=middle, low=low, high=high, flips=_flips(counted), left_out=left_out)


def _flips(counted: Sequence[tuple[Cell, float]]) -> tuple[Flip, ...]:
    """Of a sum S of weights times scores, the weight w - S / score of one criterion makes it 0."""
    lead = sum(weight * (one.score or 0.0) for one, weight in counted)
    found = [
        Flip(criterion=one.criterion, weight=weight, turns_at=weight - lead / one.score)
        for one, weight in counted
        if one.score and lead
    ]
    return tuple(sorted((one for one in found if 0 <= one.turns_at < MAX_WEIGHT), key=lambda one: abs(one.turns_at - one.weight)))


def sentence(decision: Decision) -> str:
    """The choice in words."""
    points = ", ".join(f"{FRAMEWORK_LABELS[name]} {value:.0f}" for name, value in decision.points.items())
    reach = f"a difference of {decision.difference:+.0f} points, which may lie anywhere from {decision.low:+.0f} to {decision.high:+.0f}"
    match decision.outcome:
        case "unknown":
            return "Nothing to choose by: no criterion has both a weight and evidence."
        case "tie":
            return f"Nothing that has a weight speaks for either framework: {points} of 100, {reach}."
        case "depends":
            return f"Neither leads for sure: {points} of 100, {reach} (above 0, TensorFlow leads)."
        case leader:
            return f"{FRAMEWORK_LABELS[leader]} fits these weights better: {points} of 100, {reach} (above 0, TensorFlow leads)."


def flip_words(flip: Flip) -> str:
    """What one weight would have to be for the other framework to lead."""
    way = "above" if flip.turns_at > flip.weight else "below"
    return f"{flip.criterion.title}: {way} {flip.turns_at:.1f} instead of {flip.weight:g}"


def choice_table(cells: Sequence[Cell], weights: Mapping[str, float]) -> pl.DataFrame:
    """One row per criterion: `criterion, weight, basis, outcome, score, low, high, tensorflow, pytorch` (points of 100 in the sum), `evidence`."""
    total = sum(weights.get(one.criterion.id, 0.0) for one in cells if one.score is not None)
    rows = []
    for one in cells:
        weight = weights.get(one.criterion.id, 0.0)
        share = 100 * weight / total if total and one.score is not None else None
        rows.append((
            one.criterion.title, weight, one.basis, one.outcome_label, one.score, one.low, one.high,
            *(None if share is None or one.score is None else share * (1 + sign * one.score) / 2 for sign in _SIGNS.values()),
            _words(one),
        ))  # fmt: skip
    schema = {"criterion": pl.String, "weight": pl.Float64, "basis": pl.String, "outcome": pl.String, "score": pl.Float64, "low": pl.Float64,
              "high": pl.Float64, "tensorflow": pl.Float64, "pytorch": pl.Float64, "evidence": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _words(one: Cell) -> str:
    if one.evidence:
        return "; ".join(found.words for found in one.evidence)
    return "; ".join(f"{fact.text} ({fact.source}, {fact.as_of})" for fact in one.criterion.facts) or "not measured here yet"
