"""What a framework can be chosen by, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass

#: `not_comparable`: what is known of one cannot be held against what is known of the other; it counts for neither.
JUDGEMENTS = ("tensorflow", "pytorch", "equal", "not_comparable")
JUDGEMENT_LABELS = {
    "tensorflow": "TensorFlow better",
    "pytorch": "PyTorch better",
    "equal": "equal",
    "not_comparable": "not comparable",
}
#: What of a criterion is measured on this machine.
MEASURES = ("speed", "gpu_speed", "memory", "startup", "export", "reproducibility")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that was looked up."""

    framework: str
    text: str
    source: str
    """Where it stands."""
    as_of: str
    """When it was looked up, or the source's own date where that is older; ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One row of the choice: measured here where that is possible and was done, else judged from facts."""

    id: str
    title: str
    question: str
    measure: str = ""
    """One of `MEASURES`; empty: nothing here can measure it."""
    facts: tuple[Fact, ...] = ()
    judgement: str = ""
    """One of `JUDGEMENTS`, from the facts; empty: there are none, so without a measurement nothing is known."""
    reason: str = ""
    """Why the facts are judged so, in one sentence."""
