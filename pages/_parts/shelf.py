"""What was read of recordings and worked out from them, in memory: a drawer for each recording, and the oldest one can be emptied."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

#: What a drawer gives for a value that is not in it.
MISSING: Final = object()

# Of all shelves together: each session has one, and sessions run in threads.
_LOCK = threading.RLock()
_CLOCK = itertools.count()


@dataclass
class _Drawer:
    used: int
    """Grows with every use of any drawer."""
    values: dict[str, OrderedDict[Hashable, Any]] = field(default_factory=dict)


class Shelf:
    """At most so many drawers, each by the digest of its recording; a new one takes the place of the one that was used longest ago."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._drawers: dict[str, _Drawer] = {}
        with _LOCK:
            _SHELVES.add(self)

    def get(self, digest: str, kind: str, key: Hashable) -> Any:
        """A value of a kind, such as the function that gave it; `MISSING` where it is not here."""
        with _LOCK:
            drawer = self._drawers.get(digest)
            if drawer is None or key not in drawer.values.get(kind, ()):
                return MISSING
            drawer.used = next(_CLOCK)
            drawer.values[kind].move_to_end(key)
            return drawer.values[kind][key]

    def put(self, digest: str, kind: str, key: Hashable, value: Any, *, most: int) -> None:
        """Keep a value; a drawer holds at most so many of its kind."""
        with _LOCK:
            drawer = self._drawers.setdefault(digest, _Drawer(used=0))
            drawer.used = next(_CLOCK)
            values = drawer.values.setdefault(kind, OrderedDict())
            values[key] = value
            values.move_to_end(key)
            while len(values) > most:
                values.popitem(last=False)
            while len(self._drawers) > self._most:
                del self._drawers[self._oldest()]

    def digests(self) -> list[str]:
        """Recordings that have a drawer, the one that was used longest ago first."""
        with _LOCK:
            return sorted(self._drawers, key=lambda digest: self._drawers[digest].used)

    def drop(self, digest: str) -> None:
        """Empty the drawer of one recording."""
        with _LOCK:
            self._drawers.pop(digest, None)

    def empty(self) -> None:
        with _LOCK:
            self._drawers.clear()

    def _oldest(self) -> str:
        return min(self._drawers, key=lambda digest: self._drawers[digest].used)


_SHELVES: weakref.WeakSet[Shelf] = weakref.WeakSet()


def drop_oldest() -> bool:
    """Empty the drawer of all shelves that was used longest ago; False where all are empty."""
    with _LOCK:
        filled = [(shelf._drawers[digest].used, shelf, digest) for shelf in _SHELVES if shelf._drawers for digest in (shelf._oldest(),)]
        if not filled:
            return False
        _, shelf, digest = min(filled, key=lambda one: one[0])
        del shelf._drawers[digest]
        return True
