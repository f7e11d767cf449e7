"""The weight map of the decoder: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, Tensor, initial_weights
from core.workloads.shared.transformer_weights import dense, embedding, layer_norm, pre_norm_block
from core.workloads.spec import Sizes

from .spec import HEAD_WIDTH


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    width = sizes["width"]
    return (
        embedding("embedding", sizes["vocabulary"], width),
        embedding("positions", sizes["length"], width),
        *(row for index in range(sizes["layers"]) for row in pre_norm_block(index, width, width // HEAD_WIDTH)),
        *layer_norm("norm", "norm", width),
        *dense("head", "head", width, sizes["vocabulary"]),
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases, embeddings normal with deviation 0.02."""
    return initial_weights(weight_map(sizes), seed)
