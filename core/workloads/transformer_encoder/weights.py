"""The weight map of the transformer encoder: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, Tensor, initial_weights
from core.workloads.shared.transformer_weights import dense, embedding, layer_norm, self_attention
from core.workloads.spec import Sizes

from .spec import CLASSES, HEAD_WIDTH


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    width = sizes["width"]
    return (
        embedding("embedding", sizes["vocabulary"], width),
        embedding("positions", sizes["length"], width),
        *layer_norm("norm", "norm", width),
        *(row for index in range(sizes["layers"]) for row in _block(f"layers_{index}", f"layers.{index}", width)),
        *dense("pooler", "pooler", width, width),
        *dense("head", "head", width, CLASSES),
    )


def _block(keras: str, torch: str, width: int) -> tuple[Tensor, ...]:
    return (
        *self_attention(f"{keras}_attention", f"{torch}.attention", width, width // HEAD_WIDTH),
        *layer_norm(f"{keras}_norm1", f"{torch}.norm1", width),
        *dense(f"{keras}_expand", f"{torch}.expand", width, 4 * width),
        *dense(f"{keras}_reduce", f"{torch}.reduce", 4 * width, width),
        *layer_norm(keras, f"{torch}.norm2", width),
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases, embeddings normal with deviation 0.02."""
    return initial_weights(weight_map(sizes), seed)
