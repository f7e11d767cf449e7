"""Readings made by hand, for tests of what is computed from them."""

from __future__ import annotations

from typing import Any

from core.machine.gpu import GpuReading
from core.machine.load import Reading


def gpu_reading(**fields: Any) -> GpuReading:
    """An idle card that tells everything."""
    usual: dict[str, Any] = {
        "temperature_c": 40, "power_w": 100.0, "energy_j": 0.0, "utilisation_percent": 0, "sm_clock_mhz": 1980, "memory_used_bytes": 0,
        "harmful_reasons": (), "noted_reasons": (), "process_bytes": {},
    }  # fmt: skip
    return GpuReading(**{**usual, **fields})


def reading(at_s: float, **fields: Any) -> Reading:
    """An idle machine without a card."""
    usual: dict[str, Any] = {
        "busy_cpu_s": 0.0, "steal_cpu_s": 0.0, "own_cpu_s": 0.0, "own_pids": frozenset(), "memory_available_bytes": 8 << 30, "gpu": None,
    }  # fmt: skip
    return Reading(at_s=at_s, **{**usual, **fields})


class FakeReader:
    """Gives the readings of a list, one after another; remembers whom it followed."""

    def __init__(self, readings: list[Reading]) -> None:
        self.readings = list(readings)
        self.followed: list[int | None] = []
        self.closed = False

    def follow(self, pid: int | None) -> None:
        self.followed.append(pid)

    def read(self) -> Reading:
        return self.readings.pop(0)

    def close(self) -> None:
        self.closed = True
