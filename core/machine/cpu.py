"""The processor: which of its cores may be used, and what sets their speed.

`root` is the file system to read, `/` outside of tests; everything that only Linux tells is None elsewhere.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
from pathlib import Path

import psutil

from core.machine import cgroup

_CPUS = "sys/devices/system/cpu"


def usable_cpus() -> set[int]:
    """Numbers of the logical processors that this process may run on (its affinity)."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(psutil.cpu_count() or 1))


def physical_cores(cpus: set[int], root: Path = Path("/")) -> int:
    """Distinct physical cores behind these logical processors; threads of one core share its arithmetic units."""
    cores = {(_text(root, f"cpu{cpu}/topology/physical_package_id"), _text(root, f"cpu{cpu}/topology/core_id")) for cpu in cpus}
    if not any(None in core for core in cores):
        return len(cores)
    return min(len(cpus), psutil.cpu_count(logical=False) or len(cpus))


def usable_physical_cores() -> int:
    """Physical cores that this process can keep busy at once: affinity and the control group's quota both respected."""
    cores = physical_cores(usable_cpus())
    quota = cgroup.cpu_quota_cores()
    return cores if quota is None else max(1, min(cores, math.floor(quota)))


def default_threads() -> int:
    """CPU threads for a run unless the user says otherwise: the usable physical cores but one, at least one.

    One core is left for the app, the referee and the load sampler, which would otherwise take turns with the run. Physical
    ones, because two threads on one core share its arithmetic units and only add noise.
    """
    return max(1, usable_physical_cores() - 1)


def model_name(root: Path = Path("/")) -> str:
    """The processor's own name, or its architecture where it does not say."""
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip() or platform.machine()
    for line in _lines(root / "proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def hypervisor_flag(root: Path = Path("/")) -> bool:
    """Does the processor itself say that a hypervisor runs below this system? (x86 only)"""
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in _lines(root / "proc/cpuinfo"))


def governors(cpus: set[int], root: Path = Path("/")) -> tuple[str, ...]:
    """Frequency governors of these processors, each named once; empty where they cannot be read, as in most virtual machines."""
    return tuple(sorted({name for cpu in cpus if (name := _text(root, f"cpu{cpu}/cpufreq/scaling_governor"))}))


def turbo(root: Path = Path("/")) -> bool | None:
    """May the cores run above their base clock? None where it cannot be read."""
    no_turbo = _text(root, "intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == "0"
    boost = _text(root, "cpufreq/boost")
    return None if boost is None else boost == "1"


def _text(root: Path, path: str) -> str | None:
    try:
        return (root / _CPUS / path).read_text(encoding="ascii").strip()
    except OSError:
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
