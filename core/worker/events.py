"""The lines a worker writes as it goes: `events.jsonl`, one object a line, each with `event` and `since_start_s`."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

#: Set by the referee just before it starts the process: wall clock, nanoseconds.
SPAWNED_VARIABLE = "SHOWDOWN_SPAWNED_NS"


class EventWriter:
    """Appends one line per event and hands it to the operating system at once, so that a crash loses nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        spawned_ns = int(os.environ.get(SPAWNED_VARIABLE) or time.time_ns())
        self._offset_ns = (time.time_ns() - spawned_ns) - time.perf_counter_ns()

    def since_start_s(self) -> float:
        """Seconds since the referee started this process."""
        return (time.perf_counter_ns() + self._offset_ns) / 1e9

    def write(self, event: str, **fields: Any) -> None:
        line = {"event": event, "since_start_s": round(self.since_start_s(), 6), **fields}
        self._file.write(json.dumps(line, default=str, allow_nan=False) + "\n")
        self._file.flush()

    def phase(self, name: str) -> PhaseTimer:
        """Time a stretch of the run; writes `phase_begin` and `phase`."""
        return PhaseTimer(self, name)


class PhaseTimer:
    """Wall and CPU time of a phase; CPU time counts every thread of the process."""

    def __init__(self, events: EventWriter, name: str) -> None:
        self._events = events
        self._name = name

    def __enter__(self) -> PhaseTimer:
        self._events.write("phase_begin", name=self._name)
        self._wall_ns = time.perf_counter_ns()
        self._cpu_ns = time.process_time_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._events.write("phase", name=self._name, wall_s=(time.perf_counter_ns() - self._wall_ns) / 1e9,
                               cpu_s=(time.process_time_ns() - self._cpu_ns) / 1e9)  # fmt: skip


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity: None stands for both."""
    return value if math.isfinite(value) else None
