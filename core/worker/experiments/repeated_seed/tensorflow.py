"""Keras weights, tf.data shuffling and dropout, from `keras.utils.set_random_seed`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import tensorflow as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed` (None: none is set), `deterministic`, `steps`, `batch_size`.

    `digest`: SHA-256 of the weights after the last step; `final_loss`; `seconds` of all steps but the first two.
    """
    if settings["seed"] is not None:
        keras.utils.set_random_seed(settings["seed"])
    if settings["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    steps, batch_size = settings["steps"], settings["batch_size"]
    train, _ = load_mnist()
    samples = tf.data.Dataset.from_tensor_slices((train.inputs[:6_000], train.labels[:6_000]))
    batches = list(samples.shuffle(6_000).batch(batch_size, drop_remainder=True).repeat().take(steps))
    plain = workload.model({})
    outputs = plain.layers[-1](keras.layers.Dropout(0.5)(plain.layers[-2].output))
    model = keras.Model(plain.inputs, outputs)
    optimizer = workload.optimizer(1e-3)
    optimizer.build(model.trainable_variables)
    loss = workload.loss()
    step = tf.function(lambda inputs, labels: workload.train_step(model, loss, optimizer, inputs, labels))
    for batch in batches[:2]:
        value = step(*batch).numpy()
    began = time.perf_counter()
    for batch in batches[2:]:
        value = step(*batch)
    value = float(value)
    seconds = time.perf_counter() - began
    digest = hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in model.trainable_variables))
    return {"digest": digest.hexdigest(), "final_loss": value, "seconds": seconds}
