"""Keep what was read of a trace, so that opening it again costs nothing: one folder per content of a file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import msgspec
import polars as pl

from core.store.files import write_whole
from core.traces.read import read_trace
from core.traces.schema import EVENT_SCHEMA, SCHEMA_VERSION, Facts, Trace, TraceError

EVENTS = "events.parquet"
FACTS = "facts.json"


def digest(path: Path) -> str:
    """SHA-256 of a file's content; raises TraceError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TraceError(f"{path.name} cannot be read: {error.strerror}.") from error


def open_trace(path: Path, folder: Path) -> Trace:
    """The trace in `path`, from `<folder>/<digest of the file>/` where it was opened before, else read and kept there.

    A kept trace that is damaged or of another schema version is read anew. Raises TraceError.
    """
    kept = folder / digest(path)
    trace = load(kept)
    if trace is None:
        trace = read_trace(path)
        save(trace, kept)
    return trace


def load(kept: Path) -> Trace | None:
    """The trace kept in a folder; None where there is none, a damaged one, or one of another version."""
    try:
        facts = msgspec.json.decode((kept / FACTS).read_bytes(), type=Facts)
        if facts.schema != SCHEMA_VERSION:
            return None
        events = pl.read_parquet(kept / EVENTS)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, pl.exceptions.PolarsError):
        return None
    if events.schema != EVENT_SCHEMA or len(events) != facts.coverage.events_read:
        return None
    return Trace(events=events, facts=facts)


def save(trace: Trace, kept: Path) -> None:
    """Keep a trace; the facts are written last, so that a folder with them is whole."""
    kept.mkdir(parents=True, exist_ok=True)
    events = io.BytesIO()
    trace.events.write_parquet(events)
    write_whole(kept / EVENTS, events.getbuffer())
    write_whole(kept / FACTS, msgspec.json.encode(trace.facts))
