"""Writing files so that a reader never sees half of one, and reading those that others write."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from core.model.errors import ShowdownError

T = TypeVar("T")


class StoreError(ShowdownError):
    """Something in the store that cannot be read, written or meant."""


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write under a temporary name, then rename; a failure leaves the old file and no temporary one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass or plain value as indented JSON; NaN becomes null, and a number of numpy's the same number."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=1) + b"\n")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read_json(path: Path, kind: type[T]) -> T:
    """Read one value of the given type.

    Raises StoreError naming the file, and FileNotFoundError where there is none.
    """
    data = path.read_bytes()
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path.name} in {path.parent.name} cannot be read ({error}); delete this comparison or restore it.") from error


def append_event(path: Path, event: str, **fields: Any) -> dict[str, Any]:
    """Append one line to an `events.jsonl`; returns the object."""
    line = {"event": event, **fields}
    with path.open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")
    return line


def read_events(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Whole lines of an `events.jsonl` from a byte offset on, and the offset after them.

    A last line without its newline is still being written and is left for the next call; a line that is no event is
    given as `{"event": "garbage", "text": ...}`.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return [_event(line) for line in whole.splitlines() if line.strip()], offset + len(whole)


def _event(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("event"), str):
        return value
    return {"event": "garbage", "text": line[:200].decode("utf-8", "replace")}


def tail(path: Path, lines: int = 20) -> tuple[str, ...]:
    """Last lines of a text file, cut to 400 characters each; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line[:400] for line in text.splitlines() if line.strip())[-lines:]
