"""Recordings for the tests of the analyses: made by hand in microseconds, or generated."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from core.traces import kineto
from core.traces.schema import Trace
from core.traces.sources import Source
from tests.traces.synthetic import event
from tests.traces.synthetic import kineto as kineto_json


def recorded(events: list[dict[str, Any]], **top: Any) -> Trace:
    """What the reader makes of Kineto events."""
    return kineto.read(Source(name="made.json", data=kineto_json(events, **top)))


def kernel(
    name: str, ts: float, dur: float, *, stream: int = 7, device: int = 0, category: str = "kernel", **args: Any
) -> dict[str, Any]:
    return event(name, category, ts, dur, tid=stream, device=device, stream=stream, **args)


def launch(ts: float, dur: float, correlation: int, name: str = "cudaLaunchKernel") -> dict[str, Any]:
    return event(name, "cuda_runtime", ts, dur, correlation=correlation)


def step(number: int, ts: float, dur: float) -> dict[str, Any]:
    return event(f"ProfilerStep#{number}", "user_annotation", ts, dur)


_NAMES = {"kernel": ("volta_sgemm", "ncclKernel_AllReduce", "vectorized_elementwise_kernel"), "gpu_memcpy": ("Memcpy HtoD (Pageable -> Device)",),
          "gpu_memset": ("Memset (Device)",), "cuda_runtime": ("cudaLaunchKernel", "cudaDeviceSynchronize"),
          "cpu_op": ("aten::mm", "aten::add"), "user_annotation": ("enumerate(DataLoader)#x",)}  # fmt: skip


@st.composite
def recordings(draw: st.DrawFn) -> Trace:
    """Any recording: work of two devices and streams that overlaps as it likes, calls, operators, input, steps one after
    another.
    """
    moment = st.integers(0, 400).map(lambda quarter: quarter / 4)
    events = []
    for category in draw(st.lists(st.sampled_from(sorted(_NAMES)), min_size=1, max_size=30)):
        name = draw(st.sampled_from(_NAMES[category]))
        place = (
            {"device": draw(st.integers(0, 1)), "stream": draw(st.integers(6, 7))}
            if category in ("kernel", "gpu_memcpy", "gpu_memset")
            else {}
        )
        thread = place.get("stream") or draw(st.integers(1, 2))
        correlation = {"correlation": draw(st.integers(1, 9))} if category != "cpu_op" else {}
        events.append(event(name, category, draw(moment), draw(moment) / 4, tid=thread, **place, **correlation))
    at = 0.0
    for number in range(draw(st.integers(0, 3))):
        at += draw(st.integers(0, 40)) / 4
        length = draw(st.integers(1, 120)) / 4
        events.append(step(number, at, length))
        at += length
    return recorded(events)
