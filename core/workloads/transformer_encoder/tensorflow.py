"""The transformer encoder in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import (
    Positions,
    batch,
    evaluate_batch,
    feed_forward,
    layer_norm,
    loss,
    self_attention,
    train_step,
)
from core.workloads.shared.tensorflow import adamw as optimizer
from core.workloads.shared.tensorflow import plain_data as data

from .spec import CLASSES, HEAD_WIDTH

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def block(tokens, name, heads):
    """A transformer's block with LayerNorm after attention and after feed-forward; (B, T, width) in and out."""
    attended = self_attention(tokens, f"{name}_attention", heads)
    tokens = layer_norm(keras.layers.Add(name=f"{name}_attended")([tokens, attended]), f"{name}_norm1")
    return layer_norm(keras.layers.Add(name=f"{name}_fed")([tokens, feed_forward(tokens, name)]), name)


def model(sizes, network="spec"):
    width = sizes["width"]
    inputs = keras.Input((sizes["length"],), dtype="int64")
    tokens = keras.layers.Embedding(sizes["vocabulary"], width, name="embedding")(inputs)
    tokens = layer_norm(Positions(name="positions")(tokens), "norm")
    for index in range(sizes["layers"]):
        tokens = block(tokens, f"layers_{index}", width // HEAD_WIDTH)
    first = keras.layers.Dense(width, activation="tanh", name="pooler")(tokens[:, 0])
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="head", dtype="float32")(first), name="transformer_encoder")
