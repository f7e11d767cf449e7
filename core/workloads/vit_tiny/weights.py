"""The weight map of the vision transformer: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, ConvolutionKernel, Same, Tensor, initial_weights
from core.workloads.shared.transformer_weights import dense, embedding, layer_norm, pre_norm_block
from core.workloads.spec import Sizes

from .spec import CLASSES, HEADS, PATCH, WIDTH


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    length = (sizes["image_size"] // PATCH) ** 2 + 1
    return (
        Tensor("patches/kernel", "patches.weight", (PATCH, PATCH, 3, WIDTH), ConvolutionKernel()),
        Tensor("patches/bias", "patches.bias", (WIDTH,), Same()),
        embedding("class_token", 1, WIDTH),
        embedding("positions", length, WIDTH),
        *(row for index in range(sizes["layers"]) for row in pre_norm_block(index, WIDTH, HEADS)),
        *layer_norm("norm", "norm", WIDTH),
        *dense("head", "head", WIDTH, CLASSES),
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases, class token and positions normal with deviation 0.02."""
    return initial_weights(weight_map(sizes), seed)
