"""The weight map of ResNet-50: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, Tensor, initial_weights
from core.workloads.shared.convolutional import classifier, smooth
from core.workloads.spec import Sizes

from .spec import CLASSES, EXPANSION, convolutions


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    rows = (row for part in convolutions(sizes) for row in part.tensors())
    return (*rows, *classifier("fc", EXPANSION * 8 * sizes["width"], CLASSES))


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases, BatchNorms that keep rounding small."""
    return smooth(initial_weights(weight_map(sizes), seed), last_norm="bn3", unshifted=("bn1/beta",))
