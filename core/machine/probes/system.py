"""Python, operating system, memory, swap and disk: what has to be there before anything runs."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import psutil

from core.machine.facts import available_memory_bytes, container, is_wsl, os_name, virtualised
from core.model.finding import Finding
from core.store.home import home

_GIB = 1 << 30
#: A worker with its framework imported and the profiler's buffers filled stays below one of these.
_MEMORY_PROBLEM_BYTES = 1 * _GIB
_MEMORY_WARNING_BYTES = 2 * _GIB
#: A profiled run leaves up to some hundred megabytes.
_DISK_PROBLEM_BYTES = 1 * _GIB
_DISK_WARNING_BYTES = 5 * _GIB


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """The interpreter of the app itself; those of the frameworks are checked with their frameworks."""
    good = version >= (3, 11)
    return Finding(
        id="machine.python", area="machine", title="Python", status="ok" if good else "problem",
        seen=f"Python {'.'.join(map(str, version))} at {sys.executable}",
        why="The app is written for Python 3.11 and later.",
        remedy="" if good else "Install Python 3.11 or later and create the virtual environment with it.",
    )  # fmt: skip


def check_os(system: str | None = None) -> Finding:
    """Linux, macOS and Linux under Windows can run everything; Windows itself cannot."""
    system = system or platform.system()
    windows = system == "Windows"
    where = [os_name(), platform.machine()]
    if is_wsl():
        where.append("WSL2")
    if virtualised():
        where.append("virtual machine")
    if kind := container():
        where.append(f"{kind} container")
    return Finding(
        id="machine.os", area="machine", title="Operating system", status="problem" if windows else "ok", seen=", ".join(where),
        why="Runs need POSIX resource counters, and TensorFlow has no GPU support on Windows itself." if windows
        else "Linux, macOS and WSL2 can run everything; in a virtual machine others can take part of the processor (see steal).",
        remedy="Install WSL2 ('wsl --install' in an administrator's PowerShell) and run Framework Showdown inside it." if windows else "",
    )  # fmt: skip


def check_memory(available_bytes: int | None = None) -> Finding:
    """Memory for two frameworks, one at a time."""
    available = available_memory_bytes() if available_bytes is None else available_bytes
    status = "problem" if available < _MEMORY_PROBLEM_BYTES else "warning" if available < _MEMORY_WARNING_BYTES else "ok"
    return Finding(
        id="machine.memory", area="machine", title="Memory", status=status,
        seen=f"{available / _GIB:.1f} GiB available of {psutil.virtual_memory().total / _GIB:.1f} GiB",
        why="A run needs about 1 GiB for its framework alone; when memory runs out the system pages or kills the run.",
        remedy="" if status == "ok" else "Close other programs, or give the container or virtual machine at least 4 GiB.",
        harms_timing=status != "ok",
    )  # fmt: skip


def check_swap(used_bytes: int | None = None) -> Finding:
    """Swap in use is a trace of past shortage; paging going on now is seen by the load check."""
    used = psutil.swap_memory().used if used_bytes is None else used_bytes
    full = used > _GIB // 4
    return Finding(
        id="machine.swap", area="machine", title="Swap", status="note" if full else "ok",
        seen=f"{used / _GIB:.1f} GiB of swap in use",
        why="Pages that were swapped out come back while a run is timed.",
        remedy="Close programs that you do not need; 'sudo swapoff -a && sudo swapon -a' brings everything back first." if full else "",
    )  # fmt: skip


def check_disk(folder: Path | None = None) -> Finding:
    """Room and permission for comparisons and traces."""
    folder = folder or home()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    status = "problem" if not writable or free < _DISK_PROBLEM_BYTES else "warning" if free < _DISK_WARNING_BYTES else "ok"
    remedy = "Free some space, or set SHOWDOWN_HOME to a folder on a larger disk." if writable else (
        f"Make {existing} a folder that you may write to, or set SHOWDOWN_HOME to one.")  # fmt: skip
    return Finding(
        id="machine.disk", area="machine", title="Disk", status=status,
        seen=f"{free / _GIB:.1f} GiB free for {folder}" if writable else f"{existing} cannot be written to",
        why="Comparisons and profiler traces are kept there; a profiled run leaves up to some hundred megabytes.",
        remedy="" if status == "ok" else remedy,
    )  # fmt: skip
