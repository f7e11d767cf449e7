"""How one array of weights is laid out in Keras and in PyTorch; the canonical form is Keras's.

Each layout converts both ways, for weights and for their gradients alike. Shapes: H, W kernel height and width; I, O
input and output channels or features; E the width of an embedding, N heads of D features each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Same:
    """The same array on both sides (biases, scales, embeddings)."""

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
class DepthwiseKernel:
    """Keras (H, W, C, M), PyTorch (C * M, 1, H, W), with M outputs for each of C channels."""

    multiplier: int = 1

    def to_torch(self, array: Array) -> Array:
        height, width, channels, multiplier = array.shape
        return array.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)

    def to_keras(self, array: Array) -> Array:
        outputs, _, height, width = array.shape
        return array.reshape(outputs // self.multiplier, self.multiplier, height, width).transpose(2, 3, 0, 1)


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


@dataclass(frozen=True)
class GateKernel:
    """A kernel of an LSTM: Keras (I, 4 O), PyTorch (4 O, I); both order the gates input, forget, cell, output.

    Keras has one bias where PyTorch adds two. The second one is held at zero, or the sum would learn twice as fast.
    """

    def to_torch(self, array: Array) -> Array:
        return array.T

    def to_keras(self, array: Array) -> Array:
        return array.T


@dataclass(frozen=True)
class HeadsKernel:
    """Query, key or value of attention: Keras (E, N, D), PyTorch (N * D, E), three of them packed into one tensor."""

    heads: int

    def to_torch(self, array: Array) -> Array:
        return array.reshape(array.shape[0], -1).T

    def to_keras(self, array: Array) -> Array:
        return array.T.reshape(array.shape[1], self.heads, -1)


@dataclass(frozen=True)
class HeadsBias:
    """Bias of query, key or value: Keras (N, D), PyTorch (N * D,), three of them packed into one tensor."""

    heads: int

    def to_torch(self, array: Array) -> Array:
        return array.reshape(-1)

    def to_keras(self, array: Array) -> Array:
        return array.reshape(self.heads, -1)


@dataclass(frozen=True)
class HeadsOutput:
    """Output projection of attention: Keras (N, D, E), PyTorch (E, N * D)."""

    heads: int

    def to_torch(self, array: Array) -> Array:
        return array.reshape(-1, array.shape[2]).T

    def to_keras(self, array: Array) -> Array:
        return array.T.reshape(self.heads, -1, array.shape[0])


@dataclass(frozen=True)
class RunningVariance:
    """Variance that BatchNorm remembers: Keras takes the batch's biased variance, PyTorch the unbiased one.

    The worker rescales what was learned by (n - 1) / n, where n = batch size * `positions` values of a channel.
    """

    positions: int
    """Height times width of the normalised image."""
    keep: float
    """Share of the old value that each step keeps: Keras's momentum, one minus PyTorch's."""

    def to_torch(self, array: Array) -> Array:
        return array

    def to_keras(self, array: Array) -> Array:
        return array

    def biased(self, learned: Array, initial: Array, steps: int, batch_size: int) -> Array:
        """What Keras would remember where PyTorch has `learned` after so many steps from `initial`."""
        kept = initial * self.keep**steps
        values = batch_size * self.positions
        return (kept + (learned - kept) * ((values - 1) / values)).astype(np.float32)


Layout = (
    Same | ConvolutionKernel | DepthwiseKernel | DenseKernel | DenseAfterFlatten | GateKernel | HeadsKernel | HeadsBias | HeadsOutput
    | RunningVariance
)  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One row of a weight map."""

    name: str
    """Canonical name: the variable's path in Keras, `layer/weight`, without the model's own name."""
    torch: str
    """The same tensor's name in PyTorch's `state_dict`."""
    shape: tuple[int, ...]
    """Canonical shape."""
    layout: Layout
    part: int = 0
    """Which of `parts` equal parts of PyTorch's tensor, cut along its first axis."""
    parts: int = 1


def to_torch(weight_map: tuple[Tensor, ...], weights: dict[str, Array]) -> dict[str, Array]:
    """Canonical weights under PyTorch's names and in its layout; arrays are contiguous copies."""
    ported: dict[str, dict[int, Array]] = {}
    for tensor in weight_map:
        ported.setdefault(tensor.torch, {})[tensor.part] = tensor.layout.to_torch(weights[tensor.name])
    return {name: np.array(np.concatenate([parts[i] for i in sorted(parts)]) if len(parts) > 1 else parts[0], order="C")
            for name, parts in ported.items()}  # fmt: skip


def to_keras(weight_map: tuple[Tensor, ...], weights: dict[str, Array]) -> dict[str, Array]:
    """PyTorch's weights (or gradients) under canonical names and in canonical layout; copies, never views of live tensors.

    Tensors that are not in `weights` (a gradient that does not exist) are left out.
    """
    return {
        tensor.name: np.array(tensor.layout.to_keras(np.split(weights[tensor.torch], tensor.parts)[tensor.part]), order="C")
        for tensor in weight_map
        if tensor.torch in weights
    }


def initial_weights(weight_map: tuple[Tensor, ...], seed: int) -> dict[str, Array]:
    """Canonical initial weights by the name of the variable, drawn in the order of the map.

    Kernels Glorot uniform, recurrent kernels orthogonal, embeddings normal with deviation 0.02; scales and variances 1, all else 0.
    """
    generator = np.random.default_rng([seed, 0])

    def draw(tensor: Tensor) -> Array:
        kind = tensor.name.rpartition("/")[2]
        if kind in ("gamma", "moving_variance"):
            return np.ones(tensor.shape, np.float32)
        if "embedding" in kind:
            return generator.normal(0, 0.02, tensor.shape).astype(np.float32)
        if kind == "recurrent_kernel":
            return _orthogonal(generator, tensor.shape)
        return glorot_uniform(generator, tensor) if "kernel" in kind else np.zeros(tensor.shape, np.float32)

    return {tensor.name: draw(tensor) for tensor in weight_map}


def glorot_uniform(generator: np.random.Generator, tensor: Tensor) -> Array:
    """Glorot and Bengio's uniform initialiser (2010): limit sqrt(6 / (fan_in + fan_out)), fans of the map that the layer is."""
    shape = tensor.shape
    if isinstance(tensor.layout, HeadsKernel):
        fan_in, fan_out = shape[0], shape[1] * shape[2]
    elif isinstance(tensor.layout, HeadsOutput):
        fan_in, fan_out = shape[0] * shape[1], shape[2]
    else:
        receptive_field = int(np.prod(shape[:-2]))
        inputs = 1 if isinstance(tensor.layout, DepthwiseKernel) else shape[-2]
        fan_in, fan_out = receptive_field * inputs, receptive_field * shape[-1]
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return generator.uniform(-limit, limit, shape).astype(np.float32)


def _orthogonal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Orthonormal rows (Saxe et al., 2014), by QR of a normal matrix with the signs of R's diagonal."""
    tall = generator.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r))
    return (q if shape[0] >= shape[1] else q.T).astype(np.float32)
