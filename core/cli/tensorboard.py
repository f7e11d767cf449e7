"""`tensorboard`: profiles of comparisons as a folder that TensorBoard opens."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.report.tensorboard import lay_out, profiled
from core.store.comparisons import ComparisonStore


def tensorboard(
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to make; one that this command made before is replaced.")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Comparisons; all that were profiled if none is given.")
    ] = None,
) -> None:
    """Lay out profiles for TensorBoard with xprof and torch-tb-profiler; 'make tensorboard' does this, and opens it."""
    store = ComparisonStore()
    found, problems = profiled([store.load(id) for id in dict.fromkeys(ids)] if ids else store.all())
    if ids:  # of all there are, nobody asked about those without a profile
        notes = Console(stderr=True, soft_wrap=True, highlight=False)
        for problem in problems:
            notes.print(f"[yellow]left out:[/] {escape(problem)}")
    lay_out(found, to)
    table = Table(box=None, pad_edge=False)
    table.add_column("in TensorBoard")
    table.add_column("comparison", no_wrap=True)
    for one in found:
        table.add_row(escape(one.name), one.comparison)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"tensorboard --logdir {shlex.quote(str(to))} --host 127.0.0.1", soft_wrap=True, markup=False)
