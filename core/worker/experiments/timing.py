"""Timing one call inside an experiment: blocks of calls with one synchronisation at the end of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

#: A block is long against the clock and against what the system does in between.
BLOCK_S = 0.004
LEAST_BLOCKS = 3


def median_call_s(call: Callable[[], Any], wait: Callable[[Any], object], *, budget_s: float) -> float:
    """Median time of a call, from blocks of as many calls as last `BLOCK_S`; about `budget_s` in all, at least three blocks.

    `wait` gets the last call's result and returns when the device has it. The first two calls are not counted.
    """
    wait(call())
    began = time.perf_counter()
    wait(call())
    once_s = time.perf_counter() - began
    calls = max(1, round(BLOCK_S / max(once_s, 1e-9)))
    blocks: list[float] = []
    end = time.perf_counter() + budget_s
    while len(blocks) < LEAST_BLOCKS or time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(calls):
            result = call()
        wait(result)
        blocks.append((time.perf_counter() - began) / calls)
    return statistics.median(blocks)


def timed_s(call: Callable[[], Any], wait: Callable[[Any], object]) -> float:
    """Time of one call, the wait for the device included."""
    began = time.perf_counter()
    wait(call())
    return time.perf_counter() - began
