"""`keras.mixed_precision.set_global_policy` on the article's network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from core.workloads.mnist import load_mnist

POLICIES = {"fp16": "mixed_float16", "bf16": "mixed_bfloat16"}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed`, `steps`, `batch_size`. `switch_warnings`, and for each precision a `types` by layer and what overflowed."""
    count = settings["steps"] * settings["batch_size"]
    train, _ = load_mnist()
    batches = list(tf.data.Dataset.from_tensor_slices((train.inputs[:count], train.labels[:count])).batch(settings["batch_size"]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tf.keras.mixed_precision.set_global_policy("mixed_float16")
    result: dict[str, Any] = {"switch": "tf.keras.mixed_precision.set_global_policy", "switch_warnings": [str(w.message) for w in caught]}
    for precision, policy in POLICIES.items():
        say(f"{settings['steps']} steps in {precision}")
        keras.mixed_precision.set_global_policy(policy)
        try:
            result[precision] = {**_types(batches[0][0]), **_train(settings["seed"], batches, scaled=precision == "fp16")}
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            result[precision] = {"failed": str(error).splitlines()[0]}
    return result


def _model() -> Any:
    """As the article prints it: nothing says that the last layer is to stay in float32."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu", name="conv1"),
            keras.layers.MaxPooling2D(name="pool1"),
            keras.layers.Conv2D(64, 3, activation="relu", name="conv2"),
            keras.layers.MaxPooling2D(name="pool2"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(128, activation="relu", name="dense1"),
            keras.layers.Dense(10, activation="softmax", name="softmax"),
        ]
    )


def _types(images: Any) -> dict[str, Any]:
    model = _model()
    outputs = keras.Model(model.inputs, [layer.output for layer in model.layers])(images)
    types = {layer.name: output.dtype.name for layer, output in zip(model.layers, outputs, strict=True)}
    kept = keras.layers.Dense(10, activation="softmax", dtype="float32")(outputs[-2])
    return {"types": types, "output_type": types["softmax"], "output_type_if_told": kept.dtype.name, "weight_type": str(model.weights[0].dtype)}


def _train(seed: int, batches: list[Any], *, scaled: bool) -> dict[str, int]:
    """Steps whose loss, or any of whose gradients, is not finite; and the updates that loss scaling left out."""
    keras.utils.set_random_seed(seed)
    model = _model()
    loss = keras.losses.SparseCategoricalCrossentropy()
    optimizer: Any = keras.optimizers.Adam()
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(images: Any, labels: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=True))
            target = optimizer.scale_loss(value)
        gradients = tape.gradient(target, model.trainable_variables)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return tf.math.is_finite(value), finite

    seen = [[bool(one) for one in step(*batch)] for batch in batches]
    inner = optimizer.inner_optimizer if scaled else optimizer
    return {
        "losses_not_finite": sum(not loss for loss, _ in seen),
        "steps_with_gradients_not_finite": sum(not gradients for _, gradients in seen),
        "skipped_steps": len(batches) - int(inner.iterations),
    }
