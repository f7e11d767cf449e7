"""Traces that this project recorded on an H100: what was counted in the raw file is what the reader gives."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from core.traces.read import read_trace

FOLDER = Path(__file__).parent / "data" / "h100"
DEVICE_KINDS = {"kernel": "kernel", "gpu_memcpy": "memcpy", "gpu_memset": "memset"}


@pytest.mark.parametrize("name", ["mnist_cnn", "graph_replay"])
def test_every_device_event_is_there_with_its_time(name: str):
    path = FOLDER / f"{name}.pt.trace.json.gz"
    raw = [event for event in json.loads(gzip.decompress(path.read_bytes()))["traceEvents"] if event.get("cat") in DEVICE_KINDS]
    events = read_trace(path).events.filter(pl.col("kind").is_in(list(DEVICE_KINDS.values())))
    assert Counter(events["kind"].to_list()) == Counter(DEVICE_KINDS[event["cat"]] for event in raw)
    assert events["duration_ns"].sum() == sum(round(event["dur"] * 1000) for event in raw)
    assert set(events["device"].to_list()) == {"gpu:0"}


def test_our_own_worker_on_a_gpu_links_every_kernel_to_an_operator_and_a_layer_or_the_optimizer():
    trace = read_trace(FOLDER / "mnist_cnn.pt.trace.json.gz")
    kernels = trace.events.filter(pl.col("kind") == "kernel")
    assert len(trace.facts.steps) == 10
    assert trace.facts.coverage.device_events == trace.facts.coverage.device_events_linked == 550
    assert kernels["operator"].null_count() == 0
    assert kernels.filter(pl.col("op_class") == "other").is_empty()
    convolution = kernels.filter(pl.col("op_class") == "convolution forward")
    assert len(convolution) >= 20  # two layers, ten steps


def test_kernels_of_a_graph_replay_have_no_operator_and_say_so():
    trace = read_trace(FOLDER / "graph_replay.pt.trace.json.gz")
    assert len(trace.facts.steps) == 4
    assert (trace.facts.coverage.device_events, trace.facts.coverage.device_events_linked) == (332, 0)


def test_jax_planes_of_a_gpu_are_read():
    trace = read_trace(FOLDER / "jax_conv.xplane.pb.gz")
    assert trace.facts.framework == "jax"
    assert len(trace.facts.steps) == 4
    kernels = trace.events.filter(pl.col("kind") == "kernel")
    assert kernels.filter(pl.col("op_class") == "convolution forward").height == 4
