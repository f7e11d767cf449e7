"""`exports`: one workload in every format of both frameworks: size, time to load, latency, and whether its outputs are the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.bench.exports import Exporter
from core.cli.stopping import stop_asked
from core.cli.stored import JsonOption, print_json
from core.machine.facts import default_threads, gpu_visible
from core.machine.queue import Cancelled, machine_lock
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS
from core.workloads.registry import resolve, workload_spec
from core.workloads.spec import parse_sizes

_STOPPED = 130


def exports(
    workload: Annotated[str, typer.Argument(help="What to export, e.g. mnist_cnn; or the folder of your own pair.")],
    size: Annotated[list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A size of it, e.g. image_size=64; may be repeated.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of every runtime; as many as physical cores if not given.", min=1)] = None,
    json: JsonOption = False,
) -> None:
    """Export a workload in every format, and ask each file in a fresh process; what is not installed is a row with the reason."""
    identifier = resolve(workload)
    sizes = workload_spec(identifier).complete(parse_sizes(size or []))
    console = Console(stderr=True)
    with stop_asked() as interrupted, tempfile.TemporaryDirectory() as folder, console.status("starting") as status:

        def say(words: str) -> None:
            status.update(escape(words))

        try:
            with machine_lock("exports", waiting=lambda holder: say(f"waiting for {holder}"), cancelled=interrupted):
                rows = Exporter(
                    workload=identifier, sizes=sizes, folder=Path(folder), threads=threads or default_threads(),
                    device="gpu" if gpu_visible() else "cpu", say=say, cancelled=interrupted,
                ).rows()  # fmt: skip
        except Cancelled:
            raise typer.Exit(_STOPPED) from None
    if json:
        print_json(rows)
    else:
        _print(Console(), rows)


def _print(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("format", no_wrap=True)
    table.add_column("runs in")
    for name in ("bytes", "export s", "load ms", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    table.add_column("outputs")
    for framework in FRAMEWORKS:
        table.add_row(f"[bold]{FRAMEWORK_LABELS[framework]}[/]")
        for row in rows:
            if row["framework"] == framework:
                numbers = (
                    _number(row["size_bytes"], ",d"), _number(row["export_s"], ".1f"), _number(row["load_ms"], ".1f"),
                    _number(row["latency_p50_ms"], ".3f"), _number(row["latency_p99_ms"], ".3f"),
                )  # fmt: skip
                table.add_row(row["format"], row["runtime"], *numbers, _outputs(row))
    console.print(table)
    for note in dict.fromkeys(f"{row['format']}: {row['note']}" for row in rows if row["note"]):
        console.print(note, markup=False, highlight=False)


def _number(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)


def _outputs(row: dict[str, Any]) -> str:
    """Largest difference to the framework's own outputs; held to a tolerance where the arithmetic is the same."""
    if row["latency_p50_ms"] is None:
        return "[yellow]not measured[/]"
    difference = _number(row["largest_difference"], ".0e")
    return {True: f"[green]same[/] ({difference})", False: f"[red]different[/] ({difference})", None: f"off by {difference}"}[row["same_outputs"]]
