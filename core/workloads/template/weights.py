"""The weight map: which tensor of Keras is which of PyTorch, and how it lies in memory. No framework is imported here."""

from __future__ import annotations

from core.workloads.layouts import Array, ConvolutionKernel, DenseAfterFlatten, DenseKernel, Same, Tensor, initial_weights
from core.workloads.spec import Sizes

from .spec import CLASSES, FILTERS, IMAGE_SIZE


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    """One row per tensor: its name in Keras (layer/variable), its name in PyTorch's state_dict, its shape in Keras, its layout.

    core/workloads/layouts.py has the layouts: convolutions, dense layers, LSTM gates, heads of attention packed into one tensor.
    """
    side = IMAGE_SIZE // 2
    width = sizes["width"]
    return (
        # Keras (height, width, inputs, outputs), PyTorch (outputs, inputs, height, width).
        Tensor("conv/kernel", "conv.weight", (3, 3, 3, FILTERS), ConvolutionKernel()),
        Tensor("conv/bias", "conv.bias", (FILTERS,), Same()),
        # The first dense layer behind a flattened image: Keras flattens (H, W, C), PyTorch (C, H, W).
        Tensor("dense/kernel", "dense.weight", (side * side * FILTERS, width), DenseAfterFlatten(height=side, width=side, channels=FILTERS)),
        Tensor("dense/bias", "dense.bias", (width,), Same()),
        # Keras (inputs, outputs), PyTorch (outputs, inputs).
        Tensor("head/kernel", "head.weight", (width, CLASSES), DenseKernel()),
        Tensor("head/bias", "head.bias", (CLASSES,), Same()),
        # A BatchNorm has two rows more than a dense layer: moving_mean with Same, and moving_variance with RunningVariance.
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """The weights that both sides start from, by their name in Keras: Glorot uniform kernels, zero biases.

    For pretrained weights, load them here; they must have the shapes of the map.
    """
    return initial_weights(weight_map(sizes), seed)
