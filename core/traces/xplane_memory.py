"""What TensorFlow's and XLA's allocators told, as the memory frame's columns."""

from __future__ import annotations

import re

import numpy as np

from core.traces import building
from core.traces.building import NO_INDEX, MemoryColumns
from core.traces.nesting import Integers
from core.traces.schema import HOST
from core.traces.xplane_planes import Recorded

#: `GPU_0_bfc`: an allocator of a device; `cpu`, `mklcpu` and `cuda_host_bfc` give the host's memory.
_OF_DEVICE = re.compile(r"([A-Z]+)_(?:\w+_)?(\d{1,6})_bfc$")


def columns_of(recorded: Recorded, origin_ns: int, operator: Integers) -> tuple[MemoryColumns, tuple[str, ...]]:
    """The memory frame's columns and what a reader has to know of them; `operator` is the row around each moment.

    An allocator tells its own total. A device may have several, so a device's total is the sum over its allocators of what each
    told last (before its first word: what that word implies). An allocator that keeps no total tells 0 throughout.
    """
    memory = recorded.memory
    time_ns = memory["time_ns"] - origin_ns
    used, allocator = np.unique(memory["allocator"], return_inverse=True)
    names = [recorded.texts[code] if code >= 0 else "" for code in used.tolist()]
    labels = [_device(name) for name in names]
    device = building.coded(labels)[allocator]
    counts = [bool(memory["total_bytes"][allocator == index].max() > 0) for index in range(len(used))]
    order = np.argsort(time_ns, kind="stable")
    allocated = np.full(len(time_ns), NO_INDEX, np.int64)
    for label in set(labels):
        own = [index for index, place in enumerate(labels) if place == label and counts[index]]
        rows = order[np.isin(allocator[order], own)]
        allocated[rows] = _totals(memory["total_bytes"][rows], memory["delta_bytes"][rows], allocator[rows])
    silent = sorted(name for name, counted in zip(names, counts, strict=True) if not counted)
    notes = tuple(f"The allocator {name} keeps no total: what it gave is not in the allocated bytes." for name in silent)
    columns = MemoryColumns(
        time_ns=time_ns,
        device=device,
        address=memory["address"].view(np.uint64),
        delta_bytes=memory["delta_bytes"],
        allocated_bytes=allocated,
        # What an allocator has set aside besides; most set nothing aside and tell 0.
        reserved_bytes=np.where(memory["reserved_bytes"] > 0, memory["reserved_bytes"], NO_INDEX),
        operator=operator,
    )
    return columns, notes


def _device(allocator: str) -> str:
    found = _OF_DEVICE.match(allocator)
    return f"{found[1].lower()}:{int(found[2])}" if found else HOST


def _totals(total_bytes: Integers, delta_bytes: Integers, allocator: Integers) -> Integers:
    """Sum over the allocators of one device after each of their words, which are in order of time."""
    change = np.zeros(len(total_bytes), np.int64)
    before_all = 0
    for number in np.unique(allocator).tolist():
        rows = np.flatnonzero(allocator == number)
        before = np.concatenate([total_bytes[rows[:1]] - delta_bytes[rows[:1]], total_bytes[rows[:-1]]])
        change[rows] = total_bytes[rows] - before
        before_all += int(before[0])
    return before_all + np.cumsum(change)
