"""The weight map of the MNIST CNN: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, ConvolutionKernel, DenseAfterFlatten, DenseKernel, Same, Tensor, initial_weights
from core.workloads.spec import Sizes


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    return (
        Tensor("conv1/kernel", "conv1.weight", (3, 3, 1, 32), ConvolutionKernel()),
        Tensor("conv1/bias", "conv1.bias", (32,), Same()),
        Tensor("conv2/kernel", "conv2.weight", (3, 3, 32, 64), ConvolutionKernel()),
        Tensor("conv2/bias", "conv2.bias", (64,), Same()),
        Tensor("dense1/kernel", "dense1.weight", (1600, 128), DenseAfterFlatten(height=5, width=5, channels=64)),
        Tensor("dense1/bias", "dense1.bias", (128,), Same()),
        Tensor("dense2/kernel", "dense2.weight", (128, 10), DenseKernel()),
        Tensor("dense2/bias", "dense2.bias", (10,), Same()),
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases."""
    return initial_weights(weight_map(sizes), seed)
