"""Logging a comparison to MLflow, on a server or in a database file: its entries, then its files."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from core.model.comparison import ComparisonResult, ComparisonSpec
from core.report.files import blocks
from core.report.html import comparison_html
from core.report.markdown import comparison_markdown
from core.report.mlflow_client import MlflowError, as_one_sentence, connect, experiment_id, first_line, without_password
from core.report.mlflow_runs import ID_TAG, KIND_TAG, LOGGED_TAG, TAG_LENGTH, Entries, Entry, entries, shortened
from core.report.redaction import redacted
from core.store.bundle import program_version
from core.store.comparisons import StoredComparison
from core.store.files import read_json, write_json
from core.store.privacy import Redactor

#: Where a comparison is logged if nobody says otherwise.
EXPERIMENT = "Framework Showdown"
#: What LOGGED_TAG says of an entry that has everything.
WHOLE = "whole"

#: MLflow's own: what a run hangs below, and what its page shows at the top.
_PARENT_TAG, _DESCRIPTION_TAG = "mlflow.parentRunId", "mlflow.note.content"
#: MLflow takes no more metrics at once.
_PIECE = 1000

#: Told while a comparison is logged: steps that are done, and all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Logged:
    """Where a comparison lies in MLflow."""

    tracking_uri: str
    """Without a password."""
    experiment: str
    experiment_id: str
    run_id: str
    """Of the comparison's own run."""
    child_run_ids: tuple[str, ...]


def silent(done: int, total: int) -> None:
    """Nobody watches."""


def log_comparison(
    one: StoredComparison, tracking_uri: str, *, experiment: str = EXPERIMENT, again: bool = False, progress: Progress = silent
) -> Logged:
    """Log a comparison that has ended as a run with one child for each of its runs; user names and home folders stay here.

    Raises MlflowError, in one sentence, where it has no result, was logged to this experiment before (unless `again`), or where
    MLflow is not installed, not reached or does not take it; what was logged by then is marked as failed.
    """
    if one.spec is None or one.result is None:
        raise MlflowError(one.problem or f"Comparison {one.id} is {one.state}; wait for its end, then log it.")
    redactor = Redactor.here()
    spec, result = redacted(one.spec, redactor), redacted(one.result, redactor)
    client = connect(tracking_uri)
    with as_one_sentence(tracking_uri):
        place = experiment_id(client, experiment, tracking_uri)
        before = None if again else _logged_before(client, place, one.id)
    if before is not None:
        raise MlflowError(f"Comparison {one.id} is run {before} of the experiment '{experiment}' already; '--again' logs it anew.")
    table = redacted(blocks(one, one.result.runs), redactor)
    run_specs = redacted(_run_specs(one, one.result), redactor)
    made = entries(spec, result, events=one.events(), blocks=table, run_specs=run_specs, version=program_version())
    description = shortened(comparison_markdown(one), TAG_LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        _write_artifacts(one, spec, result, table, redactor, Path(folder))
        with as_one_sentence(tracking_uri):
            run_id, *children = _log(client, place, made, description, folder, progress)
    return Logged(tracking_uri=without_password(tracking_uri), experiment=experiment, experiment_id=place, run_id=run_id,
                  child_run_ids=tuple(children))  # fmt: skip


def _run_specs(one: StoredComparison, result: ComparisonResult) -> dict[int, dict[str, Any]]:
    """What each run was asked, by its index; without those whose file is not there."""
    found = {}
    for run in result.runs:
        with contextlib.suppress(FileNotFoundError):
            found[run.index] = read_json(one.run_folder(run.index, run.side) / "spec.json", dict[str, Any])
    return found


def _write_artifacts(
    one: StoredComparison, spec: ComparisonSpec, result: ComparisonResult, table: pl.DataFrame, redactor: Redactor, folder: Path
) -> None:
    """The files of the comparison's own entry."""
    table.write_parquet(folder / "steps.parquet")
    table.write_csv(folder / "steps.csv")
    write_json(folder / "spec.json", spec)
    write_json(folder / "result.json", result)
    with contextlib.suppress(FileNotFoundError):  # a comparison that ended before its proof has none
        write_json(folder / "parity.json", redacted(read_json(one.folder / "parity.json", dict[str, Any]), redactor))
    (folder / "report.html").write_bytes(comparison_html(one))


def _logged_before(client: Any, experiment: str, id: str) -> str | None:
    """The newest run that has all of this comparison, deleted ones aside."""
    wanted = ((ID_TAG, id), (KIND_TAG, "comparison"), (LOGGED_TAG, WHOLE))
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in wanted)
    found = client.search_runs([experiment], filter_string=condition, max_results=1)
    return str(found[0].info.run_id) if found else None


def _log(client: Any, experiment: str, made: Entries, description: str, folder: str, progress: Progress) -> list[str]:
    """Ids of the parent and its children. Whatever ends it early, what is there by then is marked as failed, with the reason."""
    open_ids: list[str] = []
    total = len(made.children) + 2

    def begin(entry: Entry, tags: dict[str, str]) -> str:
        run = client.create_run(experiment, start_time=entry.start_ms, run_name=entry.name, tags=tags)
        open_ids.append(str(run.info.run_id))
        _fill(client, open_ids[-1], entry)
        return open_ids[-1]

    try:
        ids = [begin(made.parent, {_DESCRIPTION_TAG: description})]
        progress(1, total)
        for done, child in enumerate(made.children, start=2):
            ids.append(begin(child, {_PARENT_TAG: ids[0]}))
            client.set_terminated(ids[-1], status=child.status, end_time=child.end_ms)
            open_ids.pop()
            progress(done, total)
        client.log_artifacts(ids[0], folder)
        client.set_tag(ids[0], LOGGED_TAG, WHOLE)
        client.set_terminated(ids[0], status=made.parent.status, end_time=made.parent.end_ms)
        progress(total, total)
    except BaseException as error:
        with contextlib.suppress(Exception):  # what failed may be the server; the first error is the one to tell
            for run_id in reversed(open_ids):
                client.set_tag(run_id, LOGGED_TAG, shortened(f"broken off: {first_line(error)}", TAG_LENGTH))
                client.set_terminated(run_id, status="FAILED")
        raise
    return ids


def _fill(client: Any, run_id: str, entry: Entry) -> None:
    kinds = import_module("mlflow.entities")
    params = [kinds.Param(name, text) for name, text in entry.params.items()]
    client.log_batch(run_id, params=params, tags=[kinds.RunTag(name, text) for name, text in entry.tags.items()], synchronous=True)
    metrics = [kinds.Metric(one.name, one.value, one.time_ms, one.step) for one in entry.points]
    for first in range(0, len(metrics), _PIECE):
        client.log_batch(run_id, metrics=metrics[first : first + _PIECE], synchronous=True)
