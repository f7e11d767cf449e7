"""The pair's side in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

# What most pairs do alike. Define a function of the same name and with the same arguments below, instead of importing it, to do
# it your way: core/workloads/shared/tensorflow.py shows what each must do (and has `adamw` and `sgd` beside `adam`).
from core.workloads.shared.tensorflow import adam as optimizer
from core.workloads.shared.tensorflow import batch, evaluate_batch, loss, train_step
from core.workloads.shared.tensorflow import image_data as data  # `plain_data` for anything but images

from .spec import CLASSES, FILTERS, IMAGE_SIZE

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def model(sizes, network="spec"):
    """A Sequential or functional model that gives logits: no softmax at the end, the loss has it.

    Defaults that are not PyTorch's, and must be said on one side: BatchNormalization epsilon 1e-3 and momentum 0.99 (PyTorch 1e-5,
    and 0.1 of the new value), LayerNormalization epsilon 1e-3 (1e-5), "same" padding with strides (Keras pads one side less).
    """
    return keras.Sequential(
        [
            keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
            # Every layer has a name: that of the PyTorch attribute, with `_` for each dot.
            keras.layers.Conv2D(FILTERS, 3, padding="same", activation="relu", name="conv"),
            keras.layers.MaxPooling2D(name="pool"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(sizes["width"], activation="relu", name="dense"),
            # In float32 whatever the precision of the rest: logits of the softmax.
            keras.layers.Dense(CLASSES, name="head", dtype="float32"),
        ],
        name="network",
    )
