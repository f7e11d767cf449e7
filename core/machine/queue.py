"""One benchmark at a time: a lock in the temporary folder, shared by every home on this machine."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.store.files import write_json

_POLL_S = 0.3
_SOMEBODY = "another comparison"
_HOLDER = re.compile(r"[0-9a-f-]{1,40}|doctor|claims|exports")


class Cancelled(Exception):
    """The user no longer wants it."""


@contextmanager
def machine_lock(holder_id: str, *, waiting: Callable[[str], None], cancelled: Callable[[], bool]) -> Iterator[None]:
    """Hold the machine for one comparison, or for a check; `waiting` is told once who holds it, if somebody does.

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
            write_json(holder, {"id": holder_id})
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        lock.release()


def _holder_id(holder: Path) -> str:
    try:
        said = str(json.loads(holder.read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return _SOMEBODY
    # Anybody can write into the temporary folder; only what looks like one of ours is passed on.
    return said if _HOLDER.fullmatch(said) else _SOMEBODY
