"""The MNIST CNN in TensorFlow and Keras 3."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from core.workloads.mnist_cnn.spec import ADAM_BETAS, ADAM_EPSILON


def data(images, labels):
    return tf.constant(images[..., np.newaxis]), tf.constant(labels)


def batch(samples, indices):
    images, labels = samples
    return tf.gather(images, indices), tf.gather(labels, indices)


def model(network="spec"):
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
            keras.layers.Dense(10, activation="softmax" if network == "article" else None, name="dense2"),
        ],
        name="mnist_cnn",
    )


def loss(network="spec"):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=network == "spec")


def optimizer(learning_rate, form="matched"):
    """`form="native"` takes Keras's own defaults, which are the same numbers."""
    if form == "native":
        return keras.optimizers.Adam(learning_rate)
    return keras.optimizers.Adam(learning_rate, *ADAM_BETAS, epsilon=ADAM_EPSILON)


def train_step(model, loss, optimizer, images, labels):
    with tf.GradientTape() as tape:
        value = loss(labels, model(images, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return value


def evaluate_batch(model, loss, images, labels):
    outputs = model(images, training=False)
    correct = tf.equal(tf.argmax(outputs, axis=1), labels)
    return loss(labels, outputs) * tf.cast(tf.size(labels), tf.float32), tf.reduce_sum(tf.cast(correct, tf.int32))
