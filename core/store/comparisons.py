"""Comparisons on disk: one folder each, whose state is read from what lies in it.

`spec.json` comes first, `referee.json` names the process that works on it, `result.json` is last. So a folder without a
result is an unfinished comparison, never a wrong one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil

from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.run import SCHEMA_VERSION
from core.store.files import StoreError, read_events, read_json, tail, write_json
from core.store.home import home

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
#: A folder whose referee has not reported after so long never had one.
_START_GRACE_S = 30.0


def new_id(now: datetime | None = None) -> str:
    """An id that sorts by time, e.g. `20261123-014255-a1b2c3` (UTC)."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, kw_only=True)
class StoredComparison:
    """One comparison as far as it can be read."""

    id: str
    folder: Path
    state: str
    """One of `core.model.comparison.STATES`, or `unreadable`."""
    spec: ComparisonSpec | None = None
    result: ComparisonResult | None = None
    problem: str = ""
    """Why it is `unreadable`, in one sentence."""

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")

    def events(self) -> list[dict[str, Any]]:
        """What the referee has reported so far."""
        return read_events(self.folder / "events.jsonl")[0]

    def run_folder(self, index: int, side: str) -> Path:
        return self.folder / "runs" / f"{index:02d}-{side}"

    def run_events(self, index: int, side: str) -> list[dict[str, Any]]:
        """What one worker has reported so far."""
        return read_events(self.run_folder(index, side) / "events.jsonl")[0]

    def run_log(self, index: int, side: str, lines: int = 20) -> tuple[str, ...]:
        """Last lines that one worker printed."""
        return tail(self.run_folder(index, side) / "log.txt", lines)


class ComparisonStore:
    """The folder `<home>/comparisons`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or home()) / "comparisons"

    def folder(self, id: str) -> Path:
        """The folder of an id; raises StoreError for anything that is not an id."""
        if not _ID.fullmatch(id):
            raise StoreError(f"'{id[:60]}' is not the id of a comparison; 'python -m core list' shows them.")
        return self.root / id

    def create(self, spec: ComparisonSpec) -> Path:
        """Make the folder with its `spec.json`."""
        folder = self.folder(spec.id)
        folder.mkdir(parents=True)
        (folder / "runs").mkdir()
        write_json(folder / "spec.json", spec)
        return folder

    def ids(self) -> list[str]:
        """Every id there is, newest first; folders with other names are not ours and are left alone."""
        if not self.root.is_dir():
            return []
        return sorted((entry.name for entry in self.root.iterdir() if _ID.fullmatch(entry.name) and entry.is_dir()), reverse=True)

    def all(self) -> list[StoredComparison]:
        """Every comparison, newest first, unreadable ones included."""
        return [self.load(id) for id in self.ids()]

    def load(self, id: str) -> StoredComparison:
        """One comparison; a damaged or newer one comes back as `unreadable` with the reason.

        Raises StoreError where there is none of that id.
        """
        folder = self.folder(id)
        if not folder.is_dir():
            raise StoreError(f"There is no comparison {id}; 'python -m core list' shows those there are.")
        try:
            _check_version(folder / "spec.json")
            spec = read_json(folder / "spec.json", ComparisonSpec)
            if (folder / "result.json").exists():
                _check_version(folder / "result.json")
                result = read_json(folder / "result.json", ComparisonResult)
                if result.id != id:
                    raise StoreError(f"The result in {id} belongs to comparison {result.id}; delete this copy.")
                return StoredComparison(id=id, folder=folder, state=result.state, spec=spec, result=result)
        except FileNotFoundError:
            return StoredComparison(id=id, folder=folder, state="unreadable", problem=f"{id} has no spec.json; delete it.")
        except (StoreError, OSError) as error:
            return StoredComparison(id=id, folder=folder, state="unreadable", problem=str(error))
        return StoredComparison(id=id, folder=folder, state=_unfinished_state(folder), spec=spec)

    def delete(self, id: str) -> None:
        """Remove a comparison for good.

        Raises StoreError while it runs.
        """
        comparison = self.load(id)
        if not comparison.ended:
            raise StoreError(f"Comparison {id} is {comparison.state}; cancel it before you delete it.")
        doomed = comparison.folder.with_name(f".deleted-{id}-{secrets.token_hex(3)}")
        comparison.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def request_cancel(self, id: str) -> None:
        """Ask the referee of a comparison to stop; it does within a second."""
        comparison = self.load(id)
        if not comparison.ended:
            (comparison.folder / "cancel").touch()


def claim(folder: Path) -> None:
    """Write down that this process is the comparison's referee."""
    process = psutil.Process()
    write_json(folder / "referee.json", {"schema": SCHEMA_VERSION, "pid": process.pid, "create_time": process.create_time()})


def _check_version(path: Path) -> None:
    """Raises StoreError where a file was written by a newer version."""
    try:
        schema = msgspec.json.decode(path.read_bytes(), type=dict).get("schema")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path.name} in {path.parent.name} is damaged ({error}); delete this comparison or restore it.") from error
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        raise StoreError(
            f"{path.parent.name} was made by a newer version (schema {schema}, this one reads {SCHEMA_VERSION}); update this program."
        )


def _unfinished_state(folder: Path) -> str:
    try:
        referee = read_json(folder / "referee.json", dict[str, Any])
        alive = psutil.Process(referee["pid"]).create_time() == referee["create_time"]
    except FileNotFoundError:
        age_s = datetime.now().timestamp() - os.stat(folder).st_mtime
        return "queued" if age_s < _START_GRACE_S else "interrupted"
    except (psutil.Error, StoreError, KeyError, TypeError, ValueError):
        return "interrupted"
    if not alive:
        return "interrupted"
    states = [event["state"] for event in read_events(folder / "events.jsonl")[0] if event["event"] == "state" and "state" in event]
    return "running" if states and states[-1] == "running" else "queued"
