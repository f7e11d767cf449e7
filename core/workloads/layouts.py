"""How one array of weights is laid out in Keras and in PyTorch; the canonical form is Keras's.

Each layout converts both ways, for weights and for their gradients alike. Shapes: H, W kernel height and width; I, O
input and output channels or features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Same:
    """The same array on both sides (biases, scales)."""

    def to_torch(self, array: Array) -> Array:
        return array

    def to_keras(self, array: Array) -> Array:
        return array


@dataclass(frozen=True)
class ConvolutionKernel:
    """Keras (H, W, I, O), PyTorch (O, I, H, W)."""

    def to_torch(self, array: Array) -> Array:
        return array.transpose(3, 2, 0, 1)

    def to_keras(self, array: Array) -> Array:
        return array.transpose(2, 3, 1, 0)


@dataclass(frozen=True)
class DenseKernel:
    """Keras (I, O), PyTorch (O, I)."""

    def to_torch(self, array: Array) -> Array:
        return array.T

    def to_keras(self, array: Array) -> Array:
        return array.T


@dataclass(frozen=True)
class DenseAfterFlatten:
    """A dense kernel behind a flattened image: Keras counts its inputs in (H, W, C) order, PyTorch in (C, H, W) order."""

    height: int
    width: int
    channels: int

    def to_torch(self, array: Array) -> Array:
        outputs = array.shape[1]
        image = array.reshape(self.height, self.width, self.channels, outputs)
        return image.transpose(3, 2, 0, 1).reshape(outputs, -1)

    def to_keras(self, array: Array) -> Array:
        outputs = array.shape[0]
        image = array.reshape(outputs, self.channels, self.height, self.width)
        return image.transpose(2, 3, 1, 0).reshape(-1, outputs)


Layout = Same | ConvolutionKernel | DenseKernel | DenseAfterFlatten


@dataclass(frozen=True)
class Tensor:
    """One row of a weight map."""

    name: str
    """Canonical name: `layer/weight`, as Keras says it."""
    torch: str
    """The same tensor's name in PyTorch's `state_dict`."""
    shape: tuple[int, ...]
    """Canonical shape."""
    layout: Layout


def to_torch(weight_map: tuple[Tensor, ...], weights: dict[str, Array]) -> dict[str, Array]:
    """Canonical weights under PyTorch's names and in its layout; arrays are contiguous copies."""
    return {tensor.torch: np.array(tensor.layout.to_torch(weights[tensor.name]), order="C") for tensor in weight_map}


def to_keras(weight_map: tuple[Tensor, ...], weights: dict[str, Array]) -> dict[str, Array]:
    """PyTorch's weights (or gradients) under canonical names and in canonical layout; copies, never views of live tensors."""
    return {tensor.name: np.array(tensor.layout.to_keras(weights[tensor.torch]), order="C") for tensor in weight_map}


def glorot_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Glorot and Bengio's uniform initialiser (2010): limit sqrt(6 / (fan_in + fan_out)), fans as Keras counts them."""
    receptive_field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6.0 / (receptive_field * (shape[-2] + shape[-1])))
    return generator.uniform(-limit, limit, shape).astype(np.float32)
