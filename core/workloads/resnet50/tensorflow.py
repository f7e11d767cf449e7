"""ResNet-50 in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.tensorflow import batch, batch_norm, convolution, evaluate_batch, loss, pad, train_step
from core.workloads.shared.tensorflow import image_data as data
from core.workloads.shared.tensorflow import sgd as optimizer

from .spec import CLASSES, EXPANSION, STAGES

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def bottleneck(images, name, filters, stride):
    """1x1, 3x3 (which has the stride) and 1x1 to four times the filters, beside a shortcut: a 1x1 where the shape changes."""
    shortcut = images
    if stride > 1 or images.shape[-1] != EXPANSION * filters:
        shortcut = batch_norm(convolution(images, f"{name}_downsample_0", EXPANSION * filters, 1, stride), f"{name}_downsample_1")
    images = batch_norm(convolution(images, f"{name}_conv1", filters, 1), f"{name}_bn1")
    images = keras.layers.ReLU(name=f"{name}_relu1")(images)
    images = batch_norm(convolution(images, f"{name}_conv2", filters, 3, stride), f"{name}_bn2")
    images = keras.layers.ReLU(name=f"{name}_relu2")(images)
    images = batch_norm(convolution(images, f"{name}_conv3", EXPANSION * filters, 1), f"{name}_bn3")
    return keras.layers.ReLU(name=name)(keras.layers.Add(name=f"{name}_add")([images, shortcut]))


def model(sizes, network="spec"):
    """`network="library"` is Keras's own ResNet-50, which is another network."""
    shape = (sizes["image_size"], sizes["image_size"], 3)
    if network == "library":
        return keras.applications.ResNet50(weights=None, input_shape=shape, classes=CLASSES, classifier_activation=None)
    inputs = keras.Input(shape)
    images = batch_norm(convolution(inputs, "conv1", sizes["width"], 7, stride=2), "bn1")
    images = keras.layers.ReLU(name="relu1")(images)
    # After a ReLU nothing is below the zeros of the padding, so they win no maximum that counts.
    images = keras.layers.MaxPooling2D(3, strides=2, name="maxpool")(pad(images, "maxpool", 1))
    for stage, blocks in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            images = bottleneck(images, f"layer{stage + 1}_{block}", sizes["width"] * 2**stage, stride)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(images)
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="fc", dtype="float32")(features), name="resnet50")
