"""Keep what was read of a trace, so that opening it again costs nothing: one folder per content of a file."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from core.store.files import write_json, write_whole
from core.traces.read import read_source
from core.traces.schema import EVENT_SCHEMA, MEMORY_SCHEMA, SCHEMA_VERSION, Facts, Trace, TraceError
from core.traces.sources import CHUNK_BYTES, LIMITS, Limits, Progress, Source, silent

EVENTS = "events.parquet"
MEMORY = "memory.parquet"
FACTS = "facts.json"
_KNOWN = "known.json"
_MOST_KNOWN = 2000


def digest(path: Path) -> str:
    """SHA-256 of a file's content; raises TraceError where it cannot be read."""
    return digest_of(Source.of(path))


def digest_of(source: Source) -> str:
    """SHA-256 of a recording's bytes as they lie there; raises TraceError where they cannot be read."""
    try:
        hashed = hashlib.sha256()
        with source.open() as file:
            while chunk := file.read(CHUNK_BYTES):
                hashed.update(chunk)
        return hashed.hexdigest()
    except OSError as error:
        raise TraceError(f"{source.name} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True)
class Sources:
    """Digests of files that were opened before, so that a large one is not read through again while it is the same file: same
    place, size and time of its last change.
    """

    folder: Path

    def digest(self, path: Path) -> str:
        """SHA-256 of the file's content. Raises TraceError."""
        key = str(path.resolve())
        try:
            status = path.stat()
            state = [status.st_size, status.st_mtime_ns, status.st_ino]
        except OSError:
            return digest(path)  # says why
        known = self._known()
        before = known.get(key)
        if isinstance(before, list) and before[:-1] == state and isinstance(before[-1], str):
            return before[-1]
        found = digest(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(self.folder / _KNOWN, dict([*known.items(), (key, [*state, found])][-_MOST_KNOWN:]))
        except OSError:
            pass  # it is only quicker with it
        return found

    def _known(self) -> dict[str, Any]:
        try:
            return msgspec.json.decode((self.folder / _KNOWN).read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}


def open_trace(path: Path, folder: Path, *, progress: Progress = silent, limits: Limits = LIMITS) -> Trace:
    """The trace in `path`, from `<folder>/<digest of the file>/` where it was opened before, else read and kept there.

    A kept trace that is damaged or of another schema version is read anew; one that cannot be kept for want of room is given all
    the same. Raises TraceError.
    """
    kept = folder / Sources(folder).digest(path)
    trace = load(kept)
    if trace is None:
        trace = read_source(Source.of(path), progress=progress, limits=limits)
        try:
            save(trace, kept)
        except OSError:
            pass
    return trace


def load(kept: Path) -> Trace | None:
    """The trace kept in a folder; None where there is none, a damaged one, or one of another version."""
    facts = load_facts(kept)
    if facts is None:
        return None
    try:
        events, memory = pl.read_parquet(kept / EVENTS), pl.read_parquet(kept / MEMORY)
    except (OSError, pl.exceptions.PolarsError):
        return None
    if events.schema != EVENT_SCHEMA or memory.schema != MEMORY_SCHEMA or len(events) + len(memory) != facts.coverage.events_read:
        return None
    return Trace(events=events, memory=memory, facts=facts)


def load_facts(kept: Path) -> Facts | None:
    """The facts alone."""
    try:
        facts = msgspec.json.decode((kept / FACTS).read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return facts if facts.schema == SCHEMA_VERSION else None


def save(trace: Trace, kept: Path) -> None:
    """Keep a trace; the facts are written last, so that a folder with them is whole. Raises OSError."""
    kept.mkdir(parents=True, exist_ok=True)
    for name, frame in ((EVENTS, trace.events), (MEMORY, trace.memory)):
        packed = io.BytesIO()
        frame.write_parquet(packed, compression="lz4", statistics=False)
        write_whole(kept / name, packed.getbuffer())
    write_whole(kept / FACTS, msgspec.json.encode(trace.facts))
