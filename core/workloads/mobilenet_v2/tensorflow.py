"""MobileNetV2 in TensorFlow and Keras 3."""

from __future__ import annotations

import keras

from core.workloads.shared.constants import BATCH_NORM_EPSILON, BATCH_NORM_KEEP
from core.workloads.shared.tensorflow import batch, batch_norm, convolution, evaluate_batch, loss, pad, train_step
from core.workloads.shared.tensorflow import image_data as data
from core.workloads.shared.tensorflow import sgd as optimizer

from .spec import CLASSES, blocks, last_channels, stem_channels

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def relu6(images, name):
    return keras.layers.ReLU(max_value=6, name=name)(images)


def depthwise(images, name, stride):
    """A 3x3 kernel for each channel; half of it is padding on either side, which "same" is not at stride 2."""
    padding = "same"
    if stride > 1:
        images, padding = pad(images, name, 1), "valid"
    return keras.layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=name)(images)


def scale_norm(images, name):
    """A BatchNorm without a shift: the convolutions that follow have BatchNorms, which take any shift away."""
    return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, momentum=BATCH_NORM_KEEP, center=False, name=name)(images)


def inverted_residual(images, name, block):
    """1x1 to more channels, depthwise 3x3, and 1x1 to few again without an activation; the input is added where shapes agree."""
    shortcut = images
    if block.expands:
        images = batch_norm(convolution(images, f"{name}_expand", block.hidden, 1), f"{name}_norm1")
        images = relu6(images, f"{name}_relu1")
    images = relu6(batch_norm(depthwise(images, f"{name}_depthwise", block.stride), f"{name}_norm2"), f"{name}_relu2")
    images = convolution(images, f"{name}_project", block.outputs, 1)
    if not block.is_residual:
        return scale_norm(images, name)
    return keras.layers.Add(name=name)([scale_norm(images, f"{name}_norm3"), shortcut])


def model(sizes, network="spec"):
    """`network="library"` is Keras's own MobileNetV2, which is another network."""
    shape, percent = (sizes["image_size"], sizes["image_size"], 3), sizes["width_percent"]
    if network == "library":
        return keras.applications.MobileNetV2(
            input_shape=shape, alpha=percent / 100, weights=None, classes=CLASSES, classifier_activation=None
        )
    inputs = keras.Input(shape)
    images = relu6(batch_norm(convolution(inputs, "stem", stem_channels(percent), 3, stride=2), "norm1"), "relu1")
    for index, block in enumerate(blocks(percent)):
        images = inverted_residual(images, f"blocks_{index}", block)
    images = relu6(batch_norm(convolution(images, "last", last_channels(percent), 1), "norm2"), "relu2")
    features = keras.layers.GlobalAveragePooling2D(name="pool")(images)
    # In float32 whatever the precision of the rest: logits of the softmax.
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="fc", dtype="float32")(features), name="mobilenet_v2")
