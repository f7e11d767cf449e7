"""What convolutional networks are made of, in numbers: each spec lists its convolutions once, for weight map, layers and operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.workloads import counting
from core.workloads.layouts import Array, ConvolutionKernel, DenseKernel, DepthwiseKernel, RunningVariance, Same, Tensor
from core.workloads.shared.constants import BATCH_NORM_KEEP
from core.workloads.spec import Layer

START_SCALE = 0.1
START_SHIFT = 2.0


@dataclass(frozen=True, kw_only=True)
class NormedConvolution:
    """A convolution and the BatchNorm behind it. It has no bias: the BatchNorm would take any away."""

    convolution: str
    """The module's path in PyTorch; the Keras layer has `_` for each dot."""
    norm: str
    inputs: int
    """Channels."""
    outputs: int
    kernel: int
    """Height and width."""
    size: int
    """Height and width of the image that comes out."""
    depthwise: bool = False
    """Each channel has a kernel of its own."""
    norm_layer: str = ""
    """The BatchNorm's layer in Keras, where it has another name because it ends a block."""
    shifted: bool = True
    """False: the BatchNorm learns a scale but no shift. Keras's layer has no beta, PyTorch's stays zero."""

    def tensors(self) -> tuple[Tensor, ...]:
        """Rows of the weight map."""
        layer = self.convolution.replace(".", "_")
        norm = self.norm_layer or self.norm.replace(".", "_")
        kernel = (self.kernel, self.kernel, self.inputs, 1 if self.depthwise else self.outputs)
        of_channels = (self.outputs,)
        beta = (Tensor(f"{norm}/beta", f"{self.norm}.bias", of_channels, Same()),) if self.shifted else ()
        variance = RunningVariance(positions=self.size * self.size, keep=BATCH_NORM_KEEP)
        return (
            Tensor(f"{layer}/kernel", f"{self.convolution}.weight", kernel, DepthwiseKernel() if self.depthwise else ConvolutionKernel()),
            Tensor(f"{norm}/gamma", f"{self.norm}.weight", of_channels, Same()),
            *beta,
            Tensor(f"{norm}/moving_mean", f"{self.norm}.running_mean", of_channels, Same()),
            Tensor(f"{norm}/moving_variance", f"{self.norm}.running_var", of_channels, variance),
        )

    def parameters(self) -> int:
        """Trainable ones."""
        return sum(int(np.prod(tensor.shape)) for tensor in self.tensors() if "/moving_" not in tensor.name)

    def flops(self) -> int:
        """Of one image, forward."""
        groups = self.inputs if self.depthwise else 1
        kernel = (self.kernel, self.kernel)
        return counting.convolution(
            kernel=kernel, inputs=self.inputs, outputs=self.outputs, height=self.size, width=self.size, groups=groups
        )


def halved(size: int) -> int:
    """Height or width after a stride of 2, where half the kernel of padding lies on either side."""
    return -(-size // 2)


def residual_blocks(*, stages: Sequence[int], width: int, kernels: Sequence[int], expansion: int, inputs: int, size: int) -> list[NormedConvolution]:
    """The blocks of a residual network: `layer1.0` and so on, `stages[i]` of them in stage i + 1, which is twice as wide as the one before.

    A block has a convolution of each of `kernels`, the last one `expansion` times as wide; the first 3x3 of a stage's first block
    halves the image, except in stage 1. Where shapes change, a 1x1 convolution stands in for the shortcut. `size`: of the image
    that comes in, with `inputs` channels.
    """
    parts = []
    for stage, blocks in enumerate(stages):
        inner, outputs = width * 2**stage, width * 2**stage * expansion
        for index in range(blocks):
            block, strided = f"layer{stage + 1}.{index}", stage > 0 and index == 0
            channels, current = inputs, size
            for number, kernel in enumerate(kernels, start=1):
                wanted = outputs if number == len(kernels) else inner
                if strided and kernel == 3 and current == size:
                    current = halved(size)
                parts.append(NormedConvolution(convolution=f"{block}.conv{number}", norm=f"{block}.bn{number}", inputs=channels,
                                               outputs=wanted, kernel=kernel, size=current))  # fmt: skip
                channels = wanted
            if inputs != outputs or strided:
                parts.append(NormedConvolution(convolution=f"{block}.downsample.0", norm=f"{block}.downsample.1", inputs=inputs,
                                               outputs=outputs, kernel=1, size=current))  # fmt: skip
            inputs, size = outputs, current
    return parts


def classifier(name: str, inputs: int, classes: int) -> tuple[Tensor, ...]:
    """Rows of the dense layer at the end."""
    return (
        Tensor(f"{name}/kernel", f"{name}.weight", (inputs, classes), DenseKernel()),
        Tensor(f"{name}/bias", f"{name}.bias", (classes,), Same()),
    )


def smooth(weights: dict[str, Array], last_norm: str, unshifted: tuple[str, ...] = ()) -> dict[str, Array]:
    """Initial weights at which rounding stays small, so that a difference between two programs stands out.

    A value within rounding of a ReLU's zero has a gradient on one side and none on the other, and BatchNorm hands the difference on
    to its whole channel. So shifts start at `START_SHIFT`, where few values are near zero; not those of `unshifted`, behind which
    only maxima and 1x1 convolutions follow: with nothing below zero, their gradient would be nothing but rounding. The last BatchNorm
    of a block, `last_norm`, starts at `START_SCALE` beside its shortcut; recipes take 0 (Goyal et al., 2017), where the block's
    kernels would have no gradient to compare.
    """

    def start(name: str, array: Array) -> Array:
        if name.endswith(f"_{last_norm}/gamma"):
            return np.full_like(array, START_SCALE)
        shifted = name.endswith("/beta") and not name.endswith(f"_{last_norm}/beta") and name not in unshifted
        return np.full_like(array, START_SHIFT) if shifted else array

    return {name: start(name, array) for name, array in weights.items()}


def normed_layers(part: NormedConvolution, kind: str) -> tuple[Layer, Layer]:
    """A convolution that belongs to no block, and its BatchNorm, as rows of a spec."""
    convolution, norm = part.convolution.replace(".", "_"), part.norm.replace(".", "_")
    of_norm = 2 * part.outputs
    return (
        image_layer(convolution, kind, part.size, part.outputs, part.parameters() - of_norm),
        image_layer(norm, "BatchNorm", part.size, part.outputs, of_norm),
    )


def block_layers(parts: Iterable[NormedConvolution], kind: str) -> tuple[Layer, ...]:
    """One row for each block, the convolutions whose paths differ in the last words only."""
    blocks: dict[str, list[NormedConvolution]] = {}
    for part in parts:
        blocks.setdefault(".".join(part.convolution.split(".")[:2]), []).append(part)
    return tuple(
        image_layer(block.replace(".", "_"), kind, own[-1].size, own[-1].outputs, sum(part.parameters() for part in own))
        for block, own in blocks.items()
    )


def image_layer(name: str, kind: str, size: int, channels: int, parameters: int = 0) -> Layer:
    """A row of a spec for a layer that gives an image."""
    return Layer(name=name, kind=kind, tensorflow_shape=(size, size, channels), pytorch_shape=(channels, size, size), parameters=parameters)
