"""The lists of a memory snapshot, entry by entry: what can be read of them, and a count of what cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeGuard

from core.traces.schema import TraceError
from core.traces.stack_frames import Stacks

MAX_DEVICES = 256
MAX_ADDRESS = (1 << 64) - 1
MAX_NUMBER = (1 << 62) - 1
#: No device has more; ten million of them still add up in 64 bits.
MAX_BLOCK_BYTES = 1 << 39
_MAX_ENTRIES = 10_000_000


class Entries:
    """What the readers of a snapshot's parts share: the stacks, and the counts of what they leave out."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.stacks = Stacks()
        self.parts_skipped: Counter[str] = Counter()
        self.events_skipped: Counter[str] = Counter()
        self._room = _MAX_ENTRIES
        self._lists: set[int] = set()

    def dictionaries(self, found: Any, what: str, skipped: Counter[str]) -> list[dict[str, Any]]:
        """The dictionaries in a list; everything else is counted as skipped.

        A list is read once: a few bytes of a pickle can refer to a long one again and again.
        Raises TraceError for too many entries.
        """
        if not isinstance(found, list):
            skipped[f"{what}s that are no list"] += 1
            return []
        if id(found) in self._lists:
            skipped[f"an entry of a list of {what}s that stands twice"] += len(found)
            return []
        self._lists.add(id(found))
        self._room -= len(found)
        if self._room < 0:
            raise TraceError(f"{self.source} has more than {_MAX_ENTRIES:,} entries; record fewer events (`max_entries`).")
        kept = [entry for entry in found if type(entry) is dict]
        if len(kept) < len(found):
            skipped[f"an entry among the {what}s that is no dictionary"] += len(found) - len(kept)
        return kept


def device_label(number: int) -> str:
    """What a device is called: `gpu:0`, …"""
    return f"gpu:{number}"


def is_whole(value: Any, largest: int) -> TypeGuard[int]:
    """Whether a value is a whole number from 0 to `largest`."""
    return type(value) is int and 0 <= value <= largest


def whole(entries: Sequence[dict[str, Any]], key: str, largest: int) -> list[Any]:
    """A value of every entry, None where it is no whole number from 0 to `largest`."""
    return [value if type(value := entry.get(key)) is int and 0 <= value <= largest else None for entry in entries]
