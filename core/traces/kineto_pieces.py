"""Cut the JSON of a recording into pieces of whole events, so that no more than one piece is ever decoded at once.

The cut is found by its look (`},` and a `{` that begins with a key) and proven by decoding: a cut inside an event or a string
leaves a bracket or a quote open, so the piece cannot be valid JSON, and an earlier place is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.traces.schema import TraceError
from core.traces.sources import Cut

_EVENTS = re.compile(rb'"traceEvents"\s*:\s*\[')
_LIST = re.compile(rb"\s*\[")
_PLACE = re.compile(r" ?\(byte (\d+)\)")
_NEXT = re.compile(rb'\s*\{\s*"')
#: Where the events have to begin, and how large what is not events may be.
_HEAD_BYTES = 64 * 2**20
_REST_BYTES = 2**30
_TRIES = 8
#: How many of them look for the end of the last event where nothing follows it.
_NEAR_TRIES = 2
_STEP_BACK_BYTES = 8

#: Decodes bytes; raises msgspec.DecodeError where they are not JSON.
Decode = Callable[[Any], Any]


@dataclass
class Pieces:
    """The events of one recording, piece by piece; afterwards what was found around them."""

    source: str
    decode_events: Decode
    """Of a JSON array of events."""
    decode_rest: Decode
    """Of an object with the last events and what follows them."""
    head: bytes = b""
    """A JSON object of everything that came before the events."""
    rest: Any = None
    """What `decode_rest` made of the end; its events are the last piece. None where the recording is cut off."""
    cut: str = field(default="", init=False)
    """Why the recording is cut off; empty where it is whole."""
    _bare: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    """The array of events is over; what follows is held until the end."""
    _behind: int = field(default=0, init=False)
    """Bytes of text before the buffer."""

    def __call__(self, chunks: Iterator[bytes], *, begun: bool = False, ends: bool = True) -> Iterator[Any]:
        """Decoded pieces in order, without those in `rest`.

        `begun`: the text starts at an event; not `ends`: it stops after one, with more to come elsewhere.
        Raises TraceError where the bytes are not JSON, or hold no events.
        """
        chunks = self._until_cut(chunks)
        # An array that is still open: its bracket, then the text that no piece has taken.
        buffer = bytearray(b"[" + (b"" if begun else self._begin(chunks)))
        ending = b"}" if self._bare else b""
        worth_trying = 0
        for chunk in chunks:
            buffer += chunk
            if len(buffer) > _REST_BYTES:
                raise TraceError(
                    f"{self.source} holds more than {_REST_BYTES / 2**30:.0f} GiB of JSON that is no whole event; it is damaged."
                )
            if self._ended or len(buffer) < worth_trying:
                continue
            piece, buffer = self._piece(buffer)
            if piece is not None:
                yield piece
            # What could not be cut is tried again when there is twice as much of it: each try decodes all of it.
            worth_trying = 0 if piece is not None else 2 * len(buffer)
        if not ends:
            piece, left = self._piece(buffer, to_the_end=True)
            if piece is None or left[1:].strip():
                raise TraceError(f"{self.source} could not be cut into parts.")
            yield piece
            return
        if not self.cut:
            try:
                self.rest = self.decode_rest(b'{"traceEvents":' + bytes(buffer) + ending)
                return
            except msgspec.DecodeError as error:
                if "truncated" not in str(error):
                    raise self._invalid(error, len(b'{"traceEvents":[')) from error
                self.cut = "its JSON ends in the middle"
        piece, _ = self._piece(buffer, to_the_end=True)
        if piece is not None:
            yield piece

    def _until_cut(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except Cut as cut:
            self.cut = str(cut)

    def _begin(self, chunks: Iterator[bytes]) -> bytes:
        """Read up to the first event; what was read beyond it."""
        buffer = b""
        for chunk in chunks:
            buffer += chunk
            if _LIST.match(buffer):
                # Chrome allows the bare array of events too.
                self._bare = True
                self.head = b"{}"
                self._behind = buffer.index(b"[") + 1
                return buffer[self._behind :]
            for found in _EVENTS.finditer(buffer):
                head = buffer[: found.end()] + b"]}"
                if self._is_object(head):  # else the words stand in a text or further inside
                    self.head = head
                    self._behind = found.end()
                    return buffer[self._behind :]
            if len(buffer) > _HEAD_BYTES:
                break
        raise TraceError(self._why_no_events(buffer))

    def _is_object(self, text: bytes) -> bool:
        try:
            self.decode_rest(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def _why_no_events(self, buffer: bytes) -> str:
        if not buffer.strip():
            return f"{self.source} is empty."
        if len(buffer) > _HEAD_BYTES:
            return f"{self.source} is not a profiler's trace: no traceEvents in its first {_HEAD_BYTES / 2**20:.0f} MiB."
        if self.cut:
            return f"{self.source} is cut off before its first event: {self.cut}; record or copy it again."
        try:
            msgspec.json.decode(buffer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if "truncated" in str(error):
                return f"{self.source} is cut off before its first event: its JSON ends in the middle; record or copy it again."
            return f"{self.source} is not valid JSON ({error}); record or copy it again."
        return f"{self.source} is JSON, but not a profiler's trace: it has no traceEvents."

    def _piece(self, buffer: bytearray, *, to_the_end: bool = False) -> tuple[Any, bytearray]:
        """The decoded events before the last cut that holds, and what comes after it; None and everything where none holds.

        The array is closed in place: a copy of the text would cost as much as half of its decoding.
        """
        end = len(buffer)
        for number in range(_TRIES):
            place = buffer.rfind(b"}", 0, end) if to_the_end and number < _NEAR_TRIES else _last_cut(buffer, end)
            if place < 0:
                break
            rest = buffer[place + 1 :]
            buffer[place + 1 :] = b"]"
            try:
                piece = self.decode_events(memoryview(buffer))
                self._behind += place + 1
                return piece, bytearray(b"[") + rest[1:]
            except msgspec.DecodeError as error:
                # A cut in the wrong place leaves something open: the text ends too early, or our bracket closes what is no list.
                # Anything else wrong is wrong wherever it is cut.
                ours = _PLACE.search(str(error))
                buffer = buffer[: place + 1] + rest
                if "trailing characters" in str(error):
                    self._ended = True
                    break
                if "truncated" not in str(error) and (ours is None or int(ours[1]) <= place):
                    raise self._invalid(error, 1) from error
                # From try to try further away: what is open may be large, and hold much that looks like a cut.
                end = min(place, len(buffer) - _STEP_BACK_BYTES**number)
        return None, buffer

    def _invalid(self, error: Exception, before: int) -> TraceError:
        """`before`: how many bytes in front of the text were ours."""
        found = _PLACE.search(str(error))
        where = f" at byte {self._behind + int(found[1]) - before:,}" if found else ""
        return TraceError(f"{self.source} is not valid JSON{where}: {_PLACE.sub('', str(error))}; record or copy it again.")


def cut_near(text: bytes) -> int:
    """Place in a stretch of text from the middle of a recording that an event seems to begin at; -1 where there is none."""
    place = _last_cut(bytearray(text), len(text))
    found = _NEXT.match(text, place + 2) if place >= 0 else None
    return -1 if found is None else text.index(b"{", place + 2)


def _last_cut(buffer: bytearray, end: int) -> int:
    """Place of the last `}` before `end` that another event seems to follow; -1 where there is none."""
    while True:
        end = buffer.rfind(b"},", 0, end)
        if end < 0 or _NEXT.match(buffer, end + 2):
            return end
