"""Written with `tf.summary`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from core.worker.experiments.scalars import TAG, statements


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `folder` to write to, `values` by step. `statements`: how many it takes."""
    say("writing with tf.summary")
    write(settings["folder"], settings["values"])
    return {"statements": statements(write)}


def write(folder: str, values: list[float]) -> None:
    writer = tf.summary.create_file_writer(folder)
    with writer.as_default():
        for step, value in enumerate(values):
            tf.summary.scalar(TAG, value, step=step)
    writer.close()
