"""`list`, `show`, `cancel` and `delete`: what is in the store."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from core.analysis.baseline import Beside, Measured, beside, environment_changes, ratio_intervals
from core.cli.gate import FailIfOption, StrictOption, exit_code, judge_all, outcome_fields, parse_conditions, print_outcomes
from core.cli.render import comparison_table, print_beside, print_result
from core.model.comparison import ComparisonResult
from core.report.measured import measured
from core.store.comparisons import ComparisonStore, StoredComparison
from core.store.files import StoreError

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of a comparison, as 'list' shows it.")]


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def as_json(comparison: StoredComparison) -> dict[str, Any]:
    """A comparison as `show --json` and `compare --json` print it; one without a result says so in the same fields."""
    result = comparison.result
    if result is None:
        words = comparison.problem or f"Comparison {comparison.id} is {comparison.state}; it has no result."
        workload = comparison.spec.workload if comparison.spec else ""
        result = ComparisonResult(id=comparison.id, state=comparison.state, workload=workload, verdict="not_comparable", sentence=words,
                                  reasons=(words,))  # fmt: skip
    fields: dict[str, Any] = msgspec.to_builtins(result)
    return {**fields, "spec": msgspec.to_builtins(comparison.spec), "origin": msgspec.to_builtins(comparison.origin)}


def list_comparisons(json: JsonOption = False) -> None:
    """Show every comparison, newest first."""
    comparisons = ComparisonStore().all()
    if json:
        print_json([_row(one) for one in comparisons])
    elif comparisons:
        Console().print(comparison_table(comparisons))
    else:
        Console().print("No comparison yet; run one with 'python -m core compare mnist_cnn --a tensorflow --b pytorch'.")


def _row(one: StoredComparison) -> dict[str, Any]:
    spec, result = one.spec, one.result
    return {
        "id": one.id,
        "state": one.state,
        "created": spec.created if spec else None,
        "workload": spec.workload if spec else None,
        "a": spec.a.text if spec else None,
        "b": spec.b.text if spec else None,
        "preset": spec.preset.name if spec else None,
        "verdict": result.verdict if result else None,
        "faster_side": result.faster_side if result else None,
        "ratio": result.ratio if result else None,
        "interval_95": result.interval_95 if result else None,
        "problem": one.problem or None,
    }


def show(
    id: IdArgument,
    baseline: Annotated[str | None, typer.Option(metavar="ID", help="Hold it against this one, of another version or machine.")] = None,
    fail_if: FailIfOption = None,
    strict: StrictOption = False,
    json: JsonOption = False,
) -> None:
    """Show one comparison with its verdict, alone or against another."""
    conditions = parse_conditions(fail_if, baseline=baseline is not None)
    if baseline == id:
        raise StoreError(f"Comparison {id} cannot be its own baseline; give --baseline the id of another one.")
    store = ComparisonStore()
    comparison = store.load(id)
    pair = None if baseline is None else (measured(comparison), measured(store.load(baseline)))
    against = beside(*pair) if pair else None
    if conditions and comparison.result is None:
        raise StoreError(comparison.problem or f"Comparison {id} is {comparison.state}; a condition needs one that has ended.")
    outcomes = judge_all(conditions, comparison.result, against) if comparison.result else []
    if json:
        fields = {} if pair is None or against is None else {"baseline": {"id": baseline, **_beside_fields(*pair, against)}}
        print_json({**as_json(comparison), **fields, **outcome_fields(outcomes)})
    elif comparison.spec is not None and comparison.result is not None:
        print_result(Console(), comparison.spec, comparison.result)
        if (origin := comparison.origin) is not None:
            Console().print(f"imported {origin.imported} from {origin.name}", style="dim", markup=False, highlight=False)
        if pair is not None and against is not None:
            print_beside(Console(), str(baseline), against, environment_changes(*pair))
    else:
        Console().print(comparison_table([comparison]))
    print_outcomes(Console(stderr=json), outcomes)
    if conditions:
        raise typer.Exit(exit_code(comparison.state, outcomes, strict=strict))


def _beside_fields(this: Measured, baseline: Measured, against: Beside) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(against)
    return {**fields, "ratios": ratio_intervals(this, baseline, against).to_dicts(), "changes": environment_changes(this, baseline).to_dicts()}


def cancel(id: IdArgument) -> None:
    """Stop a comparison that waits or runs."""
    store = ComparisonStore()
    comparison = store.load(id)
    store.request_cancel(id)
    Console().print(f"{id} is {comparison.state} already." if comparison.ended else f"{id} will stop within a second.")


def delete(id: IdArgument) -> None:
    """Delete one comparison with all its runs and profiles."""
    ComparisonStore().delete(id)
    Console().print(f"{id} is deleted.")
