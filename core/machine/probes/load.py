"""What else this machine is doing: two seconds of counters, with the names of those who use the processor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from core.machine.cpu import usable_cpus, usable_physical_cores
from core.machine.load import MachineReader, Reader, load_between
from core.model.finding import Finding
from core.model.run import MachineLoad

WINDOW_S = 2.0
#: Cores kept busy by others. Below the first they go unnoticed on the core that runs leave free; above the second they do not.
QUIET_CORES = 0.2
BUSY_CORES = 0.5
#: Share of the usable processors' time that the hypervisor gave to somebody else.
_STEAL_NOTE = 0.01
_STEAL_WARNING = 0.05
_MAX_NAMES = 3
_MIN_NAMED_CORES = 0.05


@dataclass(frozen=True, kw_only=True)
class Window:
    """Two seconds of this machine."""

    load: MachineLoad
    busiest: list[tuple[str, float]]
    """Name and process id of those outside the app that kept most cores busy, and how many."""
    paged_bytes: int
    """Moved between memory and swap."""


def observe(reader: Reader | None = None, *, wait: Callable[[float], None] = time.sleep) -> Window:
    """Watch for `WINDOW_S` seconds; the app itself, this process and its children, counts as own."""
    reader = reader or MachineReader()
    reader.follow(os.getpid())
    processes, swap, first = _cpu_by_process(), psutil.swap_memory(), reader.read()
    began = time.monotonic()
    wait(WINDOW_S)
    last, swap_after = reader.read(), psutil.swap_memory()
    elapsed_s = max(time.monotonic() - began, 1e-3)
    reader.close()
    used = {
        name: (cpu_s - processes.get((pid, name), 0.0)) / elapsed_s
        for (pid, name), cpu_s in _cpu_by_process().items()
        if pid not in last.own_pids and pid != os.getpid()
    }
    busiest = sorted(used.items(), key=lambda item: -item[1])[:_MAX_NAMES]
    return Window(
        load=load_between([first, last]),
        busiest=[(name, cores) for name, cores in busiest if cores >= _MIN_NAMED_CORES],
        paged_bytes=swap_after.sin + swap_after.sout - swap.sin - swap.sout,
    )


def check_load(window: Window | None = None) -> list[Finding]:
    """Neighbours, steal and paging."""
    window = window or observe()
    return [_neighbours(window), _steal(window.load), _paging(window)]


def _neighbours(window: Window) -> Finding:
    other = window.load.other_cores
    status = "warning" if other > BUSY_CORES else "note" if other > QUIET_CORES else "ok"
    whose = ", ".join(f"{name}: {cores:.1f}" for name, cores in window.busiest)
    names = ", ".join(name for name, _ in window.busiest)
    if not whose and status != "ok":
        whose = names = "programs that cannot be seen from here, such as those of other containers"
    average = f"; load average {os.getloadavg()[0]:.1f} over the last minute" if hasattr(os, "getloadavg") else ""
    return Finding(
        id="machine.neighbours", area="machine", title="Other programs", status=status,
        seen=f"{other:.2f} of {usable_physical_cores()} cores busy with other work{f' ({whose})' if whose else ''}{average}",
        why="Other work takes turns with the run, empties its caches and lowers the clock.",
        remedy="" if status == "ok" else f"Close, or wait for, {names}.", harms_timing=status == "warning",
    )  # fmt: skip


def _steal(load: MachineLoad) -> Finding:
    share = load.steal_cores / len(usable_cpus())
    status = "warning" if share >= _STEAL_WARNING else "note" if share >= _STEAL_NOTE else "ok"
    return Finding(
        id="machine.steal", area="machine", title="Stolen CPU time", status=status,
        seen=f"{share:.1%} of the processor's time given to other virtual machines in {WINDOW_S:.0f} s",
        why="The hypervisor stops this machine while another one runs: steps get longer for no reason of their own.",
        remedy="" if status == "ok" else "Use a dedicated machine, or an instance type with dedicated cores (no burst credits).",
        harms_timing=status == "warning",
    )  # fmt: skip


def _paging(window: Window) -> Finding:
    paging = window.paged_bytes > 0
    return Finding(
        id="machine.paging", area="machine", title="Paging", status="warning" if paging else "ok",
        seen=f"{window.paged_bytes / 1e6:.1f} MB moved between memory and swap in {WINDOW_S:.0f} s",
        why="Waiting for the disk inside a step has nothing to do with the framework.",
        remedy="Close programs until the memory that is used fits." if paging else "", harms_timing=paging,
    )  # fmt: skip


def _cpu_by_process() -> dict[tuple[int, str], float]:
    """CPU seconds so far of each process that may be seen."""
    used = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None:
            used[process.pid, f"{process.info['name']} (process {process.pid})"] = times.user + times.system
    return used
