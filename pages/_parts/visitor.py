"""A visitor of the hosted demo: the recordings that one session brought, apart from all others', and how they are forgotten."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import psutil
import streamlit as st

from core.store.home import traces_folder
from core.traces import sources
from core.traces.library import Entry, TraceLibrary
from core.traces.snapshot import is_snapshot
from core.traces.sources import LIMITS, Cut, Progress, Source, silent
from pages._parts.room import RoomError, make_room, reading_turn
from pages._parts.shelf import Shelf

#: Of one recording, as it was uploaded and unpacked.
MOST_MB = 50
MOST_RECORDINGS = 3
MOST_EVENTS = 400_000
#: Of a memory snapshot: its values may take up to 72 times as much memory (an empty list is one byte of it; `core.traces.safe_pickle`).
SNAPSHOT_MIB = 4
READS_FOR_S = 20.0
FORGOTTEN_AFTER_S = 2 * 3600.0

_MOST_BYTES = MOST_MB * 10**6
#: Memory that reading takes at its highest point, per byte of the unpacked recording; and at least, for a piece of JSON in which every
#: event is as short as can be is decoded before they are counted.
_TRACE_COST, SNAPSHOT_COST, _LEAST_COST_BYTES = 4, 80, 160 * 2**20
_PREFIX = "showdown-visitor-"
_KEY = "visitor"
#: Traces of one session that stay in memory.
_KEPT = 2

_LOCK = threading.Lock()
_VISITORS: weakref.WeakSet[Visitor] = weakref.WeakSet()


class Visitor:
    """What belongs to one session. Its folder, of which only the session knows the name, goes with it."""

    def __init__(self) -> None:
        self.root = Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(16)}"
        self.shelf = Shelf(most=_KEPT)
        self.seen_s = time.monotonic()
        with _LOCK:
            _VISITORS.add(self)
        weakref.finalize(self, shutil.rmtree, str(self.root), ignore_errors=True)

    def library(self) -> TraceLibrary:
        """What this session brought beside what was recorded for everybody."""
        return TraceLibrary(self.root, beside=TraceLibrary(traces_folder()))

    def bring(self, name: str, data: bytes, *, progress: Progress = silent) -> Entry:
        """Read an upload and keep it until the session ends.

        Raises RoomError where it goes beyond what the demo has for one visitor, TraceError where it cannot be read; nothing is kept then.
        """
        if len(self.library().own()) >= MOST_RECORDINGS:
            raise RoomError(f"This demo keeps {MOST_RECORDINGS} recordings of a visitor at a time; delete one of yours below first.")
        source = Source(name=name, data=data)
        with reading_turn():
            until_s = time.monotonic() + READS_FOR_S
            make_room(_cost_bytes(source))
            try:
                self.root.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise RoomError(f"This demo has no place for it at this moment ({error.strerror}); try it again later.") from error
            limits = replace(LIMITS, text_bytes=_MOST_BYTES, message_bytes=_MOST_BYTES, events=MOST_EVENTS)
            return self.library().upload(name, data, progress=_until(until_s, name, progress), limits=limits)

    def forget(self) -> None:
        """Everything that the session brought, and what was read of it."""
        self.shelf.empty()
        shutil.rmtree(self.root, ignore_errors=True)


def visitor() -> Visitor:
    """Of the session whose page this is."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Visitor()
    here: Visitor = st.session_state[_KEY]
    here.seen_s = time.monotonic()
    return here


def _cost_bytes(source: Source) -> int:
    """Memory that reading it will take. Raises RoomError for what is too large, TraceError for what cannot be opened."""
    if source.size_bytes > _MOST_BYTES:
        raise RoomError(f"{source.name} is larger than the {MOST_MB} MB that this demo takes; record fewer steps, or use the program itself.")
    text_bytes = _unpacked_bytes(source)
    if is_snapshot(sources.head(source)):
        if text_bytes > SNAPSHOT_MIB * 2**20:
            raise RoomError(
                f"{source.name} is a memory snapshot of more than the {SNAPSHOT_MIB} MB that this demo takes; use the program itself."
            )
        return source.size_bytes + SNAPSHOT_COST * text_bytes
    return source.size_bytes + max(_TRACE_COST * text_bytes, _LEAST_COST_BYTES)


def _unpacked_bytes(source: Source) -> int:
    """Counted, because what a compressed file says of itself may be wrong; ends early where it is too much."""
    count = 0
    try:
        for chunk in sources.chunks(source):
            count += len(chunk)
            if count > _MOST_BYTES:
                raise RoomError(f"{source.name} holds more than the {MOST_MB} MB, unpacked, that this demo reads; record fewer steps.")
    except Cut:
        pass  # its reader says how far it goes
    return count


def _until(until_s: float, name: str, progress: Progress) -> Progress:
    """The same progress, which ends the reading when its time is over."""

    def watched(done_bytes: int, total_bytes: int) -> None:
        if time.monotonic() > until_s:
            raise RoomError(f"{name} takes longer to read than the {READS_FOR_S:.0f} seconds that this demo has for it; record fewer steps.")
        progress(done_bytes, total_bytes)

    return watched


def reap() -> None:
    """Forget sessions without a click for two hours, and remove what servers that were killed left behind."""
    with _LOCK:
        visitors = list(_VISITORS)
    for one in visitors:
        if time.monotonic() - one.seen_s > FORGOTTEN_AFTER_S:
            one.forget()
    folders = list(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"))
    with _LOCK:
        known = {one.root for one in _VISITORS}
    for folder in folders:
        if folder not in known and not _is_of_another_server(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_of_another_server(folder: Path) -> bool:
    """Is the process alive that its name says, and not this one?"""
    process = folder.name.removeprefix(_PREFIX).partition("-")[0]
    # Others may make folders beside ours: no system has processes of longer numbers, and none can be asked for them.
    return process.isdecimal() and len(process) < 10 and int(process) != os.getpid() and psutil.pid_exists(int(process))
