"""What the report of a comparison is made of: everything that the store has of it, with nothing private left in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from core.charts.palette import Sides, sides_of
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.report import files, words
from core.report.figure import ReportError
from core.report.recording import Recording
from core.report.redaction import redacted
from core.store.comparisons import StoredComparison
from core.store.privacy import Redactor


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A comparison's spec and result, and what holds for both."""

    id: str
    spec: ComparisonSpec
    result: ComparisonResult
    sides: Sides
    made_up: bool
    """Is the data that the workload trains on made up?"""


@dataclass(frozen=True, kw_only=True)
class Material(Verdict):
    """With what lies in the files beside them."""

    environment: dict[str, Any]
    """`machine`, `a` and `b`, with all packages where they are still there."""
    blocks: pl.DataFrame
    """Every timed block of every run, as `core.report.files.blocks`."""
    samples: list[dict[str, Any]]
    """The machine's load, oldest first."""
    events: list[dict[str, Any]]
    """What the referee reported."""
    recordings: tuple[Recording, ...]
    """The readable profiles, side A before side B."""
    problems: dict[str, str]
    """Why a side has no profile."""


def verdict_of(one: StoredComparison, redactor: Redactor) -> Verdict:
    """Spec and result without anything private. Raises ReportError where there is no result."""
    if one.spec is None or one.result is None:
        raise ReportError(one.problem or f"Comparison {one.id} is {one.state}; a report needs its result, so wait for it or run it again.")
    # Before it is redacted: the name of one's own workload is a folder of this machine.
    made_up = words.made_up_data(one.spec.workload)
    spec, result = redacted(one.spec, redactor), redacted(one.result, redactor)
    return Verdict(id=one.id, spec=spec, result=result, sides=sides_of(spec), made_up=made_up)


def gather(one: StoredComparison, redactor: Redactor) -> Material:
    """Everything, without anything private; profiles that were never opened are read, which takes a moment.

    Raises ReportError where there is no result, StoreError where a file is damaged.
    """
    found = verdict_of(one, redactor)
    traces, problems = files.profiles(one)
    layers = files.declared_layers(one)
    recordings = [
        Recording(
            side=side, label=found.sides.name(side), short=found.sides.short_a if side == "a" else found.sides.short_b,
            trace=redacted(trace, redactor), declared=redacted(tuple(layers.get(side, ())), redactor),
        )
        for side, trace in traces.items()
    ]  # fmt: skip
    return Material(
        id=found.id, spec=found.spec, result=found.result, sides=found.sides, made_up=found.made_up,
        environment=redacted(one.environment(), redactor),
        blocks=redacted(files.blocks(one, found.result.runs), redactor),
        samples=files.load_samples(one), events=redacted(one.events(), redactor), recordings=tuple(recordings),
        problems=redacted(problems, redactor),
    )  # fmt: skip
