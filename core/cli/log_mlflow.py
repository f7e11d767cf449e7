"""`log-mlflow`: one comparison with all its runs into MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from core.cli.stored import IdArgument, JsonOption, print_json
from core.report.mlflow_client import local_uri
from core.report.mlflow_log import EXPERIMENT, Progress, log_comparison
from core.store.comparisons import ComparisonStore


def log_mlflow(
    id: IdArgument,
    tracking_uri: Annotated[
        str | None,
        typer.Option(
            metavar="URI", envvar="MLFLOW_TRACKING_URI", help="A server's address, or a database; sqlite:///mlflow.db if not given."
        ),
    ] = None,
    experiment: Annotated[str, typer.Option(metavar="NAME", help="MLflow's experiment; made where there is none.")] = EXPERIMENT,
    again: Annotated[bool, typer.Option("--again", help="Log it even if it was logged to this experiment before.")] = False,
    json: JsonOption = False,
) -> None:
    """Log one comparison to MLflow: a run of its own, and below it one for each of its runs, with tables and report."""
    comparison, uri = ComparisonStore().load(id), tracking_uri or local_uri(Path())
    with _progress() as progress:
        logged = log_comparison(comparison, uri, experiment=experiment, again=again, progress=progress)
    if json:
        print_json(logged)
    else:
        below = f"with {len(logged.child_run_ids)} below it"
        words = f"{id} is run {logged.run_id}, {below}, of the experiment '{experiment}' at {logged.tracking_uri}"
        Console(soft_wrap=True, highlight=False).print(words, markup=False)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("logging to MLflow"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("log", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
