"""Comparisons on disk: one folder each, whose state is read from what lies in it.

`spec.json` comes first, `referee.lock` is locked by the process that works on it, `result.json` is last. So a folder without
a result is an unfinished comparison, never a wrong one; and a lock, unlike a process id, ends with its process, is not
copied with the folder, and does not depend on a clock.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.model.comparison import ENDS, VERDICTS, ComparisonResult, ComparisonSpec
from core.model.run import SCHEMA_VERSION
from core.store.files import StoreError, read_events, read_json, tail, write_json
from core.store.home import home

#: Ids of comparisons, and of everything else that is made here: `new_id`.
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_LOCK = "referee.lock"
ORIGIN = "origin.json"
#: A folder whose referee has not reported after so long never had one.
_START_GRACE_S = 120.0


def new_id(now: datetime | None = None) -> str:
    """An id that sorts by time, e.g. `20261123-014255-a1b2c3` (UTC)."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where an imported comparison came from; lies beside it as `origin.json`."""

    schema: int = SCHEMA_VERSION
    imported: str
    """ISO 8601, UTC."""
    bundle: str
    """SHA-256 of the file that it came in."""
    name: str
    """What that file was called."""


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

    @property
    def origin(self) -> Origin | None:
        """None where it was made here."""
        try:
            return read_json(self.folder / ORIGIN, Origin)
        except (OSError, StoreError):
            return None

    def environment(self) -> dict[str, Any]:
        """Machine and sides with all their packages where the file is there; otherwise as the result carries them."""
        try:
            return read_json(self.folder / "environment.json", dict[str, Any])
        except (OSError, StoreError):
            return self.result.environment if self.result else {}

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
        if not ID.fullmatch(id):
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
        return sorted((entry.name for entry in self.root.iterdir() if ID.fullmatch(entry.name) and entry.is_dir()), reverse=True)

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
            _check_spec(id, spec)
            if (folder / "result.json").exists():
                _check_version(folder / "result.json")
                result = read_json(folder / "result.json", ComparisonResult)
                _check_result(id, result)
                return StoredComparison(id=id, folder=folder, state=result.state, spec=spec, result=result)
        except FileNotFoundError:
            return StoredComparison(id=id, folder=folder, state="unreadable", problem=f"{id} has no spec.json; delete it.")
        except (StoreError, OSError) as error:
            return StoredComparison(id=id, folder=folder, state="unreadable", problem=str(error))
        return StoredComparison(id=id, folder=folder, state=_unfinished_state(folder, spec), spec=spec)

    def delete(self, id: str) -> None:
        """Remove a comparison for good.

        Raises StoreError while it runs.
        """
        comparison = self.load(id)
        if not comparison.ended:
            raise StoreError(f"Comparison {id} is {comparison.state}; cancel it before you delete it.")
        try:
            comparison.folder.rename(comparison.folder.with_name(f".deleted-{id}-{secrets.token_hex(3)}"))
        except OSError as error:
            raise StoreError(f"Comparison {id} cannot be deleted ({error.strerror}); check the rights of {self.root}.") from error
        for doomed in self.root.glob(".deleted-*"):  # those of an earlier, interrupted deletion too
            shutil.rmtree(doomed, ignore_errors=True)

    def request_cancel(self, id: str) -> None:
        """Ask the referee of a comparison to stop; it does within a second."""
        comparison = self.load(id)
        if comparison.ended:
            return
        try:
            (comparison.folder / "cancel").touch()
        except OSError as error:
            raise StoreError(f"Comparison {id} cannot be told to stop ({error.strerror}); end its process instead.") from error


def claim(folder: Path) -> BinaryIO:
    """Make this process the comparison's referee for as long as the file that is returned stays open.

    Raises StoreError where another process is.
    """
    # Locked before it gets its name, so that nobody ever sees it unlocked.
    temporary = folder / f".{_LOCK}.{secrets.token_hex(4)}"
    lock = temporary.open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        os.link(temporary, folder / _LOCK)
    except FileExistsError:
        lock.close()
        raise StoreError(f"Comparison {folder.name} has a referee already; make a new one.") from None
    finally:
        temporary.unlink()
    return lock


def _has_living_referee(folder: Path) -> bool:
    """Raises FileNotFoundError where there never was one."""
    with (folder / _LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _check_spec(id: str, spec: ComparisonSpec) -> None:
    """Raises StoreError for values that no version of this program writes."""
    try:
        known = datetime.fromisoformat(spec.created).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise StoreError(f"The spec of {id} was created at '{spec.created[:40]}', which is no time with its zone; delete this comparison.")
    if spec.id != id:
        raise StoreError(f"The spec in {id} belongs to comparison {spec.id[:60]}; delete this copy.")


def _check_result(id: str, result: ComparisonResult) -> None:
    """Raises StoreError for a result that is not this comparison's, or that says what no version of this program says."""
    if result.id != id:
        raise StoreError(f"The result in {id} belongs to comparison {result.id[:60]}; delete this copy.")
    if result.state not in ENDS or result.verdict not in VERDICTS:
        raise StoreError(f"The result of {id} has state '{result.state[:40]}' and verdict '{result.verdict[:40]}', which do not exist; delete it.")


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


def _unfinished_state(folder: Path, spec: ComparisonSpec) -> str:
    try:
        if not _has_living_referee(folder):
            return "interrupted"
    except FileNotFoundError:
        age_s = (datetime.now(UTC) - datetime.fromisoformat(spec.created)).total_seconds()
        return "queued" if age_s < _START_GRACE_S else "interrupted"
    except OSError:
        return "interrupted"
    states = [event["state"] for event in read_events(folder / "events.jsonl")[0] if event["event"] == "state" and "state" in event]
    return "running" if states and states[-1] == "running" else "queued"
