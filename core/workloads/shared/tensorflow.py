"""TensorFlow and Keras 3: what several workloads do alike."""

from __future__ import annotations

import keras
import tensorflow as tf

from core.workloads.shared.constants import (
    ADAM_BETAS,
    ADAM_EPSILON,
    BATCH_NORM_EPSILON,
    BATCH_NORM_KEEP,
    LAYER_NORM_EPSILON,
    SGD_MOMENTUM,
    WEIGHT_DECAY,
)


def image_data(inputs, labels):
    """Channels last: (N, H, W, C)."""
    return tf.constant(inputs), tf.constant(labels)


def plain_data(inputs, labels):
    return tf.constant(inputs), tf.constant(labels)


def batch(samples, indices):
    inputs, labels = samples
    return tf.gather(inputs, indices), tf.gather(labels, indices)


def loss(network="spec"):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=network != "article")


def sequence_loss(network="spec"):
    """Mean over all positions of all sequences; logits (B, T, V), labels (B, T)."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def added_up(gradients):
    """With the rows of an embedding's gradient that belong to one token added up, as PyTorch has them.

    Keras's own optimizers square each of these rows and add the squares (keras/src/backend/tensorflow/sparse.py), which is
    another update rule.
    """
    return [tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient for gradient in gradients]


class Adam(keras.optimizers.Adam):
    def apply(self, grads, trainable_variables=None):
        return super().apply(added_up(grads), trainable_variables)


class AdamW(keras.optimizers.AdamW):
    def apply(self, grads, trainable_variables=None):
        return super().apply(added_up(grads), trainable_variables)


def adam(learning_rate, form="matched"):
    """`form="native"` takes Keras's own defaults, which are the same numbers, and its own treatment of embeddings."""
    if form == "native":
        return keras.optimizers.Adam(learning_rate)
    return Adam(learning_rate, *ADAM_BETAS, epsilon=ADAM_EPSILON)


def adamw(learning_rate, form="matched"):
    """Decay of every variable; `form="native"` takes Keras's own decay and treatment of embeddings."""
    if form == "native":
        return keras.optimizers.AdamW(learning_rate)
    return AdamW(learning_rate, weight_decay=WEIGHT_DECAY, beta_1=ADAM_BETAS[0], beta_2=ADAM_BETAS[1], epsilon=ADAM_EPSILON)


def sgd(learning_rate, form="matched"):
    """With momentum; both frameworks' forms are the same while the rate is constant."""
    return keras.optimizers.SGD(learning_rate, momentum=SGD_MOMENTUM)


def train_step(model, loss, optimizer, inputs, labels):
    with tf.GradientTape() as tape:
        value = loss(labels, model(inputs, training=True))
        scaled = optimizer.scale_loss(value)
    gradients = tape.gradient(scaled, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return value


def evaluate_batch(model, loss, inputs, labels):
    """Of a sequence, every position is an answer."""
    outputs = model(inputs, training=False)
    correct = tf.equal(tf.argmax(outputs, axis=-1), labels)
    return loss(labels, outputs) * tf.cast(tf.size(labels), tf.float32), tf.reduce_sum(tf.cast(correct, tf.int32))


def convolution(images, name, filters, kernel, stride=1):
    """Without bias, half the kernel of zeros around the image, as PyTorch pads it: at stride 2, "same" would pad one side less."""
    padding = "same"
    if stride > 1:
        images, padding = pad(images, name, kernel // 2), "valid"
    return keras.layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)(images)


def pad(images, name, pixels):
    """Zeros on all four sides, in front of the layer of that name; (N, H, W, C) in and out."""
    return keras.layers.ZeroPadding2D(pixels, name=f"{name}_pad")(images) if pixels else images


def batch_norm(images, name):
    return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, momentum=BATCH_NORM_KEEP, name=name)(images)


@keras.saving.register_keras_serializable("showdown")
class Positions(keras.layers.Layer):
    """Adds a learned vector to each position; (B, length, width) in and out."""

    def build(self, shape):
        self.embeddings = self.add_weight(shape=shape[1:], initializer=keras.initializers.RandomNormal(stddev=0.02), name="embeddings")

    def call(self, tokens):
        return tokens + self.embeddings


def self_attention(tokens, name, heads, causal=False):
    """Multi-head attention of (B, T, width) to itself, query, key and value in a product each; no projection has a bias."""
    attention = keras.layers.MultiHeadAttention(heads, tokens.shape[-1] // heads, use_bias=False, name=name)
    return attention(tokens, tokens, use_causal_mask=causal)


def layer_norm(tokens, name):
    return keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name=name)(tokens)


def feed_forward(tokens, name):
    """To four times the width and back, with a GELU (the exact one, by erf) between."""
    width = tokens.shape[-1]
    tokens = keras.layers.Dense(4 * width, activation="gelu", name=f"{name}_expand")(tokens)
    return keras.layers.Dense(width, name=f"{name}_reduce")(tokens)


def pre_norm_block(tokens, name, heads, causal=False):
    """A transformer's block with LayerNorm in front of attention and of feed-forward; (B, T, width) in and out."""
    attended = self_attention(layer_norm(tokens, f"{name}_norm1"), f"{name}_attention", heads, causal)
    tokens = keras.layers.Add(name=f"{name}_attended")([tokens, attended])
    return keras.layers.Add(name=name)([tokens, feed_forward(layer_norm(tokens, f"{name}_norm2"), name)])
