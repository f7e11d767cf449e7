"""Events and their stats out of a profiler's bytes: protobuf's wire format, walked for many messages at once.

A Python object per event would cost more than everything else that is done with it. So a message is read as far as the list of
its parts' bytes, and the parts are walked together: a round takes one field of every message that has one left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.traces.building import Mask
from core.traces.nesting import Integers

Words = NDArray[np.uint64]

#: More fields than a profiler writes into one message; what has more is not one of its files.
_MOST_EVENT_FIELDS = 96
#: A field's number and form take 32 bits.
_LARGEST_TAG = 2**32 - 1
_MOST_STAT_FIELDS = 16

#: A number of 64 bits takes ten bytes at most, and a word is read at each of them.
_PADDING = bytes(32)
_CONTINUED = np.uint64(0x8080808080808080)
_SEVEN_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
#: Two neighbouring groups of bits become one: (lower groups, upper groups, by how much the upper ones move down).
_MERGES = tuple(
    (np.uint64(lower), np.uint64(upper), np.uint64(shift))
    for lower, upper, shift in (
        (0x007F007F007F007F, 0x7F007F007F007F00, 1),
        (0x00003FFF00003FFF, 0x3FFF00003FFF0000, 2),
        (0x000000000FFFFFFF, 0x0FFFFFFF00000000, 4),
    )
)

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_METADATA_ID = 1 << 3 | _VARINT
_OFFSET_PS = 2 << 3 | _VARINT
_DURATION_PS = 3 << 3 | _VARINT
_STATS = 4 << 3 | _DELIMITED
_NUM_OCCURRENCES = 5 << 3 | _VARINT
_DOUBLE = 2 << 3 | _FIXED64
_UINT64 = 3 << 3 | _VARINT
_INT64 = 4 << 3 | _VARINT
_STRING = 5 << 3 | _DELIMITED
_BYTES = 6 << 3 | _DELIMITED
_REFERENCE = 7 << 3 | _VARINT


class DamagedError(ValueError):
    """Bytes that are not what they should be."""


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Stats of many events, one row per stat; `value` means what `form` says."""

    data: bytes
    owner: Integers
    """Index of the event."""
    metadata_id: Integers
    form: NDArray[np.uint8]
    """Tag of the value's field; 0 where there is none."""
    value: Words
    """A number, the bits of a double, the id of the stat metadata whose name it is, or where its text begins in `data`."""
    length: Integers
    """Bytes of a text."""

    def __getitem__(self, rows: Any) -> Stats:
        return Stats(
            data=self.data, owner=self.owner[rows], metadata_id=self.metadata_id[rows], form=self.form[rows], value=self.value[rows],
            length=self.length[rows],
        )  # fmt: skip

    def numbers(self) -> tuple[Integers, Mask]:
        """Value of every row as a whole number, and which rows have one."""
        real = np.where(self.form == _DOUBLE, self.value, 0).astype(np.uint64).view(np.float64)
        fits = np.abs(real) < 2.0**62
        whole = np.where(self.form == _DOUBLE, np.where(fits, real, 0).astype(np.int64), self.value.view(np.int64))
        return whole, np.isin(self.form, (_UINT64, _INT64)) | ((self.form == _DOUBLE) & fits)

    def references(self) -> Mask:
        """Rows whose value is the id of a stat metadata."""
        return self.form == _REFERENCE

    def texts(self) -> tuple[Integers, list[bytes]]:
        """Rows whose value is a text, and their texts."""
        rows = np.flatnonzero(self.form == _STRING)
        start = self.value[rows].astype(np.int64)
        stop = start + self.length[rows]
        return rows, [self.data[first:last] for first, last in zip(start.tolist(), stop.tolist(), strict=True)]


@dataclass(frozen=True, kw_only=True)
class Events:
    """Events in the order they were recorded in."""

    metadata_id: Integers
    offset_ps: Integers
    duration_ps: Integers
    aggregated: Mask
    """Stands for a number of events of which no time is known."""
    stats: Stats


def decode(messages: Sequence[bytes]) -> Events:
    """Decode XEvent messages with all their stats.

    Raises DamagedError where one of them is none.
    """
    data = b"".join([*messages, _PADDING])
    stop = np.cumsum(np.fromiter(map(len, messages), np.int64, len(messages)))
    start = np.concatenate([np.zeros(1, np.int64), stop[:-1]]) if len(stop) else stop
    words: Words = np.ndarray((len(data) - 8,), "<u8", data, strides=(1,))

    numbers = {tag: np.zeros(len(messages), np.int64) for tag in (_METADATA_ID, _OFFSET_PS, _DURATION_PS)}
    aggregated = np.zeros(len(messages), np.bool_)
    owners: list[Integers] = []
    starts: list[Integers] = []
    lengths: list[Integers] = []
    for rows, tag, value, at in _rounds(words, start, stop, _MOST_EVENT_FIELDS):
        for known, column in numbers.items():
            _put(column, rows, tag == known, value.view(np.int64))
        timed = tag == _OFFSET_PS
        aggregated[rows[timed]] = False
        aggregated[rows[tag == _NUM_OCCURRENCES]] = True
        stat = np.flatnonzero(tag == _STATS)
        owners.append(rows[stat])
        starts.append(at[stat])
        lengths.append(value[stat].astype(np.int64))
    owner = _joined(owners)
    return Events(
        metadata_id=numbers[_METADATA_ID],
        offset_ps=numbers[_OFFSET_PS],
        duration_ps=numbers[_DURATION_PS],
        aggregated=aggregated,
        stats=_stats(data, words, owner, _joined(starts), _joined(lengths)),
    )


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _put(column: NDArray[Any], rows: Integers, chosen: Mask, values: NDArray[Any]) -> None:
    if chosen.all():
        column[rows] = values
    else:
        column[rows[chosen]] = values[chosen]


def _stats(data: bytes, words: Words, owner: Integers, start: Integers, length: Integers) -> Stats:
    metadata_id = np.zeros(len(owner), np.int64)
    form = np.zeros(len(owner), np.uint8)
    values = np.zeros(len(owner), np.uint64)
    lengths = np.zeros(len(owner), np.int64)
    for rows, tag, value, at in _rounds(words, start, start + length, _MOST_STAT_FIELDS):
        _put(metadata_id, rows, tag == _METADATA_ID, value.view(np.int64))
        text = (tag == _STRING) | (tag == _BYTES)
        one = text | (tag == _DOUBLE) | (tag == _UINT64) | (tag == _INT64) | (tag == _REFERENCE)
        _put(form, rows, one, tag.astype(np.uint8))
        _put(values, rows, one, np.where(text, at.view(np.uint64), value))
        if text.any():
            lengths[rows[text]] = value[text].astype(np.int64)
    return Stats(data=data, owner=owner, metadata_id=metadata_id, form=form, value=values, length=lengths)


def _rounds(words: Words, start: Integers, stop: Integers, most: int) -> Iterator[tuple[Integers, Words, Words, Integers]]:
    """The messages' fields, the first of each, then the second: (message, tag, number or length, where its bytes begin)."""
    rows = np.flatnonzero(start < stop)
    at, end = start[rows], stop[rows]
    for _ in range(most):
        if not len(rows):
            return
        tag, after = _varints(words, at, short=True)
        wire = tag & 7
        fixed = (wire == _FIXED64) | (wire == _FIXED32)
        # No number of variable length is where one of fixed length is; the padding reads as one that is zero.
        value, behind = _varints(words, np.where(fixed, len(words) - 9, after) if fixed.any() else after)
        if fixed.any():
            value = np.where(wire == _FIXED64, words[after], np.where(wire == _FIXED32, words[after] & 0xFFFFFFFF, value))
            behind = np.where(fixed, after + np.where(wire == _FIXED64, 8, 4), behind)
        delimited = wire == _DELIMITED
        following = behind
        if delimited.any():
            if (value[delimited] > len(words)).any():
                raise DamagedError
            following = np.where(delimited, behind + value.view(np.int64), behind)
        if (following > end).any() or not (fixed | delimited | (wire == _VARINT)).all() or (tag < 8).any() or (tag > _LARGEST_TAG).any():
            raise DamagedError
        yield rows, tag, value, behind
        left = following < end
        if left.all():
            at = following
        else:
            rows, at, end = rows[left], following[left], end[left]
    if len(rows):
        raise DamagedError


def _varints(words: Words, at: Integers, *, short: bool = False) -> tuple[Words, Integers]:
    """Numbers of variable length at these places, and the places behind them; `short`: all but a few take one byte."""
    word = words[at]
    if short and not (word & 0x80).any():
        return word & np.uint64(0x7F), at + 1
    last = ~word & _CONTINUED
    last &= np.uint64(0) - last
    last -= np.uint64(1)
    behind = at + ((np.bitwise_count(last) + np.uint8(1)) >> np.uint8(3))
    long = np.flatnonzero(last == np.uint64(0xFFFFFFFFFFFFFFFF))
    word &= last
    word &= _SEVEN_BITS
    for lower, upper, shift in _MERGES:
        word = (word & lower) | ((word & upper) >> shift)
    if len(long):
        rest = words[at[long] + 8]
        if ((rest & 0x8080) == 0x8080).any():
            raise DamagedError
        tenth = (rest & 0x80) != 0
        word[long] |= (rest & 0x7F) << np.uint64(56)
        word[long] |= np.where(tenth, (rest >> np.uint64(8)) & np.uint64(1), np.uint64(0)) << np.uint64(63)
        behind[long] += 1 + tenth
    return word, behind
