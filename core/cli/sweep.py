"""`sweep`: a grid of comparisons as one plan: run it, look at it, go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from core.analysis.sweep import WIDENS_LABELS, remaining_s, sweep_table, trends
from core.bench.referee import Observer
from core.bench.sweep import finished_results, plan_sweep, run_sweep
from core.cli.stopping import stop_asked
from core.cli.stored import JsonOption, print_json
from core.machine.facts import default_threads, gpu_visible
from core.model.comparison import PRESETS, VERDICT_LABELS
from core.model.sweep import parse_batch_sizes, parse_pair, parse_workloads
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError
from core.store.sweeps import StoredSweep, SweepStore

app = typer.Typer(help="Run a grid of comparisons: workloads x pairs of variants x batch sizes.", no_args_is_help=True)

SweepArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of a sweep, as 'sweep list' shows it.")]


@app.command()
def run(
    workloads: Annotated[str, typer.Option(metavar="NAME[:size=value,...],...", help="What to compute, e.g. mlp,resnet18:image_size=16.")],
    pair: Annotated[list[str] | None, typer.Option(metavar="A/B", help="Two variants, e.g. tensorflow/pytorch; may be given again.")] = None,
    batch_sizes: Annotated[str, typer.Option(metavar="N,...", help="Samples per step; each workload's own if not given.")] = "",
    preset: Annotated[str, typer.Option(help=f"How much to measure in each cell: {', '.join(PRESETS)}.")] = "quick",
    small: Annotated[bool, typer.Option("--small", help="Each workload's small sizes and small batch, for a machine without a GPU.")] = False,
    steps: Annotated[int | None, typer.Option(help="Measure about so many steps a run, instead of the preset's length.")] = None,
    threshold: Annotated[float, typer.Option(help="Smallest relative difference that matters to you.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of weights and sample order.")] = 1,
    json: JsonOption = False,
) -> None:
    """Plan a sweep and run it in this process; Ctrl-C stops it, 'sweep resume' goes on."""
    threads, device = default_threads(), "gpu" if gpu_visible() else "cpu"
    pairs = [parse_pair(text, threads=threads, device=device) for text in pair or ["tensorflow/pytorch"]]
    spec = plan_sweep(
        parse_workloads(workloads), pairs, batch_sizes=parse_batch_sizes(batch_sizes), preset=preset, small=small, steps=steps,
        threshold=threshold, seed=seed,
    )  # fmt: skip
    sweeps = SweepStore()
    try:
        sweeps.create(spec)
    except OSError as error:
        raise StoreError(f"The store at {sweeps.root} cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.") from error
    _work(sweeps, spec.id, json)


@app.command()
def resume(id: SweepArgument, json: JsonOption = False) -> None:
    """Run the cells of a sweep that have no finished comparison."""
    _work(SweepStore(), id, json)


@app.command("list")
def list_sweeps(json: JsonOption = False) -> None:
    """Show every sweep, newest first."""
    sweeps = SweepStore().all()
    if json:
        print_json([_summary(one) for one in sweeps])
        return
    if not sweeps:
        Console().print("No sweep yet; run one with 'python -m core sweep run --workloads mlp,mnist_cnn --small'.")
        return
    table = Table()
    for name in ("id", "state", "cells", "workloads", "pairs", "preset"):
        table.add_column(name, no_wrap=name == "id")
    for one in sweeps:
        row = _summary(one)
        names = [escape(", ".join(row[key])) for key in ("workloads", "pairs")]
        table.add_row(one.id, one.state, f"{row['finished']} of {row['cells']}", *names, row["preset"] or escape(one.problem))
    Console().print(table)


@app.command()
def show(id: SweepArgument, json: JsonOption = False) -> None:
    """Show the ratio of every cell of a sweep."""
    _print(SweepStore().load(id), json)


@app.command()
def delete(id: SweepArgument) -> None:
    """Delete a sweep; the comparisons of its cells stay."""
    SweepStore().delete(id)
    Console().print(f"{id} is deleted; its comparisons are still there.")


def _work(sweeps: SweepStore, id: str, json: bool) -> None:
    comparisons = ComparisonStore()
    stored = sweeps.load(id)
    with stop_asked() as interrupted, _progress(Console(stderr=json), stored, comparisons) as observer:
        stored = run_sweep(sweeps, comparisons, id, observer, interrupted)
        stopped = interrupted()
    _print(stored, json)
    raise typer.Exit(130 if stopped else 0 if stored.state == "finished" else 1)


@contextmanager
def _progress(console: Console, stored: StoredSweep, comparisons: ComparisonStore) -> Iterator[Observer]:
    """A bar of cells with the time that is left, and a line for each that ends."""
    clock = (TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *clock)
    spec = stored.spec
    with Progress(*columns, console=console, transient=True) as progress:
        if spec is None:
            yield lambda event: None
            return
        done = finished_results(stored, comparisons)
        took = [result.duration_s for result in done.values() if result.duration_s is not None]
        labels = {cell.index: cell.label for cell in spec.cells}

        def left() -> str:
            seconds = remaining_s(spec.preset, len(labels) - int(progress.tasks[task].completed), took)
            return f"about {max(1, round(seconds / 60))} min left"

        task = progress.add_task("starting", total=len(labels), completed=len(done), left="")

        def observe(event: dict[str, Any]) -> None:
            match event["event"]:
                case "cell_begin":
                    progress.update(task, description=escape(labels[event["cell"]]), left=left())
                case "waiting":
                    progress.update(task, description=f"waiting for {event['behind']}")
                case "pair":
                    cell = progress.tasks[task].description.partition(" · ")[0]
                    progress.update(task, description=f"{cell} · pair {event['index'] + 1} of {spec.preset.pairs}")
                case "cell_end":
                    if event["state"] == "finished":
                        took.append(event["duration_s"])
                    progress.advance(task)
                    words = "done" if event["state"] == "finished" else f"{event['state']}: {event['reason']}"
                    progress.console.print(f"{labels[event['cell']]}: {words}", markup=False)

        yield observe


def _summary(one: StoredSweep) -> dict[str, Any]:
    spec = one.spec
    return {
        "id": one.id,
        "state": one.state,
        "created": spec.created if spec else None,
        "workloads": [row.label for row in spec.workloads] if spec else [],
        "pairs": [pair.label for pair in spec.pairs] if spec else [],
        "preset": spec.preset.name if spec else None,
        "cells": len(spec.cells) if spec else 0,
        "finished": sum(cell.state == "finished" for cell in one.cells.values()),
        "problem": one.problem or None,
    }


def _print(one: StoredSweep, json: bool) -> None:
    """The table of cells, and what they say together."""
    if one.spec is None:
        raise StoreError(f"Sweep {one.id} cannot be read: {one.problem}")
    results = finished_results(one, ComparisonStore())
    reasons = {index: cell.reason for index, cell in one.cells.items()}
    cells = sweep_table(one.spec, results, reasons)
    if json:
        print_json({**_summary(one), "rows": cells.to_dicts(), "trends": trends(cells)})
        return
    console = Console()
    letters = {pair.label: f"{place}" for place, pair in enumerate(one.spec.pairs, start=1)}
    for label, letter in letters.items():
        console.print(f"pair {letter}: {label}", markup=False)
    table = Table(title=f"{one.id} · {one.state}", title_justify="left")
    for name in ("workload", "pair", "batch", "MFLOP", "B ÷ A", "95 % interval", "verdict"):
        table.add_column(name, justify="left" if name in ("workload", "verdict") else "right")
    for row in cells.rows(named=True):
        ratio, interval = ("", "") if row["ratio"] is None else (f"{row['ratio']:.3f}", f"{row['low']:.3f} – {row['high']:.3f}")
        operations = "" if row["flops_per_step"] is None else f"{row['flops_per_step'] / 1e6:,.3g}"
        verdict = VERDICT_LABELS.get(row["verdict"]) or ("no result" if row["reason"] else "not run yet")
        table.add_row(escape(row["workload"]), letters[row["pair"]], str(row["batch_size"]), operations, ratio, interval, verdict)
    console.print(table)
    for row in cells.filter(pl.col("reason") != "").rows(named=True):
        console.print(f"{row['workload']}, pair {letters[row['pair']]}, batch {row['batch_size']}: {row['reason']}", style="yellow", markup=False)
    for trend in trends(cells):
        console.print(
            f"{trend.pair}: {trend.small_ratio:.2f} at {trend.smallest}, {trend.large_ratio:.2f} at {trend.largest}; "
            f"the difference with more work per step: {WIDENS_LABELS[trend.outcome]}.", markup=False,
        )  # fmt: skip
    if one.state == "stopped":
        console.print(f"Go on with: python -m core sweep resume {one.id}", markup=False)
