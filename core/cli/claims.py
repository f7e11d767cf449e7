"""`claims`: the article's statements, and testing them on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from core.claims.catalogue import CLAIMS
from core.claims.ledger import LedgerRow, ledger
from core.claims.running import Observer, PlannedClaim, Runner, environment, plan, total_s
from core.cli.stopping import stop_asked
from core.cli.stored import JsonOption, print_json
from core.machine.facts import machine_facts
from core.model.claim import CLAIM_VERDICT_LABELS
from core.model.errors import ShowdownError
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError

_COLOURS = {"holds": "green", "does_not_hold": "red", "cannot_tell": "yellow", "needs_gpu": "cyan", "not_measurable": "dim", "open": "dim"}

app = typer.Typer(help="The article's statements: what each says, what is known, and whether it holds on this machine.")


class NothingNamed(ShowdownError):
    """A run of no claims."""


@app.callback(invoke_without_command=True)
def claims(context: typer.Context, json: JsonOption = False) -> None:
    """List the article's statements; 'claims run' tests them."""
    if context.invoked_subcommand is None:
        _print(ledger(ClaimStore()), json)


@app.command("list")
def list_claims(json: JsonOption = False) -> None:
    """Show every statement with its verdict on this machine."""
    _print(ledger(ClaimStore()), json)


@app.command()
def run(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Claims, as 'claims list' shows them.")] = None,
    all_here: Annotated[bool, typer.Option("--all-here", help="Every claim without a result from this machine and these versions.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --all-here also those that have one; comparisons are made anew.")] = False,
    price_per_hour: Annotated[float | None, typer.Option(help="Price of an hour of this machine, for the claim 'cost'.")] = None,
    json: JsonOption = False,
) -> None:
    """Test claims on this machine; Ctrl-C stops it, and the same command goes on."""
    if not ids and not all_here:
        raise NothingNamed("Name the claims to test, or give --all-here for all; 'python -m core claims' lists them.")
    store = ClaimStore()
    console = Console(stderr=json)
    here = None if again or ids else environment(machine_facts())
    planned = plan(store, ids or [claim.id for claim in CLAIMS], here=here)
    if not ids:
        console.print(f"{len(planned)} of {len(CLAIMS)} claims to test, about {_minutes(total_s(planned))} on this machine.")
    try:
        with stop_asked() as interrupted, _progress(console, planned) as observer:
            finished = Runner(store, ComparisonStore(), observer, interrupted).run(planned, again=again, price_per_hour=price_per_hour)
    except OSError as error:
        raise StoreError(f"The store at {store.root} cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.") from error
    _print(ledger(store, [one.claim.id for one in planned]), json)
    raise typer.Exit(0 if finished else 130)


@contextmanager
def _progress(console: Console, planned: Sequence[PlannedClaim]) -> Iterator[Observer]:
    """A bar over the time that all are estimated to take, what is done now, and a line for each claim that ends."""
    estimates = {one.claim.id: one.estimate_s for one in planned}
    columns = (SpinnerColumn(), TextColumn("{task.fields[count]}"), BarColumn(), TextColumn("{task.fields[left]}"), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=total_s(planned), count="", left="")
        over: list[str] = []
        began = time.monotonic()

        def show(id: str, words: str) -> None:
            done_s = sum(estimates[one] for one in over) + min(time.monotonic() - began, estimates[id])
            left = _minutes(max(0.0, total_s(planned) - done_s))
            progress.update(task, completed=done_s, count=f"{len(over) + 1} of {len(estimates)}", left=f"about {left} left",
                            description=escape(f"{id}: {words}"))  # fmt: skip

        def observe(event: dict[str, Any]) -> None:
            nonlocal began
            match event["event"]:
                case "claim_begin":
                    began = time.monotonic()
                    show(event["id"], "starting")
                case "words":
                    show(event["id"], event["text"])
                case "claim_end":
                    over.append(event["id"])
                    progress.console.print(f"{event['id']}: {CLAIM_VERDICT_LABELS[event['verdict']]}. {event['reason']}", markup=False)

        yield observe


def _print(rows: list[LedgerRow], json: bool) -> None:
    if json:
        print_json([row.as_json() for row in rows])
        return
    table = Table(show_lines=True)
    table.add_column("id", no_wrap=True)
    for name in ("the article says", "verdict here", "reason"):
        table.add_column(name)
    for row in rows:
        label = CLAIM_VERDICT_LABELS[row.verdict]
        table.add_row(row.claim.id, escape(row.claim.says), f"[{_COLOURS[row.verdict]}]{label}[/]", escape(row.reason))
    Console().print(table)
    counts = {label: sum(row.verdict == verdict for row in rows) for verdict, label in CLAIM_VERDICT_LABELS.items()}
    Console().print(", ".join(f"{count} {label}" for label, count in counts.items() if count))


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
