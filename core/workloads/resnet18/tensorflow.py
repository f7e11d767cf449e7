"""ResNet-18 for small images in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import batch, batch_norm, convolution, evaluate_batch, loss, train_step
from core.workloads.shared.tensorflow import image_data as data
from core.workloads.shared.tensorflow import sgd as optimizer

from .spec import CLASSES, STAGES

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def basic_block(images, name, filters, stride):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""
    shortcut = images
    if stride > 1 or images.shape[-1] != filters:
        shortcut = batch_norm(convolution(images, f"{name}_downsample_0", filters, 1, stride), f"{name}_downsample_1")
    images = batch_norm(convolution(images, f"{name}_conv1", filters, 3, stride), f"{name}_bn1")
    images = keras.layers.ReLU(name=f"{name}_relu1")(images)
    images = batch_norm(convolution(images, f"{name}_conv2", filters, 3), f"{name}_bn2")
    return keras.layers.ReLU(name=name)(keras.layers.Add(name=f"{name}_add")([images, shortcut]))


def model(sizes, network="spec"):
    inputs = keras.Input((sizes["image_size"], sizes["image_size"], 3))
    images = batch_norm(convolution(inputs, "conv1", sizes["width"], 3), "bn1")
    images = keras.layers.ReLU(name="relu1")(images)
    for stage, blocks in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            images = basic_block(images, f"layer{stage + 1}_{block}", sizes["width"] * 2**stage, stride)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(images)
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="fc", dtype="float32")(features), name="resnet18")
