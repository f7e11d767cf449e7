"""The operators in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from core.worker.experiments.operators import LAYER_NORM_EPSILON, SHAPES, arrays, row
from core.worker.experiments.timing import median_call_s


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `shapes` per operator, `budget_s` per measurement. Returns `rows` as of `row`."""
    rows = []
    for operator, shapes in SHAPES.items():
        say(f"{operator} in TensorFlow")
        for shape in shapes[: settings["shapes"]]:
            given = [tf.constant(array) for array in arrays(operator, shape)]
            forward = tf.function(_OPERATORS[operator])
            both = tf.function(lambda *inputs, forward=_OPERATORS[operator]: _gradients(forward, inputs))
            for direction, call in (("forward", lambda: forward(*given)), ("forward and backward", lambda: both(*given)[0])):  # noqa: B023
                median_s = median_call_s(call, _wait, budget_s=settings["budget_s"])
                rows.append(row(operator, shape, direction, median_s, call().numpy()))
    return {"rows": rows}


def _wait(result: Any) -> None:
    tf.reshape(result, [-1])[0].numpy()


def _gradients(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """Of the sum of squares of the output, with respect to every input."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = tf.reduce_sum(tf.square(forward(*inputs)))
    return tape.gradient(value, inputs)


def _convolution(images: Any, kernel: Any) -> Any:
    return tf.nn.conv2d(images, kernel, strides=1, padding="VALID")


def _layer_norm(rows: Any, scale: Any, offset: Any) -> Any:
    return keras.ops.layer_normalization(rows, scale, offset, axis=-1, epsilon=LAYER_NORM_EPSILON)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "matmul": tf.linalg.matmul,
    "softmax": tf.nn.softmax,
    "layer_norm": _layer_norm,
}
