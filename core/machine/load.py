"""Reading the machine's counters, and turning two or more readings into what happened between them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import psutil

from core.machine.cpu import usable_cpus
from core.machine.facts import available_memory_bytes
from core.machine.gpu import GpuReading, Nvml
from core.machine.process_tree import ProcessTree
from core.model.run import MachineLoad

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The counters at one moment."""

    at_s: float
    """On a clock that never jumps."""
    busy_cpu_s: float
    """CPU seconds, since boot, of everything on the processors that this process may use."""
    steal_cpu_s: float
    own_cpu_s: float
    """CPU seconds of the followed process and all it started; 0 where none is followed."""
    own_pids: frozenset[int]
    memory_available_bytes: int
    gpu: GpuReading | None
    """Of the first GPU that a framework may use."""


class Reader(Protocol):
    """Where readings come from."""

    def follow(self, pid: int | None) -> None:
        """Whose CPU time and GPU memory count as the run's own from now on."""

    def read(self) -> Reading: ...

    def close(self) -> None: ...


class MachineReader:
    """Readings of this machine."""

    def __init__(self) -> None:
        self._nvml = Nvml()
        visible = self._nvml.visible_gpus()
        self._gpu_index = visible[0].index if visible else None
        self._cpus = usable_cpus()
        self._tree: ProcessTree | None = None

    def follow(self, pid: int | None) -> None:
        self._tree = None if pid is None else ProcessTree(pid, len(self._cpus), time.monotonic())

    def read(self) -> Reading:
        at_s = time.monotonic()
        busy_cpu_s, steal_cpu_s = _system_cpu_s(self._cpus)
        return Reading(
            at_s=at_s,
            busy_cpu_s=busy_cpu_s,
            steal_cpu_s=steal_cpu_s,
            own_cpu_s=self._tree.cpu_s(at_s) if self._tree else 0.0,
            own_pids=self._tree.pids if self._tree else frozenset(),
            memory_available_bytes=available_memory_bytes(),
            gpu=None if self._gpu_index is None else self._nvml.read(self._gpu_index),
        )

    def close(self) -> None:
        self._nvml.close()


def load_between(readings: Sequence[Reading]) -> MachineLoad:
    """What the machine did from the first reading to the last.

    CPU figures and GPU power are differences of counters over the window (power falls back to the mean of the readings where
    the card has no energy counter). A GPU's utilisation describes the time before a reading, so the first one is left out; its
    lowest clock counts only readings in which a kernel ran. Only harmful throttle reasons are listed.
    """
    first, last = readings[0], readings[-1]
    elapsed_s = last.at_s - first.at_s
    own_s = last.own_cpu_s - first.own_cpu_s
    other_s = max(0.0, last.busy_cpu_s - first.busy_cpu_s - own_s)
    gpus = [reading.gpu for reading in readings if reading.gpu]
    energy_j = _energy_j(gpus)
    power_mean_w = energy_j / elapsed_s if energy_j is not None and elapsed_s > 0 else _mean([gpu.power_w for gpu in gpus])
    reasons = dict.fromkeys(reason for gpu in gpus for reason in gpu.harmful_reasons)
    others = [_other_process_bytes(reading) for reading in readings]
    return MachineLoad(
        own_cores=own_s / elapsed_s if elapsed_s > 0 else 0.0,
        other_cores=other_s / elapsed_s if elapsed_s > 0 else 0.0,
        steal_cores=(last.steal_cpu_s - first.steal_cpu_s) / elapsed_s if elapsed_s > 0 else 0.0,
        samples=len(readings),
        memory_available_min_bytes=min(reading.memory_available_bytes for reading in readings),
        gpu_throttle_reasons=tuple(reasons),
        gpu_temperature_max_c=max(_known([gpu.temperature_c for gpu in gpus]), default=None),
        gpu_power_mean_w=power_mean_w,
        gpu_utilisation_mean_percent=_mean([gpu.utilisation_percent for gpu in gpus[1:] or gpus]),
        gpu_sm_clock_min_mhz=min(_known([gpu.sm_clock_mhz for gpu in gpus if gpu.utilisation_percent]), default=None),
        gpu_other_process_bytes=max(_known(others), default=None),
        gpu_energy_j=energy_j,
    )


def live_sample(previous: Reading, now: Reading) -> dict[str, Any]:
    """One line for a page to plot: rates since the previous reading, and the gauges now; only what there is."""
    load = load_between([previous, now])
    sample: dict[str, Any] = {
        "own_cores": round(load.own_cores, 3),
        "other_cores": round(load.other_cores, 3),
        "steal_cores": round(load.steal_cores, 3),
        "memory_available_bytes": now.memory_available_bytes,
    }
    if now.gpu:
        gauges = {
            "gpu_temperature_c": now.gpu.temperature_c,
            "gpu_power_w": now.gpu.power_w,
            "gpu_utilisation_percent": now.gpu.utilisation_percent,
            "gpu_sm_clock_mhz": now.gpu.sm_clock_mhz,
            "gpu_memory_used_bytes": now.gpu.memory_used_bytes,
            "gpu_throttle_reasons": list(now.gpu.harmful_reasons),
        }
        sample |= {name: value for name, value in gauges.items() if value is not None}
    return sample


def _system_cpu_s(cpus: set[int]) -> tuple[float, float]:
    """Busy and stolen CPU seconds since boot on these processors."""
    every = psutil.cpu_times(percpu=True)
    # Where processors are switched off the list is shorter than their numbers: then all of it counts.
    rows = [every[cpu] for cpu in cpus] if max(cpus) < len(every) else every
    busy = sum(getattr(row, name, 0.0) for row in rows for name in ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc"))
    return busy, sum(getattr(row, "steal", 0.0) for row in rows)


def _other_process_bytes(reading: Reading) -> int | None:
    if reading.gpu is None or reading.gpu.process_bytes is None:
        return None
    return sum(size for pid, size in reading.gpu.process_bytes.items() if pid not in reading.own_pids)


def _energy_j(gpus: list[GpuReading]) -> float | None:
    counts = _known([gpu.energy_j for gpu in gpus])
    return counts[-1] - counts[0] if len(counts) >= 2 else None


def _known(values: Iterable[_T | None]) -> list[_T]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return sum(known) / len(known) if known else None
