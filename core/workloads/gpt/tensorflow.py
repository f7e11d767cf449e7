"""The decoder in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import Positions, batch, evaluate_batch, layer_norm, pre_norm_block, train_step
from core.workloads.shared.tensorflow import adamw as optimizer
from core.workloads.shared.tensorflow import plain_data as data
from core.workloads.shared.tensorflow import sequence_loss as loss

from .spec import HEAD_WIDTH

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def model(sizes, network="spec"):
    width, vocabulary = sizes["width"], sizes["vocabulary"]
    inputs = keras.Input((sizes["length"],), dtype="int64")
    tokens = Positions(name="positions")(keras.layers.Embedding(vocabulary, width, name="embedding")(inputs))
    for index in range(sizes["layers"]):
        tokens = pre_norm_block(tokens, f"layers_{index}", width // HEAD_WIDTH, causal=True)
    tokens = layer_norm(tokens, "norm")
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(vocabulary, name="head", dtype="float32")(tokens), name="gpt")
