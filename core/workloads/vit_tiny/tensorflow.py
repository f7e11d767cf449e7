"""The vision transformer in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import Positions, batch, evaluate_batch, layer_norm, loss, pre_norm_block, train_step
from core.workloads.shared.tensorflow import adamw as optimizer
from core.workloads.shared.tensorflow import image_data as data

from .spec import CLASSES, HEADS, PATCH, WIDTH

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


@keras.saving.register_keras_serializable("showdown")
class ClassToken(keras.layers.Layer):
    """Puts a learned token in front; (B, T, width) to (B, T + 1, width)."""

    def build(self, shape):
        self.embeddings = self.add_weight(shape=(1, shape[-1]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="embeddings")

    def call(self, tokens):
        first = keras.ops.broadcast_to(self.embeddings, (keras.ops.shape(tokens)[0], 1, tokens.shape[-1]))
        return keras.ops.concatenate([first, tokens], axis=1)


def model(sizes, network="spec"):
    side = sizes["image_size"] // PATCH
    inputs = keras.Input((sizes["image_size"], sizes["image_size"], 3))
    tokens = keras.layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(inputs)
    tokens = ClassToken(name="class_token")(keras.layers.Reshape((side * side, WIDTH), name="flatten")(tokens))
    tokens = Positions(name="positions")(tokens)
    for index in range(sizes["layers"]):
        tokens = pre_norm_block(tokens, f"layers_{index}", HEADS)
    tokens = layer_norm(tokens, "norm")
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="head", dtype="float32")(tokens[:, 0]), name="vit_tiny")
