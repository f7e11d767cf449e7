"""All columns of a recording: decoded in this process, and where it is large its second half in another one at the same time.

Decoding JSON makes Python objects, which one process does on one core. The place where the recording is divided is found by its
look (`core.traces.kineto_pieces`); where it proves wrong, or the other process fails, this one reads everything.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from core.traces.building import Coded, Table
from core.traces.kineto_decode import INSTANT_CODES, STRETCH_CODES, Decoder, Parts
from core.traces.kineto_messages import About, read_about
from core.traces.kineto_pieces import cut_near
from core.traces.nesting import Integers
from core.traces.schema import TraceError
from core.traces.sources import CHUNK_BYTES, LIMITS, Limits, Progress, Source, chunks, is_packed, silent

#: From this size on a second process pays for its start.
DIVIDE_FROM_BYTES = 96 * 2**20
_LOOK_BYTES = 2**20
#: The first half also waits for nothing, the second for its process to start: it gets less.
_SECOND_PART = 0.44
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(kw_only=True)
class Stretches:
    """Columns of the events that last, in the order of the file; -1 is null, NaN in the last two."""

    start_ns: Integers
    duration_ns: Integers
    name: Coded
    category: Coded
    """Lower case."""
    lane: Coded
    """A value of the table is (device, lane): `cpu` and a thread, or a device and a stream."""
    external: Integers
    correlation: Integers
    sequence: Integers
    forward_thread: Integers
    bytes: Integers
    input_shapes: Coded
    blocks: Integers
    threads_per_block: Integers
    blocks_per_sm: NDArray[np.float64]
    occupancy_percent: NDArray[np.float64]


@dataclass(kw_only=True)
class Instants:
    """Columns of the `[memory]` instants; -1 is null, 0 for the address."""

    time_ns: Integers
    lane: Integers
    """A code of `Stretches.lane`."""
    device: Coded
    address: NDArray[np.uint64]
    delta_bytes: Integers
    allocated_bytes: Integers
    reserved_bytes: Integers


@dataclass(kw_only=True)
class Decoded:
    """A recording as it was decoded."""

    about: About
    stretches: Stretches
    memory: Instants | None
    found: int
    skipped: dict[str, int]
    cut: str


def decode(source: Source, *, progress: Progress = silent, limits: Limits = LIMITS) -> Decoded:
    """Read a recording from its JSON, plain or gzip.

    Raises TraceError.
    """
    collecting = gc.isenabled()
    # Objects by the hundred thousand that live for a moment: looking for garbage among them costs more than making them.
    gc.disable()
    try:
        return _columns(_divided(source, progress, limits) or _undivided(source, progress, limits))
    except RecursionError as error:
        raise TraceError(f"{source.name} nests deeper than any profiler writes; it is no trace.") from error
    finally:
        if collecting:
            gc.enable()


def _undivided(source: Source, progress: Progress, limits: Limits) -> Decoder:
    decoder = Decoder(source.name, limits)
    decoder.run(chunks(source, progress, limits))
    return decoder


def _divided(source: Source, progress: Progress, limits: Limits) -> Decoder | None:
    """Read in two processes; None where that does not pay or does not work."""
    if source.path is None or source.size_bytes < DIVIDE_FROM_BYTES or (os.cpu_count() or 1) < 2 or is_packed(source):
        return None
    place = _middle(source)
    if place is None:
        return None
    with tempfile.TemporaryDirectory(prefix="showdown-trace-") as folder:
        answer = Path(folder) / "part.pickle"
        # Its own interpreter: a copy of this process by fork would copy its threads' locks and not its threads.
        command = [sys.executable, "-m", "core.traces.kineto_part", str(source.path.resolve()), str(place), str(answer)]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
            try:
                first = Decoder(source.name, limits)
                first.run(_until(source, place, progress), ends=False)
                if other.wait() != 0:
                    return None
                _merge(first, pickle.loads(answer.read_bytes()))
                return first
            except TraceError:
                return None  # the whole says better what is wrong
            finally:
                other.kill()


def _middle(source: Source) -> int | None:
    """A place near the middle where an event seems to begin."""
    near = int(source.size_bytes * (1 - _SECOND_PART))
    with source.open() as file:
        file.seek(near)
        place = cut_near(file.read(_LOOK_BYTES))
    return near + place if place >= 0 else None


def _until(source: Source, end: int, progress: Progress) -> Iterator[bytes]:
    """The bytes before a place, without the comma there."""
    with source.open() as file:
        left = end
        while left > 0:
            chunk = file.read(min(left, CHUNK_BYTES))
            if not chunk:
                return
            left -= len(chunk)
            # The other half is read at the same pace.
            progress(int((end - left) / end * source.size_bytes), source.size_bytes)
            yield chunk if left else chunk.rstrip().removesuffix(b",")


def part_from(path: Path, place: int) -> dict[str, Any]:
    """What the second process reads: everything from a place on, as plain values. Raises TraceError."""
    decoder = Decoder(path.name, LIMITS)
    gc.disable()
    decoder.run(_from(Source.of(path), place), begun=True)
    return {
        "stretches": decoder.stretches.whole(),
        "instants": decoder.instants.whole(),
        "tables": {name: list(getattr(decoder, name)) for name in {*STRETCH_CODES.values(), *INSTANT_CODES.values()}},
        "found": decoder.found,
        "skipped": dict(decoder.skipped),
        "around": {name: bytes(raw) for name, raw in decoder.around.items()},
        "cut": decoder.cut,
    }


def _from(source: Source, place: int) -> Iterator[bytes]:
    with source.open() as file:
        file.seek(place)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _merge(first: Decoder, part: dict[str, Any]) -> None:
    """Add what the second process read; its codes become ours."""
    for parts, columns, coded in (
        (first.stretches, part["stretches"], STRETCH_CODES),
        (first.instants, part["instants"], INSTANT_CODES),
    ):
        for name, table in coded.items():
            if name in columns:
                own: Table = getattr(first, table)
                codes = np.array([*(own[value] for value in part["tables"][table]), -1], np.int32)
                columns[name] = codes[columns[name]]
        parts.add(**columns)
    first.found += part["found"]
    first.skipped.update(part["skipped"])
    first.around |= part["around"]
    first.cut = part["cut"]
    if first.found > first.limits.events:
        raise TraceError("too many")  # counted again, and said, by the one that reads everything


def _columns(decoder: Decoder) -> Decoded:
    skipped = Counter(decoder.skipped)
    if not decoder.found or decoder.found == skipped["not an object"] + skipped["cut off at the end"]:
        why = f"it is cut off ({decoder.cut})" if decoder.cut else "the profiler was stopped before anything ran"
        raise TraceError(f"{decoder.source} holds no events; {why}.")
    columns, instants = _take(decoder.stretches), _take(decoder.instants)
    if not columns or not len(columns["start_ns"]):
        why = ", ".join(f"{count:,} {reason}" for reason, count in skipped.most_common(3))
        raise TraceError(f"{decoder.source} holds no event that lasts ({why}); the profiler was stopped before anything ran.")
    names, shapes = list(decoder.names), [text.decode("utf-8", "replace") for text in decoder.shapes]
    made: dict[str, Any] = {
        **columns,
        "name": Coded(columns["name"], names),
        "category": Coded(columns["category"], [(category or "").lower() for category in decoder.categories]),
        "lane": Coded(columns["lane"], cast(list[str], list(decoder.lanes))),
        "input_shapes": Coded(columns["input_shapes"], shapes),
    }
    stretches = Stretches(**made)
    memory = None
    if instants and len(instants["time_ns"]):
        memory = Instants(device=Coded(instants.pop("device"), list(decoder.devices)), **instants)
    return Decoded(
        about=read_about(decoder.around),
        stretches=stretches,
        memory=memory,
        found=decoder.found,
        skipped=dict(decoder.skipped),
        cut=decoder.cut,
    )


def _take(parts: Parts) -> dict[str, NDArray[Any]]:
    """Whole columns; the parts are given up, so that both are not held for long."""
    whole = parts.whole()
    parts.columns.clear()
    return whole
