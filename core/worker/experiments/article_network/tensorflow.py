"""The printed Keras network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from core.workloads.mnist_cnn import tensorflow as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`parameters`, `output_shape` and an empty `error`, as on the other side."""
    say("running the network as printed")
    model = workload.model({}, "article")
    outputs = model(tf.zeros((64, 28, 28, 1)))
    return {"article": {"parameters": model.count_params(), "output_shape": list(outputs.shape), "error": ""}}
