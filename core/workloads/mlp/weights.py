"""The weight map of the MLP: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, DenseKernel, Same, Tensor, initial_weights
from core.workloads.spec import Sizes

from .spec import CLASSES, INPUTS


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    """One channel flattens the same way in either order, so that the first kernel needs no permutation."""
    width = sizes["width"]
    return tuple(
        row
        for name, inputs, outputs in (("dense1", INPUTS, width), ("dense2", width, width), ("dense3", width, CLASSES))
        for row in (
            Tensor(f"{name}/kernel", f"{name}.weight", (inputs, outputs), DenseKernel()),
            Tensor(f"{name}/bias", f"{name}.bias", (outputs,), Same()),
        )
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights: Glorot uniform kernels, zero biases."""
    return initial_weights(weight_map(sizes), seed)
