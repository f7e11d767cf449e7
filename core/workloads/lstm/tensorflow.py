"""The LSTM in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import adam as optimizer
from core.workloads.shared.tensorflow import batch, evaluate_batch, loss, train_step
from core.workloads.shared.tensorflow import plain_data as data

from .spec import CLASSES, EMBEDDING, VOCABULARY, WIDTH

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def model(sizes, network="spec"):
    return keras.Sequential(
        [
            keras.Input((sizes["length"],), dtype="int64"),
            keras.layers.Embedding(VOCABULARY, EMBEDDING, name="embedding"),
            keras.layers.LSTM(WIDTH, name="lstm"),
            # In float32 whatever the precision of the rest: logits of the softmax.
            keras.layers.Dense(CLASSES, name="head", dtype="float32"),
        ],
        name="lstm_classifier",
    )
