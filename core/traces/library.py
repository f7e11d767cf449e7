"""The recordings that a person keeps: brought by upload or opened from a folder, each named by the digest of its content.

```
<folder>/<digest>/  source-*  the file itself, where it was uploaded
                    entry.json  what it is called, where it came from, when
                    events.parquet  memory.parquet  facts.json  (a trace; see core.traces.cache)
```
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.store.files import StoreError, read_json, write_json, write_whole
from core.traces import cache, read, sources
from core.traces.cache import Sources
from core.traces.safe_pickle import MAX_BYTES
from core.traces.schema import Facts, Trace, TraceError
from core.traces.snapshot import Snapshot, is_snapshot, read_snapshot
from core.traces.sources import LIMITS, Limits, Progress, Source, silent

ENTRY = "entry.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SOURCE = "source"
#: What a folder is searched for, and how far.
SUFFIXES = (".pt.trace.json", ".pt.trace.json.gz", ".json", ".json.gz", ".xplane.pb", ".xplane.pb.gz", ".pickle", ".pickle.gz")
_MOST_FILES = 512


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One recording in the library."""

    schema: int = 1
    digest: str
    name: str
    """What its file is called."""
    kind: str
    """`trace` or `snapshot`."""
    path: str | None = None
    """Where it lies, if not in the library itself."""
    group: str | None = None
    """The folder that it was opened with: recordings of one group are ranks of one run."""
    size_bytes: int
    added: str
    """ISO 8601, UTC."""


class TraceLibrary:
    """The folder `<home>/traces`; or another one, which shows the recordings of that beside its own."""

    def __init__(self, root: Path, *, beside: TraceLibrary | None = None) -> None:
        """`beside`: a library whose recordings are found here too, and stay as they are."""
        self.root = root
        self.beside = beside

    def all(self) -> list[Entry]:
        """Everything that was brought here, newest first; caches of a comparison's own profiles are not."""
        found = {} if self.beside is None else {entry.digest: entry for entry in self.beside.all()}
        found |= {entry.digest: entry for entry in self.own()}
        return sorted(found.values(), key=lambda entry: (entry.added, entry.name), reverse=True)

    def own(self) -> list[Entry]:
        """What lies in this library itself, in no order."""
        if not self.root.is_dir():
            return []
        folders = (folder for folder in self.root.iterdir() if _DIGEST.fullmatch(folder.name))
        return [entry for folder in folders if (entry := self._entry(folder)) is not None]

    def owns(self, digest: str) -> bool:
        """Does the recording lie in this library itself?"""
        return _DIGEST.fullmatch(digest) is not None and (self.root / digest / ENTRY).is_file()

    def get(self, digest: str) -> Entry:
        """Raises TraceError where there is none."""
        entry = self._entry(self._folder(digest)) if _DIGEST.fullmatch(digest) else None
        if entry is None:
            raise TraceError(f"There is no trace '{digest[:16]}' in the library; the Library page shows those there are.")
        return entry

    def upload(self, name: str, data: bytes, *, progress: Progress = silent, limits: Limits = LIMITS) -> Entry:
        """Keep a file and what is in it.

        Raises TraceError where it cannot be read (then nothing is kept), StoreError where there is no room.
        """
        source = Source(name=Path(name).name[:120] or "upload", data=data)
        return self._add(source, cache.digest_of(source), group=None, progress=progress, limits=limits)

    def open_file(self, path: Path, *, group: str | None = None, progress: Progress = silent, limits: Limits = LIMITS) -> Entry:
        """Read a file where it lies; only what was read of it is kept. Raises TraceError."""
        source = Source.of(path)
        return self._add(source, Sources(self.root).digest(path), group=group, progress=progress, limits=limits)

    def trace(self, digest: str) -> Trace:
        """The recording's trace, from the cache; read anew where that is gone. Raises TraceError."""
        entry = self.get(digest)
        kept = cache.load(self._folder(digest))
        if kept is None:
            kept = read.read_source(self._source(entry))
            try:
                cache.save(kept, self._folder(digest))
            except OSError:
                pass  # it is only quicker with it
        return kept

    def snapshot(self, digest: str) -> Snapshot:
        """The memory snapshot. Raises TraceError."""
        return _snapshot(self._source(self.get(digest)))

    def facts(self, digest: str) -> Facts | None:
        """Facts of a trace without its events; None for a snapshot, or where they have to be read anew."""
        return cache.load_facts(self._folder(digest))

    def ranks(self, entry: Entry) -> list[Entry]:
        """The traces of the run that this one is a rank of, itself included, in order of their names; alone where it came alone."""
        if entry.group is None or entry.kind != "trace":
            return [entry]
        return sorted((one for one in self.all() if one.group == entry.group and one.kind == "trace"), key=lambda one: one.name)

    def delete(self, digest: str) -> None:
        """Remove a recording and what was read of it; a file outside the library stays where it is. Raises TraceError,
        StoreError.
        """
        entry = self.get(digest)
        if not self.owns(digest):
            raise StoreError(f"{entry.name} is part of what is shown here to everybody; it stays.")
        folder = self.root / digest
        doomed = folder.with_name(f".deleted-{digest[:16]}-{secrets.token_hex(3)}")
        try:
            folder.rename(doomed)
        except OSError as error:
            raise StoreError(f"The trace cannot be deleted ({error.strerror}); check the rights of {self.root}.") from error
        shutil.rmtree(doomed, ignore_errors=True)

    def size_bytes(self, digest: str) -> int:
        """What it takes on disk here."""
        return sum(path.stat().st_size for path in self._folder(digest).glob("*") if path.is_file())

    def _add(self, source: Source, digest: str, *, group: str | None, progress: Progress, limits: Limits) -> Entry:
        folder = self.root / digest
        known, there = self._entry(folder), folder.exists()
        kind = known.kind if known else "snapshot" if is_snapshot(sources.head(source, limits)) else "trace"
        try:
            if kind == "snapshot":
                if known is None:
                    _snapshot(source, limits)
            elif cache.load_facts(folder) is None:
                cache.save(read.read_source(source, progress=progress, limits=limits), folder)
            folder.mkdir(parents=True, exist_ok=True)
            if source.data is not None:
                write_whole(folder / f"{_SOURCE}-{_safe(source.name)}", source.data)
            entry = Entry(
                digest=digest, name=source.name, kind=kind, path=str(source.path.resolve()) if source.path else None, group=group,
                size_bytes=source.size_bytes, added=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )  # fmt: skip
            write_json(folder / ENTRY, entry)
        except OSError as error:
            if not there:
                shutil.rmtree(folder, ignore_errors=True)
            raise StoreError(
                f"The trace cannot be kept in {self.root} ({error.strerror}); free some space or set SHOWDOWN_HOME."
            ) from error
        return entry

    def _source(self, entry: Entry) -> Source:
        kept: Iterator[Path] = self._folder(entry.digest).glob(f"{_SOURCE}-*")
        own = next(kept, None)
        path = own or (Path(entry.path) if entry.path else None)
        if path is None or not path.exists():
            raise TraceError(f"{entry.name} is no longer at {entry.path or 'its place in the library'}; open it again.")
        return Source(name=entry.name, path=path)

    def _folder(self, digest: str) -> Path:
        own = self.root / digest
        return own if self.beside is None or self.owns(digest) else self.beside._folder(digest)

    @staticmethod
    def _entry(folder: Path) -> Entry | None:
        try:
            return read_json(folder / ENTRY, Entry)
        except (OSError, StoreError):
            return None


def recordings_in(folder: Path) -> list[Path]:
    """Files below a folder that look like recordings, in order of their names.

    Raises TraceError where there is none, or so many that the folder is surely the wrong one.
    """
    if not folder.is_dir():
        raise TraceError(f"There is no folder {folder}.")
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.endswith(SUFFIXES))
    if not found:
        raise TraceError(f"There is no recording in {folder}: looked for {', '.join(SUFFIXES)}.")
    if len(found) > _MOST_FILES:
        raise TraceError(f"{folder} holds {len(found):,} such files, more than {_MOST_FILES}; open the folder of one run.")
    return found


def _snapshot(source: Source, limits: Limits = LIMITS) -> Snapshot:
    most_bytes = min(MAX_BYTES, limits.text_bytes)
    return read_snapshot(sources.whole(source, limits=Limits(text_bytes=most_bytes)), source.name)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)[-100:]
