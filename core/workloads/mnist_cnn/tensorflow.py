"""The MNIST CNN in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import adam as optimizer
from core.workloads.shared.tensorflow import batch, evaluate_batch, loss, train_step
from core.workloads.shared.tensorflow import image_data as data

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def model(sizes, network="spec"):
    """`network="article"` ends in probabilities, as the article printed it."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu", name="conv1"),
            keras.layers.MaxPooling2D(name="pool1"),
            keras.layers.Conv2D(64, 3, activation="relu", name="conv2"),
            keras.layers.MaxPooling2D(name="pool2"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(128, activation="relu", name="dense1"),
            # In float32 whatever the precision of the rest: logits of the softmax.
            keras.layers.Dense(10, activation="softmax" if network in ("article", "mended") else None, name="dense2", dtype="float32"),
        ],
        name="mnist_cnn",
    )
