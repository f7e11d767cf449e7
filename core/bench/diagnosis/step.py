"""Why loss, gradients or the optimizer's first step differ, when everything before them agrees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bench.diagnosis.evidence import Evidence, SideEvidence
from core.bench.diagnosis.reference import Numbers, softmax

_ADAM_BETA2 = 0.999
#: Epsilons that are tried, in both forms of Adam.
_EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
#: Of a large tensor, so many weights that differ most, and as many others.
_CHOSEN = 2_000
#: Weights that part by more than this share of their way follow another rule.
_RULE_SHARE = 0.01


# -- loss ------------------------------------------------------------------------------------------------------------


def loss_cause(evidence: Evidence) -> str | None:
    """Which loss each side computes from its outputs, among the ones that are usually mixed up."""
    named = [_loss_name(side, evidence.labels) for side in evidence.sides]
    if None in named or named[0] == named[1]:
        return None
    first, second = evidence.sides
    return f"Loss: {first.label} computes {named[0]}, {second.label} {named[1]}; take the mean cross-entropy of logits on both sides."


def _loss_name(side: SideEvidence, labels: NDArray[np.int64]) -> str | None:
    outputs = side.arrays["forward"].astype(np.float64)
    outputs, flat = outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1)
    if len(outputs) != len(flat):
        return None
    value = float(side.arrays["loss"])
    return next((name for name, loss in _losses(outputs, flat) if math.isclose(loss, value, rel_tol=1e-4)), None)


def _losses(outputs: Numbers, labels: NDArray[np.int64]) -> Iterator[tuple[str, float]]:
    rows = np.arange(len(labels))
    probabilities = softmax(outputs)
    with np.errstate(all="ignore"):
        # As Keras does without from_logits: clipped, then made to add up to one.
        clipped = np.clip(outputs, 1e-7, 1 - 1e-7)
        taken = np.log(clipped / clipped.sum(axis=-1, keepdims=True))
        for name, logarithms in (
            ("cross-entropy of logits", np.log(probabilities)),
            ("cross-entropy that takes the outputs for probabilities", taken),
            ("cross-entropy of a second softmax", np.log(softmax(probabilities))),
            ("negative outputs (a likelihood loss that expects log-probabilities)", outputs),
        ):
            each = -logarithms[rows, labels]
            yield f"the mean {name}", float(each.mean())
            yield f"the sum over the batch of the {name}", float(each.sum())
            for divisor in (outputs.shape[-1], len(labels)):
                yield f"the mean {name}, divided by {divisor} once more", float(each.mean() / divisor)


# -- gradients -------------------------------------------------------------------------------------------------------


def gradient_cause(evidence: Evidence, tensor: str) -> str | None:
    """A gradient that does not exist, or gradients that differ by one factor."""
    first, second = evidence.sides
    names = sorted({name for side in evidence.sides for name in side.arrays if name.startswith("gradients:")})
    for has, lacks in ((first, second), (second, first)):
        missing = [name.partition(":")[2] for name in names if name in has.arrays and name not in lacks.arrays]
        if missing:
            return (
                f"{lacks.label} has no gradient of {missing[0]}{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}: it is frozen there, or "
                f"does not take part in the loss; make it trainable on both sides or on neither."
            )
    factors = {name.partition(":")[2]: _factor(first.arrays[name], second.arrays[name]) for name in names}
    told = [factor for factor in factors.values() if factor is not None]
    if len(told) == len(names) and told and max(told) - min(told) < 1e-3 * abs(told[0]):
        size = told[0] if abs(told[0]) > 1 else 1 / told[0]
        larger = second if abs(told[0]) > 1 else first
        return f"All gradients are {size:.4g} times as large in {larger.label}: the loss that is differentiated is scaled there (sum against mean?)."
    factor = factors.get(tensor)
    if factor is not None and abs(factor - 1) > 1e-3:
        return (
            f"The gradient of {tensor} is {factor:.4g} times as large in {second.label} as in {first.label}, others agree: it is added up more than "
            "once, or scaled, on one side."
        )
    return None


def _factor(x: NDArray[Any], y: NDArray[Any]) -> float | None:
    """y / x, where one number is enough to tell it."""
    if x.shape != y.shape:
        return None
    x, y = x.astype(np.float64).ravel(), y.astype(np.float64).ravel()
    size = float(x @ x)
    if not size:
        return None
    factor = float(x @ y) / size
    return factor if np.linalg.norm(y - factor * x) <= 1e-3 * np.linalg.norm(y) else None


# -- optimizer -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """The first update of a weight w with gradient g: rate * direction + rate * decay * w."""

    kind: str
    rate: float
    decay: float
    epsilon: float
    """As it would be in the paper's form; 0 where the direction is g itself."""
    words: str
    """The epsilon in words."""


def optimizer_cause(evidence: Evidence, tensor: str) -> str | None:
    """What kind of step each side makes from the same gradient, and which of its numbers differ."""
    first, second = evidence.sides
    rules = [_rule(evidence, side, tensor) for side in evidence.sides]
    one, other = rules
    if one is None or other is None:
        return None
    if one.kind != other.kind:
        return f"Optimizer: {first.label}'s first step is {one.kind}, {second.label}'s is {other.kind}; take the same optimizer."
    parts = []
    if not math.isclose(one.rate, other.rate, rel_tol=5e-3):
        parts.append(f"a step of {_rates(one, evidence)} against {_rates(other, evidence)}")
    if not math.isclose(one.decay, other.decay, rel_tol=0.05, abs_tol=2e-4):
        parts.append(f"a weight decay of {one.decay:.2g} against {other.decay:.2g}")
    if one.epsilon != other.epsilon:
        parts.append(f"an epsilon of {one.words} against {other.words}")
    if not parts:
        return None
    matched = "; the optimizers of core.workloads.shared are matched" if one.epsilon != other.epsilon else ""
    return f"Optimizer: in {tensor}, {first.label} against {second.label}: {' and '.join(parts)}{matched}."


def _rates(rule: _Rule, evidence: Evidence) -> str:
    rates = rule.rate / evidence.learning_rate
    if math.isclose(rates, 1, rel_tol=5e-3):
        return "1 learning rate"
    uncorrected = " (as without bias correction)" if math.isclose(rates, 0.1 / math.sqrt(1 - _ADAM_BETA2), rel_tol=5e-3) else ""
    return f"{rates:.3g} learning rates{uncorrected}"


def _rule(evidence: Evidence, side: SideEvidence, tensor: str) -> _Rule | None:
    """The rule that gives this side's update of the tensor best; None where none of them does."""
    names = f"gradients:{tensor}", f"one_step:{tensor}"
    if any(name not in each.arrays for name in names for each in evidence.sides) or tensor not in evidence.weights:
        return None
    stepped = [each.arrays[names[1]].astype(np.float64).ravel() for each in evidence.sides]
    weights = evidence.weights[tensor].astype(np.float64).ravel()
    gradient = side.arrays[names[0]].astype(np.float64).ravel()
    update = weights - side.arrays[names[1]].astype(np.float64).ravel()
    if not np.any(update):
        return _Rule(kind="none at all", rate=0.0, decay=0.0, epsilon=0.0, words="")
    chosen = _telling(stepped[0] - stepped[1])
    weights, gradient, update = weights[chosen], gradient[chosen], update[chosen]
    best: tuple[float, _Rule] | None = None
    for kind, direction, epsilon, words in _directions(gradient):
        factors, *_ = np.linalg.lstsq(np.stack([direction, weights], axis=1), update, rcond=None)
        rate, taken = float(factors[0]), float(factors[1])
        left = float(np.linalg.norm(update - direction * rate - weights * taken) / np.linalg.norm(update))
        if rate and (best is None or left < best[0] * 0.98):
            best = left, _Rule(kind=kind, rate=rate, decay=taken / rate, epsilon=epsilon, words=words)
    return best[1] if best is not None and best[0] < 1e-2 else None


def _telling(apart: Numbers) -> NDArray[np.int64]:
    """The weights that differ most, and others evenly from all."""
    order = np.argsort(-np.abs(apart))
    spread = np.linspace(0, len(order) - 1, min(_CHOSEN, len(order))).astype(np.int64)
    return np.unique(np.concatenate([order[:_CHOSEN], spread]))


def _directions(gradient: Numbers) -> Iterator[tuple[str, Numbers, float, str]]:
    """The directions that a first step may have: kind, direction, epsilon in the paper's form, epsilon in words."""
    yield "along the gradient, as SGD's", gradient, 0.0, ""
    size = np.abs(gradient)
    for epsilon in _EPSILONS:
        # Keras folds the bias correction into the rate, so that after one step its epsilon counts 1 / sqrt(1 - beta2) times.
        for form, acts_as in (("the paper's form", epsilon), ("Keras's form (epsilon-hat)", epsilon / math.sqrt(1 - _ADAM_BETA2))):
            yield "about the same size for every weight, as Adam's", gradient / (size + acts_as), acts_as, f"{epsilon:g} in {form}"


# -- later steps -----------------------------------------------------------------------------------------------------


def later_steps_cause(evidence: Evidence) -> str:
    """Whether weights part as another rule makes them part, or as rounding does that an activation's decision enlarged."""
    first, second = (side.arrays for side in evidence.sides)
    names = [name for name in first if name.startswith("ten_steps:") and name in second and name.partition(":")[2] in evidence.weights]
    apart = sum(float(np.sum((first[name].astype(np.float64) - second[name]) ** 2)) for name in names)
    moved = sum(float(np.sum((first[name].astype(np.float64) - evidence.weights[name.partition(":")[2]]) ** 2)) for name in names)
    share = math.sqrt(apart / moved) if moved else 0.0
    if share > _RULE_SHARE:
        return (
            f"The first step agrees, and after ten the sides are apart by {share:.0%} of the way that the weights went: what is carried from step to "
            "step differs (momentum, betas, a schedule of the learning rate)."
        )
    return (
        f"The first step agrees, and after ten the sides are apart by {share:.2%} of the way that the weights went: that is how rounding grows where "
        "an activation or a pool decides by a hair; try another --seed or batch size."
    )
