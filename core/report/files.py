"""What lies in a comparison's folder beside its spec and its result: blocks, load, layers and profiles, as far as they are there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from core.bench.collect import STEPS_SCHEMA
from core.model.comparison import SIDES
from core.model.run import RunResult
from core.store.comparisons import StoredComparison
from core.store.files import StoreError, read_json
from core.store.home import traces_folder
from core.traces.cache import open_trace
from core.traces.read import find_profile
from core.traces.schema import Trace, TraceError


def blocks(one: StoredComparison, runs: Iterable[RunResult]) -> pl.DataFrame:
    """Every timed block of these runs: `run, role, side, pair` and the columns of `steps.parquet`; missing files are left out.

    Raises StoreError for a damaged one.
    """
    frames = []
    for run in runs:
        path = one.run_folder(run.index, run.side) / "steps.parquet"
        if path.exists():
            keys = [pl.lit(run.index).alias("run"), pl.lit(run.role).alias("role"), pl.lit(run.side).alias("side"),
                    pl.lit(run.pair, dtype=pl.Int64).alias("pair")]  # fmt: skip
            try:
                frames.append(pl.read_parquet(path).select(*keys, *STEPS_SCHEMA))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise StoreError(f"{path.name} of run {run.index} in {one.id} cannot be read; delete this comparison or restore it.") from error
    schema = {"run": pl.Int32, "role": pl.String, "side": pl.String, "pair": pl.Int64, **STEPS_SCHEMA}
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def load_samples(one: StoredComparison) -> list[dict[str, Any]]:
    """What the load sampler wrote about the machine, oldest first; a half-written last line is left out."""
    path = one.folder / "samples.jsonl"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return [sample for line in lines if isinstance(sample := _json(line), dict) and "time_s" in sample]


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def declared_layers(one: StoredComparison) -> dict[str, list[tuple[str, str]]]:
    """Name and kind of each layer by side, as the parity runs counted them; empty where that is not known."""
    try:
        layers: dict[str, list[dict[str, Any]]] = read_json(one.folder / "parity.json", dict[str, Any])["layers"]
    except (OSError, StoreError, KeyError):
        return {}
    return {side: [(layer["name"], layer["kind"]) for layer in found] for side, found in layers.items()}


def profile_files(one: StoredComparison) -> tuple[dict[str, Path], dict[str, str]]:
    """What the profiled runs recorded by side, and for each other side the sentence that says why there is nothing."""
    assert one.result is not None
    found: dict[str, Path] = {}
    problems: dict[str, str] = {}
    for side in SIDES:
        run = next((run for run in one.result.runs if run.role == "profile" and run.side == side), None)
        if run is None:
            problems[side] = "It was not profiled."
        elif run.error is not None:
            problems[side] = run.error.message
        else:
            try:
                found[side] = find_profile(one.run_folder(run.index, side) / "profile")
            except TraceError as error:
                problems[side] = str(error)
    return found, problems


def profiles(one: StoredComparison) -> tuple[dict[str, Trace], dict[str, str]]:
    """The recordings of the profiled runs by side, and for each other side the sentence that says why there is none."""
    files, problems = profile_files(one)
    found: dict[str, Trace] = {}
    for side, path in files.items():
        try:
            found[side] = open_trace(path, traces_folder())
        except TraceError as error:
            problems[side] = str(error)
    return found, problems
