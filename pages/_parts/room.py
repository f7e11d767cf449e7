"""What the hosted demo may take of the small machine that it shares: memory up to a limit, and one reading at a time."""

from __future__ import annotations

import ctypes
import gc
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.model.hosted import is_hosted
from core.traces.schema import TraceError
from pages._parts.shelf import drop_oldest

#: What the smallest machines of Streamlit's Community Cloud give an app.
LIMIT_BYTES = 690 * 10**6
#: Of it, for charts, tables and what is on its way to browsers.
RESERVE_BYTES = 90 * 10**6
#: How long one waits for others to be done with their reading.
PATIENCE_S = 8.0

_SMAPS = Path("/proc/self/smaps_rollup")
_SMAPS_LINE = re.compile(r"^(Rss|LazyFree):\s+(\d+) kB", re.MULTILINE)


class RoomError(TraceError):
    """A recording that cannot be read here now, or at all: the demo is small, and others use it too."""


def resident_bytes() -> int:
    """Memory that this process holds; on Linux without the pages that it gave back and that nobody has asked for yet."""
    try:
        found = {name: int(kib) for name, kib in _SMAPS_LINE.findall(_SMAPS.read_text(encoding="ascii"))}
        return (found["Rss"] - found.get("LazyFree", 0)) * 1024
    except (OSError, KeyError):
        return int(psutil.Process().memory_info().rss)


def tidy(needed_bytes: int = 0) -> bool:
    """Let go of what was used longest ago, whoever used it, until so much more fits; False where it does not even then."""
    while resident_bytes() + needed_bytes > LIMIT_BYTES - RESERVE_BYTES:
        if not drop_oldest():
            return False
        _give_back()
    return True


def _give_back() -> None:
    """Free memory to the system: what Python holds in cycles, and what the C library (glibc) keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Turns:
    """One at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def turn(self, patience_s: float) -> Iterator[None]:
        """Waits for those who came before. Raises RoomError after so many seconds."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            if not self._changed.wait_for(lambda: self._line[0] is ticket, patience_s):
                self._line.remove(ticket)
                raise RoomError("Recordings of other visitors are being read at this moment; try it again in a few seconds.")
        try:
            yield
        finally:
            with self._changed:
                self._line.popleft()
                self._changed.notify_all()


_TURNS = Turns()


@contextmanager
def reading_turn() -> Iterator[None]:
    """While one recording is read, no other is. Raises RoomError where that takes others too long."""
    with _TURNS.turn(PATIENCE_S):
        yield


@contextmanager
def room_for(needed_bytes: int) -> Iterator[None]:
    """While something is made that takes about so much memory; only the demo has to mind it.

    Raises RoomError where there is not so much, or where it takes others too long.
    """
    if not is_hosted():
        yield
        return
    with reading_turn():
        make_room(needed_bytes)
        yield


def make_room(needed_bytes: int) -> None:
    """Before a recording is read that takes about so much memory. Raises RoomError where there is not so much, whatever is let go."""
    if not tidy(needed_bytes):
        raise RoomError(
            "This demo runs on a small machine, which has no memory left for it at this moment; try a smaller recording, or again in a few minutes."
        )
