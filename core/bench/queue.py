"""One benchmark at a time per machine: a lock that every home and every user of this machine shares."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_POLL_S = 0.3


class Cancelled(Exception):
    """The user no longer wants it."""


@contextmanager
def machine_lock(comparison_id: str, *, waiting: Callable[[str], None], cancelled: Callable[[], bool]) -> Iterator[None]:
    """Hold the machine for one comparison; `waiting` is told once who holds it, if somebody does.

    Raises Cancelled if the user gives up while waiting.
    """
    path = Path(tempfile.gettempdir()) / "framework-showdown.lock"
    holder = path.with_suffix(".json")
    lock = FileLock(path, mode=0o666)
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if not told:
                waiting(_holder_id(holder))
                told = True
        if cancelled():
            raise Cancelled
        time.sleep(_POLL_S)
    try:
        # Who holds it is a kindness to those who wait, never a condition.
        with contextlib.suppress(OSError):
            holder.write_text(json.dumps({"id": comparison_id}), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        lock.release()


def _holder_id(holder: Path) -> str:
    try:
        return str(json.loads(holder.read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return "another comparison"
