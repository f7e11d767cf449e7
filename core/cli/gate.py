"""`--fail-if`: conditions under which a command ends with an exit code that a pipeline can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from core.analysis.baseline import Beside
from core.analysis.condition import METRICS, OUTCOME_LABELS, Condition, Outcome, judge, parse_condition
from core.model.comparison import ComparisonResult

_BY_STATE = {"finished": 0, "failed": 1, "cancelled": 130}
MET, UNDECIDED = 3, 4
_COLOURS = {"met": "red", "not_met": "green", "undecided": "yellow"}

FailIfOption = Annotated[
    list[str] | None,
    typer.Option("--fail-if", metavar="CONDITION", help=f"End with exit code 3 if it is met, e.g. 'ratio > 1.05'; may be repeated. Metrics: "
                                                        f"{', '.join(METRICS)}."),
]  # fmt: skip
StrictOption = Annotated[bool, typer.Option("--strict", help="End with exit code 4 if a condition is undecided and none is met.")]


def parse_conditions(texts: Sequence[str] | None, *, baseline: bool = False) -> list[Condition]:
    """Raises ConditionError for the first that cannot be meant."""
    return [parse_condition(text, baseline=baseline) for text in texts or []]


def judge_all(conditions: Sequence[Condition], result: ComparisonResult, against: Beside | None = None) -> list[Outcome]:
    return [judge(condition, result, against) for condition in conditions]


def outcome_fields(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What is added to the JSON of a comparison; nothing where no condition was given."""
    return {"conditions": msgspec.to_builtins(list(outcomes))} if outcomes else {}


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One line each."""
    for one in outcomes:
        value = "" if one.value is None else f", it is {one.value:.6g}"
        interval = "" if one.low is None or one.high is None else f" (95 % interval {one.low:.6g} to {one.high:.6g})"
        reason = f". {one.reason}" if one.reason else ""
        console.print(f"[{_COLOURS[one.outcome]}]{OUTCOME_LABELS[one.outcome]}[/]  {escape(f'{one.condition}{value}{interval}{reason}')}",
                      soft_wrap=True, highlight=False)  # fmt: skip


def exit_code(state: str, outcomes: Sequence[Outcome] = (), *, strict: bool = False) -> int:
    """That of a comparison's end; where it finished, 0 unless a condition is met, or undecided where that counts."""
    found = {one.outcome for one in outcomes}
    if _BY_STATE[state]:
        return _BY_STATE[state]
    if "met" in found:
        return MET
    return UNDECIDED if strict and "undecided" in found else 0
