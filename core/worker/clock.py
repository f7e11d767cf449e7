"""The step clock: wall, CPU and input time and page faults of each block of steps; writing the event happens outside the block."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from core.worker.events import EventWriter
from core.worker.failure import RunFailure


class BlockClock:
    """Times blocks and writes one `block` event each."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self.phase = "first_step"
        self.step = 0
        """Steps trained so far."""
        self.train_ns = 0
        """Wall time of all blocks so far."""

    def begin(self) -> None:
        self._page_faults = _page_faults()
        self._cpu_ns = time.process_time_ns()
        self._wall_ns = time.perf_counter_ns()

    def end(self, steps: int, loss: float | None, input_ns: int | None) -> None:
        """Close a block whose loss, where there is one, has been read.

        Raises RunFailure `nan_loss` where the loss is no longer a finite number.
        """
        wall_ns = time.perf_counter_ns() - self._wall_ns
        cpu_ns = time.process_time_ns() - self._cpu_ns
        page_faults = _page_faults() - self._page_faults
        self.step += steps
        self.train_ns += wall_ns
        if loss is not None and not math.isfinite(loss):
            raise RunFailure("nan_loss", f"The loss became {loss} by step {self.step}; lower the learning rate.")
        self._events.write("block", phase=self.phase, step=self.step, steps=steps, wall_ns=wall_ns, cpu_ns=cpu_ns,
                           input_ns=input_ns, train_ns=self.train_ns, loss=loss, page_faults=page_faults)  # fmt: skip


def _page_faults() -> int:
    """Of this process so far, those without reading from a disk: mostly memory that is used for the first time since the system gave it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


class MarkingClock(BlockClock):
    """Goes on from another clock and marks each block in the profile as one step."""

    def unmarked(self) -> BlockClock:
        """A plain clock that goes on from this one."""
        clock = BlockClock(self._events)
        clock.phase, clock.step, clock.train_ns = self.phase, self.step, self.train_ns
        return clock

    def __init__(self, clock: BlockClock, mark: Callable[[int], AbstractContextManager[Any]]) -> None:
        super().__init__(clock._events)
        self.phase, self.step, self.train_ns = clock.phase, clock.step, clock.train_ns
        self._mark = mark

    def begin(self) -> None:
        self._marked = self._mark(self.step)
        self._marked.__enter__()
        super().begin()

    def end(self, steps: int, loss: float | None, input_ns: int | None) -> None:
        super().end(steps, loss, input_ns)
        self._marked.__exit__(None, None, None)
