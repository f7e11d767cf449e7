"""A large recording is decoded by two processes: what they find together is what one finds alone, whatever goes wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.traces import kineto, kineto_columns
from core.traces.schema import Trace, TraceError
from core.traces.sources import Limits, Source
from tests.traces import synthetic
from tests.traces.synthetic import event, write


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kineto_columns, "DIVIDE_FROM_BYTES", 1000)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def divided(path: Path) -> Trace:
    merged: list[None] = []

    def remember(*arguments):
        merged.append(merge(*arguments))

    merge, kineto_columns._merge = kineto_columns._merge, remember
    try:
        trace = kineto.read(Source.of(path))
    finally:
        kineto_columns._merge = merge
    assert merged, "it was read by one process"
    return trace


def alone(path: Path) -> Trace:
    return kineto.read(Source(name=path.name, data=path.read_bytes()))


def many() -> list[dict[str, object]]:
    memory = {"ph": "i", "name": "[memory]", "pid": 7, "tid": 7, "args": {"Bytes": 4, "Device Type": 1, "Device Id": 0}}
    steps = [{**row, "ts": row["ts"] + 2000 * number} for number in range(40) for row in synthetic.training_step()]
    # What only the second half knows: a name, a thread, a device.
    late = [event("late", "cpu_op", 90_000, 5, tid="99"), event("k", "kernel", 90_010, 5, tid=7, device=3, stream=9)]
    return [*steps, *({**memory, "ts": 2000 * number + 5} for number in range(40)), *late]


def test_both_halves_make_the_whole(tmp_path: Path):
    path = write(tmp_path / "a.json", synthetic.kineto(many(), distributedInfo={"rank": 2, "world_size": 4}))
    trace, expected = divided(path), alone(path)
    assert trace.facts == expected.facts
    assert trace.events.equals(expected.events)
    assert trace.memory.equals(expected.memory)
    assert len(trace.memory) == 40


def test_a_recording_cut_off_in_its_second_half_says_so(tmp_path: Path):
    path = write(tmp_path / "a.json", synthetic.kineto(many())[:-300])
    trace, expected = divided(path), alone(path)
    assert trace.facts == expected.facts
    assert "cut off" in trace.facts.notes[0]


@pytest.mark.parametrize("place", [0.2, 0.9])
def test_damage_in_either_half_is_named_as_if_it_was_read_alone(tmp_path: Path, place: float):
    data = bytearray(synthetic.kineto(many()))
    at = data.index(b'"ph"', int(len(data) * place))
    data[at : at + 4] = b"bad!"
    with pytest.raises(TraceError) as expected:
        alone(write(tmp_path / "a.json", bytes(data)))
    with pytest.raises(TraceError) as found:
        kineto.read(Source.of(tmp_path / "a.json"))
    assert str(found.value) == str(expected.value)


def test_a_place_that_only_looks_like_an_event_is_not_divided_at(tmp_path: Path):
    nested = event("aten::mm", "cpu_op", 1, 2, inner=[{"a": number} for number in range(400)])
    path = write(tmp_path / "a.json", synthetic.kineto([event("first", "cpu_op", 0, 1), nested]))
    assert kineto.read(Source.of(path)).events.equals(alone(path).events)


def test_too_many_events_in_both_halves_together_are_refused(tmp_path: Path):
    path = write(tmp_path / "a.json", synthetic.kineto(many()))
    with pytest.raises(TraceError, match="more than 300 events"):
        kineto.read(Source.of(path), limits=Limits(events=300))
