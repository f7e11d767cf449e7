"""What testing the article's claims gave: the last result of each, and how far a running test of several is.

    <home>/claims/<id>/result.json   the last result, written whole
                       failure.json  why the last attempt gave none; gone as soon as one does
                       experiment/   what the last experiment left
    <home>/claims/run/runner.lock    held by the process that tests claims, one at a time
                      events.jsonl   what it has done; of the last run where none is going on
                      cancel         asks it to stop
                      started        touched when such a process is started, until it holds the lock
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.model.claim import CLAIM_VERDICTS, ClaimResult
from core.model.run import SCHEMA_VERSION
from core.store.files import StoreError, append_event, read_events, write_json
from core.store.home import home
from core.store.locks import hold, is_held

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: The folder of the runner; no claim is called so.
RUN = "run"
#: A process that was started and does not hold the lock after so long never will.
_START_GRACE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class ClaimFailure:
    """An attempt that ended without a result."""

    schema: int = SCHEMA_VERSION
    time: str
    """ISO 8601, UTC."""
    reason: str
    """One sentence."""
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredClaim:
    """What is known on this machine about one claim."""

    id: str
    result: ClaimResult | None = None
    failure: ClaimFailure | None = None
    """Of the last attempt, where that gave no result."""
    problem: str = ""
    """Why its files cannot be read, in one sentence."""


class ClaimStore:
    """The folder `<home>/claims`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or home()) / "claims"

    @property
    def run_folder(self) -> Path:
        return self.root / RUN

    def folder(self, id: str) -> Path:
        """The folder of a claim; raises StoreError for anything that cannot be the id of one."""
        if id == RUN or len(id) > 40 or not _ID.fullmatch(id):
            raise StoreError(f"'{id[:60]}' is not the id of a claim; 'python -m core claims' shows them.")
        return self.root / id

    def load(self, id: str) -> StoredClaim:
        """The last result and the last failure, as far as they can be read."""
        folder = self.folder(id)
        try:
            result = _read(folder / "result.json", ClaimResult)
            if result is not None:
                _check(id, result)
            return StoredClaim(id=id, result=result, failure=_read(folder / "failure.json", ClaimFailure))
        except (StoreError, OSError) as error:
            return StoredClaim(id=id, problem=str(error))

    def begin(self, id: str) -> Path:
        """An empty folder for the claim's experiment; what the last one left is gone."""
        folder = self.folder(id) / "experiment"
        folder.mkdir(parents=True, exist_ok=True)  # a store that cannot write says so here, before anything is removed
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def save(self, result: ClaimResult) -> None:
        """Keep a result in place of the one before."""
        folder = self.folder(result.id)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "result.json", result)
        (folder / "failure.json").unlink(missing_ok=True)

    def save_failure(self, id: str, reason: str, log_tail: tuple[str, ...] = ()) -> None:
        """Keep why an attempt gave no result; a result from before stays."""
        folder = self.folder(id)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "failure.json", ClaimFailure(time=now(), reason=reason, log_tail=log_tail))

    # -- the run of several ------------------------------------------------------------------------------------------

    def begin_run(self) -> BinaryIO:
        """Become the process that tests claims, for as long as the file that is returned stays open.

        Raises StoreError where another one is.
        """
        self.run_folder.mkdir(parents=True, exist_ok=True)
        lock = hold(self.run_folder / "runner.lock")
        if lock is None:
            raise StoreError("Claims are being tested already; wait for that run, or stop it on the Claims page or with Ctrl-C where it runs.")
        for name in ("cancel", "events.jsonl", "started"):
            (self.run_folder / name).unlink(missing_ok=True)
        return lock

    def say(self, event: str, **fields: Any) -> dict[str, Any]:
        """Write down what the run did; returns the event with its time."""
        return append_event(self.run_folder / "events.jsonl", event, time=now(), **fields)

    def events(self) -> list[dict[str, Any]]:
        """What the run that goes on, or the last one, has done."""
        return read_events(self.run_folder / "events.jsonl")[0]

    def is_running(self) -> bool:
        return is_held(self.run_folder / "runner.lock")

    def mark_started(self) -> None:
        """A process that will test claims is being started."""
        self.run_folder.mkdir(parents=True, exist_ok=True)
        (self.run_folder / "started").touch()

    def is_starting(self) -> bool:
        """Has one been started that does not hold the lock yet?"""
        try:
            return time.time() - (self.run_folder / "started").stat().st_mtime < _START_GRACE_S
        except FileNotFoundError:
            return False

    def request_stop(self) -> None:
        """Ask the run to stop; it does within a second or two."""
        if self.is_running():
            (self.run_folder / "cancel").touch()

    def stop_requested(self) -> bool:
        return (self.run_folder / "cancel").exists()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"The {path.stem} of claim {path.parent.name} is damaged ({error}); test it again.") from error


def _check(id: str, result: ClaimResult) -> None:
    """Raises StoreError for a result that no version of this program writes, or that a newer one wrote."""
    if result.schema > SCHEMA_VERSION:
        raise StoreError(f"The result of claim {id} was made by a newer version; update this program, or test it again.")
    if result.id != id or result.verdict not in CLAIM_VERDICTS or result.verdict == "open":
        raise StoreError(f"The result in {id} is of claim '{result.id[:40]}' with verdict '{result.verdict[:40]}'; test it again.")
