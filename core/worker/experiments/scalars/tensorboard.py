"""Read back with TensorBoard's own reader, in a process without a framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.worker.experiments.scalars import TAG, without_tensorflow


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `folder` with event files. `steps` and `values` as they are read, in that order."""
    without_tensorflow()
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    from tensorboard.backend.event_processing.io_wrapper import ListDirectoryAbsolute
    from tensorboard.util.tensor_util import make_ndarray

    say(f"reading {settings['folder']}")
    seen: list[tuple[int, float]] = []
    for path in sorted(ListDirectoryAbsolute(settings["folder"])):
        for event in LegacyEventFileLoader(path).Load():
            for value in event.summary.value:
                if value.tag == TAG:
                    number = float(make_ndarray(value.tensor)) if value.HasField("tensor") else value.simple_value
                    seen.append((int(event.step), number))
    return {"steps": [step for step, _ in seen], "values": [value for _, value in seen]}
