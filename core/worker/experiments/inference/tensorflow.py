"""Networks that TensorFlow runs: as a program, or loaded from its formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from core.worker.experiments.inference.calls import measure
from core.worker.experiments.shared.inputs import read_reference
from core.worker.experiments.shared.interpreter import interpreter_calls
from core.worker.experiments.shared.tensorflow import ready

_EXECUTIONS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function),
    "xla": lambda function: tf.function(function, jit_compile=True),
}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    return (_program if settings["format"] in _EXECUTIONS else _file)(settings) | {"version": tf.__version__}


def _program(settings: dict[str, Any]) -> dict[str, Any]:
    model, inputs = ready(settings)
    reference = model(inputs, training=False).numpy()
    ones = [inputs[i : i + 1] for i in range(len(reference))]

    def prepare() -> Callable[[int], Any]:
        function = _EXECUTIONS[settings["format"]](lambda batch: model(batch, training=False))
        return lambda i: function(ones[i]).numpy()

    return measure(prepare, reference, settings["calls"]) | {"load_ms": None}


def _file(settings: dict[str, Any]) -> dict[str, Any]:
    inputs, reference = read_reference(Path(settings["reference"]))
    if settings["format"].startswith("tflite"):
        return measure(lambda: interpreter_calls(tf.lite.Interpreter, settings, inputs), reference, settings["calls"])
    ones = [tf.constant(inputs[i : i + 1]) for i in range(len(inputs))]

    def prepare() -> Callable[[int], Any]:
        loaded = tf.saved_model.load(settings["path"])
        return lambda i: loaded.serve(ones[i]).numpy()

    return measure(prepare, reference, settings["calls"])
