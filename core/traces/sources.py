"""Where a recording's bytes come from, and how much of them is taken: a file or an upload, compressed or not, in chunks."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from isal import isal_zlib

from core.traces.schema import TraceError

_GZIP = b"\x1f\x8b"
_HEAD_BYTES = 64
#: So much that its events as objects still fit into the processor's caches: larger pieces are slower.
CHUNK_BYTES = 4 * 2**20
_PACKED_BYTES = 2**20
#: What zlib's `wbits` calls gzip.
_GZIP_FORMAT = 31
DamagedError: Any = isal_zlib.error

#: Told while a recording is read: bytes of the file behind us, and in all.
Progress = Callable[[int, int], None]


def silent(done_bytes: int, total_bytes: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a recording is read before it is refused: what keeps a bomb from taking the machine."""

    text_bytes: int = 8 * 2**30
    """After decompression."""
    events: int = 20_000_000
    message_bytes: int = 2**31 - 1
    """Of a format that has to be held whole: protobuf allows no more."""


LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Source:
    """One recording: what errors call it, and how to open it."""

    name: str
    path: Path | None = None
    data: bytes | None = None

    @classmethod
    def of(cls, path: Path) -> Source:
        return cls(name=path.name, path=path)

    @property
    def size_bytes(self) -> int:
        return len(self.data) if self.data is not None else self._stat().st_size

    def open(self) -> BinaryIO:
        """The bytes as they lie there; raises TraceError where there are none."""
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None
        self._stat()
        try:
            return self.path.open("rb")
        except OSError as error:
            raise TraceError(f"{self.name} cannot be read: {error.strerror}.") from error

    def _stat(self) -> os.stat_result:
        assert self.path is not None
        if self.path.is_dir():
            raise TraceError(f"{self.name} is a folder; give the trace file in it.")
        try:
            return self.path.stat()
        except FileNotFoundError as error:
            raise TraceError(f"{self.path} does not exist; check its name.") from error
        except OSError as error:
            raise TraceError(f"{self.name} cannot be read: {error.strerror}.") from error


class Cut(Exception):
    """The compressed data ends in the middle or is damaged there; what came before has been given out."""


def chunks(source: Source, progress: Progress = silent, limits: Limits = LIMITS) -> Iterator[bytes]:
    """The decompressed bytes of a recording in order.

    Raises Cut at the place where compressed data breaks off, TraceError where it cannot be opened or exceeds the limits.
    """
    total = source.size_bytes
    with source.open() as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        given = 0
        for chunk in _unpacked(raw) if packed else iter(lambda: raw.read(CHUNK_BYTES), b""):
            given += len(chunk)
            if given > limits.text_bytes:
                raise TraceError(
                    f"{source.name} holds more than {limits.text_bytes / 2**20:,.0f} MiB of text; record fewer steps, or cut it."
                )
            progress(min(raw.tell(), total), total)
            yield chunk


def _unpacked(raw: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file one after another, never more than a chunk at once however well it is packed."""
    member = isal_zlib.decompressobj(wbits=_GZIP_FORMAT)
    packed, begun = b"", False
    while True:
        if not packed:
            packed = raw.read(_PACKED_BYTES)
            if not packed:
                if begun:
                    raise Cut("the compressed data ends in the middle")
                return
        try:
            chunk = member.decompress(packed, CHUNK_BYTES)
        except DamagedError as error:
            raise Cut(str(error)) from error
        begun = True
        packed = member.unconsumed_tail
        if member.eof:
            # Zeros may fill up the last block of a medium.
            packed = member.unused_data.lstrip(b"\0")
            member, begun = isal_zlib.decompressobj(wbits=_GZIP_FORMAT), False
        if chunk:
            yield chunk


def is_packed(source: Source) -> bool:
    """Whether the recording is compressed."""
    with source.open() as raw:
        return raw.read(len(_GZIP)) == _GZIP


def head(source: Source, limits: Limits = LIMITS) -> bytes:
    """The first bytes that are not white space, decompressed: enough to tell the format. Empty for an empty recording."""
    try:
        for chunk in chunks(source, limits=limits):
            begin = chunk.lstrip()[:_HEAD_BYTES]
            if begin:
                return begin
    except Cut as cut:
        raise TraceError(f"{source.name} is damaged or cut off: {cut}; record or copy it again.") from cut
    return b""


def whole(source: Source, progress: Progress = silent, limits: Limits = LIMITS) -> bytes:
    """Everything, decompressed, of a format that has to be held whole; raises TraceError."""
    parts: list[bytes] = []
    held = 0
    try:
        for chunk in chunks(source, progress, limits):
            held += len(chunk)
            if held > limits.message_bytes:
                raise TraceError(f"{source.name} is larger than {limits.message_bytes / 2**20:,.0f} MiB; record fewer steps.")
            parts.append(chunk)
    except Cut as cut:
        raise TraceError(f"{source.name} is damaged or cut off: {cut}; record or copy it again.") from cut
    return parts[0] if len(parts) == 1 else b"".join(parts)
