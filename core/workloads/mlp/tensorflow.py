"""The MLP in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import adam as optimizer
from core.workloads.shared.tensorflow import batch, evaluate_batch, loss, train_step
from core.workloads.shared.tensorflow import image_data as data

from .spec import CLASSES

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def model(sizes, network="spec"):
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(sizes["width"], activation="relu", name="dense1"),
            keras.layers.Dense(sizes["width"], activation="relu", name="dense2"),
            # In float32 whatever the precision of the rest: logits of the softmax.
            keras.layers.Dense(CLASSES, name="dense3", dtype="float32"),
        ],
        name="mlp",
    )
