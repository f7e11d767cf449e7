"""A Kineto trace of any size, made by repeating a real one: what its reader is timed on.

Times, correlations, external ids and step numbers move with each copy, so that the whole is one long recording: the V100 trace
with its memory events seven times is 299 MB and 1.5 million events.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
from isal import igzip

_SHIFTED = ("correlation", "External id", "external id", "Ev Idx", "Python id", "Python parent id")
_LARGEST_ID = 2**31
_STEP = re.compile(r"ProfilerStep#(\d+)$")


def make_big_kineto(source: Path, copies: int, target: Path) -> int:
    """Write the trace in `source`, plain or gzip, so many times into `target`; gives the number of events."""
    data = source.read_bytes()
    recording: dict[str, Any] = msgspec.json.decode(igzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    events: list[dict[str, Any]] = recording.pop("traceEvents")
    head = [event for event in events if event.get("ph") == "M"]
    body = [event for event in events if event.get("ph") != "M" and "ts" in event]
    lasting = [event for event in body if event.get("ph") == "X" and event.get("cat") != "Trace"]
    span_us = int(max(event["ts"] + event["dur"] for event in lasting) - min(event["ts"] for event in lasting)) + 1000
    ids = [
        value
        for event in body
        for name in _SHIFTED
        if isinstance(value := (event.get("args") or {}).get(name), int) and value < _LARGEST_ID
    ]
    steps = [int(match[1]) for event in lasting if (match := _STEP.match(event["name"]))]
    shift, step_shift = max(ids, default=0) + 1, max(steps, default=0) - min(steps, default=0) + 1
    encoder = msgspec.json.Encoder()
    with target.open("wb") as file:
        file.write(encoder.encode(recording)[:-1] + b', "traceEvents": [\n')
        file.write(b",\n".join(map(encoder.encode, head)))
        for number in range(copies):
            file.writelines(b",\n" + encoder.encode(_moved(event, number, span_us, shift, step_shift)) for event in body)
        file.write(b"\n]}\n")
    return len(head) + copies * len(body)


def _moved(event: dict[str, Any], number: int, span_us: int, shift: int, step_shift: int) -> dict[str, Any]:
    moved = {**event, "ts": event["ts"] + number * span_us}
    if step := _STEP.match(str(event.get("name"))):
        moved["name"] = f"ProfilerStep#{int(step[1]) + number * step_shift}"
    if args := event.get("args"):
        moved["args"] = {
            name: value + number * shift if name in _SHIFTED and isinstance(value, int) and value < _LARGEST_ID else value
            for name, value in args.items()
        }
    return moved
