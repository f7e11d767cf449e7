"""Sweeps on disk: the grid, and which comparison answers which of its cells.

`spec.json` comes first and never changes; `cells.jsonl` grows by a line when a cell begins and by another when it ends;
`runner.lock` is held by the process that works on the sweep, so its end is seen however it ended.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.model.run import SCHEMA_VERSION
from core.model.sweep import SweepSpec
from core.store.comparisons import ID
from core.store.files import StoreError, append_event, read_events, read_json, write_json
from core.store.home import home
from core.store.locks import hold, is_held

_LOCK, _STARTED, _CANCEL, _CELLS = "runner.lock", "started", "cancel", "cells.jsonl"
#: A process that was started and has not locked the sweep after so long never will.
_START_GRACE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """What is known of one cell that was begun."""

    comparison: str
    """Id; empty where it did not come to one."""
    state: str
    """`begun`, or how its comparison ended: `finished`, `failed` or `cancelled`."""
    reason: str = ""
    """Why there is no finished comparison."""
    duration_s: float | None = None
    time: str = ""
    """When that was written, ISO 8601, UTC."""


@dataclass(frozen=True, kw_only=True)
class StoredSweep:
    """One sweep as far as it can be read."""

    id: str
    folder: Path
    state: str
    """`starting`, `running`, `finished` (every cell has a finished comparison), `stopped` or `unreadable`."""
    spec: SweepSpec | None = None
    cells: dict[int, CellRecord] = field(default_factory=dict)
    """By the cell's index; those that were never begun are not in it."""
    problem: str = ""
    """Why it is `unreadable`, in one sentence."""

    @property
    def active(self) -> bool:
        return self.state in ("starting", "running")


class SweepStore:
    """The folder `<home>/sweeps`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or home()) / "sweeps"

    def folder(self, id: str) -> Path:
        """The folder of an id; raises StoreError for anything that is not an id."""
        if not ID.fullmatch(id):
            raise StoreError(f"'{id[:60]}' is not the id of a sweep; 'python -m core sweep list' shows them.")
        return self.root / id

    def create(self, spec: SweepSpec) -> Path:
        """Make the folder with its `spec.json`."""
        folder = self.folder(spec.id)
        folder.mkdir(parents=True)
        write_json(folder / "spec.json", spec)
        return folder

    def ids(self) -> list[str]:
        """Every id there is, newest first."""
        if not self.root.is_dir():
            return []
        return sorted((entry.name for entry in self.root.iterdir() if ID.fullmatch(entry.name) and entry.is_dir()), reverse=True)

    def all(self) -> list[StoredSweep]:
        """Every sweep, newest first, unreadable ones included."""
        return [self.load(id) for id in self.ids()]

    def load(self, id: str) -> StoredSweep:
        """One sweep; a damaged one comes back as `unreadable` with the reason. Raises StoreError where there is none of that id."""
        folder = self.folder(id)
        if not folder.is_dir():
            raise StoreError(f"There is no sweep {id}; 'python -m core sweep list' shows those there are.")
        try:
            spec = read_json(folder / "spec.json", SweepSpec)
        except FileNotFoundError:
            return StoredSweep(id=id, folder=folder, state="unreadable", problem=f"{id} has no spec.json; delete its folder {folder}.")
        except StoreError as error:
            return StoredSweep(id=id, folder=folder, state="unreadable", problem=str(error))
        if spec.schema > SCHEMA_VERSION or spec.id != id:
            why = "was made by a newer version; update this program" if spec.id == id else f"belongs to sweep {spec.id[:60]}; delete this copy"
            return StoredSweep(id=id, folder=folder, state="unreadable", problem=f"The spec in {id} {why}.")
        cells = _cells(folder, len(spec.cells))
        return StoredSweep(id=id, folder=folder, state=_state(folder, spec, cells), spec=spec, cells=cells)

    def request_cancel(self, id: str) -> None:
        """Ask the process that works on a sweep to stop; it does within a second."""
        if self.load(id).active:
            (self.folder(id) / _CANCEL).touch()

    def delete(self, id: str) -> None:
        """Remove a sweep's plan and journal for good; the comparisons of its cells stay.

        Raises StoreError while it runs.
        """
        sweep = self.load(id)
        if sweep.active:
            raise StoreError(f"Sweep {id} is {sweep.state}; stop it before you delete it.")
        try:
            sweep.folder.rename(sweep.folder.with_name(f".deleted-{id}-{secrets.token_hex(3)}"))
        except OSError as error:
            raise StoreError(f"Sweep {id} cannot be deleted ({error.strerror}); check the rights of {self.root}.") from error
        for doomed in self.root.glob(".deleted-*"):
            shutil.rmtree(doomed, ignore_errors=True)

    def mark_started(self, id: str) -> None:
        """A process is being started for this sweep."""
        (self.folder(id) / _STARTED).touch()


class SweepJournal:
    """Makes this process the one that works on a sweep, and writes down what it does; close it by `with`."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError where another process works on it."""
        lock = hold(folder / _LOCK)
        if lock is None:
            raise StoreError(f"Another process works on sweep {folder.name}; stop it first, or watch it on the Sweeps page.")
        self._lock = lock
        self._folder = folder
        for name in (_CANCEL, _STARTED):
            (folder / name).unlink(missing_ok=True)

    def __enter__(self) -> SweepJournal:
        return self

    def __exit__(self, *ended: object) -> None:
        self._lock.close()

    def cancelled(self) -> bool:
        return (self._folder / _CANCEL).exists()

    def begin(self, cell: int, comparison: str) -> dict[str, Any]:
        """A cell's comparison begins."""
        return self._say("begin", cell=cell, comparison=comparison)

    def end(self, cell: int, comparison: str, state: str, reason: str, duration_s: float) -> dict[str, Any]:
        """A cell has ended; `reason` says why it has no finished comparison."""
        return self._say("end", cell=cell, comparison=comparison, state=state, reason=reason, duration_s=duration_s)

    def _say(self, event: str, **fields: Any) -> dict[str, Any]:
        return append_event(self._folder / _CELLS, event, time=datetime.now(UTC).isoformat(timespec="milliseconds"), **fields)


def _cells(folder: Path, count: int) -> dict[int, CellRecord]:
    """The last word on each cell; what is no record of a cell of this grid is left out."""
    found: dict[int, CellRecord] = {}
    for event in read_events(folder / _CELLS)[0]:
        cell, comparison, written = event.get("cell"), event.get("comparison"), str(event.get("time", ""))
        if not isinstance(cell, int) or not 0 <= cell < count or not isinstance(comparison, str):
            continue
        if event["event"] == "begin":
            found[cell] = CellRecord(comparison=comparison, state="begun", time=written)
        elif event["event"] == "end":
            found[cell] = CellRecord(comparison=comparison, state=str(event.get("state")), reason=str(event.get("reason", "")),
                                     duration_s=event.get("duration_s"), time=written)  # fmt: skip
    return found


def _state(folder: Path, spec: SweepSpec, cells: dict[int, CellRecord]) -> str:
    if is_held(folder / _LOCK):
        return "running"
    with contextlib.suppress(FileNotFoundError):
        if time.time() - (folder / _STARTED).stat().st_mtime < _START_GRACE_S:
            return "starting"
    done = sum(cell.state == "finished" for cell in cells.values())
    return "finished" if done == len(spec.cells) else "stopped"
