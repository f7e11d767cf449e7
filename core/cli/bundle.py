"""`bundle` and `import`: comparisons with their profiles as one file, from one machine to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.store.bundle import unpack, write_bundle
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError
from core.store.privacy import Redactor


def bundle(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Comparisons, as 'list' shows them.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write it, e.g. mine.showdown.zip.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write comparisons with their profiles into one file, without names of users, home folders and the host."""
    if to.is_dir():
        raise StoreError(f"{to} is a folder; give the name of a file to write.")
    if to.exists() and not force:
        raise StoreError(f"{to} is there already; give another name, or --force to write over it.")
    store = ComparisonStore()
    contents = write_bundle(to, [store.load(id) for id in ids], Redactor.here())
    count = len(contents.comparisons)
    words = f"{count} {'comparison' if count == 1 else 'comparisons'}, {len(contents.files)} files, {to.stat().st_size / 2**20:.1f} MiB"
    Console().print(f"{to} holds {words}.", markup=False, soft_wrap=True, highlight=False)


def import_bundle(file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle, as 'bundle' writes it.")]) -> None:
    """Take the comparisons of a bundle in; one that is damaged or was changed leaves nothing behind."""
    for one in unpack(file, ComparisonStore()):
        Console().print(f"{one.id} {'is here already' if one.already_here else 'is imported'}.", markup=False, soft_wrap=True, highlight=False)
