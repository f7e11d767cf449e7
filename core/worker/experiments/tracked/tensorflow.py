"""Logged to MLflow beside TensorFlow, which computes a gradient before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from core.worker.experiments.tracked import track


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """As `track`."""
    gradient()
    found = track(settings, say)
    gradient()
    return found


def gradient() -> None:
    variable = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        value = variable * variable
    assert tape.gradient(value, variable).numpy() == 2.0
