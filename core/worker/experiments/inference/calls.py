"""The clock around single calls, the same for every runtime."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.workloads.layouts import Array

#: Asked before the clock counts, so that every runtime has chosen its kernels and its memory.
WARMUP_CALLS = 20
#: A 99th percentile of fewer is one of the slowest calls by chance.
LEAST_CALLS = 200


def measure(prepare: Callable[[], Callable[[int], Any]], reference: Array, calls: int) -> dict[str, Any]:
    """Load, first call and latency of a network, and how far its outputs are from the reference.

    `prepare` loads it and returns what answers sample number i with an output of shape (1, ...) that numpy can read without
    waiting; `reference` has shape (samples, ...). Milliseconds: `load_ms`, `first_call_ms` (with tracing and compilation where
    these wait for it), `latency_p50_ms` and `latency_p99_ms` of `calls` calls. `largest_difference` and `largest_output` are
    absolute values.
    """
    assert calls >= LEAST_CALLS
    began = time.perf_counter()
    call = prepare()
    loaded = time.perf_counter()
    call(0)
    first = time.perf_counter()
    samples = len(reference)
    outputs: NDArray[np.floating[Any]] = np.concatenate([np.array(call(i)) for i in range(samples)])
    for i in range(WARMUP_CALLS):
        call(i % samples)
    took_ns = np.empty(calls, np.int64)
    for i in range(calls):
        before = time.perf_counter_ns()
        call(i % samples)
        took_ns[i] = time.perf_counter_ns() - before
    return {
        "load_ms": (loaded - began) * 1e3,
        "first_call_ms": (first - loaded) * 1e3,
        "latency_p50_ms": np.quantile(took_ns, 0.5) / 1e6,
        "latency_p99_ms": np.quantile(took_ns, 0.99) / 1e6,
        "calls": calls,
        "largest_difference": np.abs(outputs - reference).max(),
        "largest_output": np.abs(reference).max(),
    }
