"""Single operators at several shapes, forward and forward with backward.

Each framework as it is mostly used: TensorFlow's operator in a `tf.function`, PyTorch's called directly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Arrays = tuple[NDArray[np.float32], ...]

#: Small to large. Convolution: images, height and width, input channels, output channels, kernel. Matrix product: rows, inner, columns.
#: Softmax and layer norm: rows, width; both work along the width.
SHAPES: dict[str, tuple[Shape, ...]] = {
    "convolution": ((8, 14, 16, 32, 3), (8, 28, 32, 32, 3), (16, 28, 32, 64, 3), (4, 56, 32, 32, 3), (8, 14, 128, 128, 3), (8, 28, 64, 128, 1)),
    "matmul": ((64, 64, 64), (128, 784, 128), (256, 256, 256), (64, 1600, 128), (512, 512, 512), (1024, 512, 512)),
    "softmax": ((64, 10), (64, 1000), (512, 512), (1024, 1024), (4096, 128), (256, 8192)),
    "layer_norm": ((64, 64), (512, 256), (512, 768), (2048, 512), (4096, 256), (1024, 1024)),
}
LAYER_NORM_EPSILON = 1e-5


def arrays(operator: str, shape: Shape) -> Arrays:
    """The operator's inputs, the same on both sides: what it is applied to, then its weights.

    Images (N, H, W, C) and kernel (H, W, in, out); matrices; or rows (N, width), for layer norm with scale and offset (width,).
    """
    generator = np.random.default_rng(list(shape))

    def normal(*size: int) -> NDArray[np.float32]:
        return generator.standard_normal(size, dtype=np.float32)

    if operator == "convolution":
        images, side, inputs, outputs, kernel = shape
        return normal(images, side, side, inputs), normal(kernel, kernel, inputs, outputs)
    if operator == "matmul":
        rows, inner, columns = shape
        return normal(rows, inner), normal(inner, columns)
    if operator == "softmax":
        return (normal(*shape),)
    return normal(*shape), normal(shape[1]), normal(shape[1])


def row(operator: str, shape: Shape, direction: str, median_s: float, result: NDArray[np.float32]) -> dict[str, Any]:
    """One measurement; `norm`, the L2 norm of the output or of the first gradient, shows that both sides computed the same."""
    return {
        "operator": operator, "shape": "x".join(map(str, shape)), "direction": direction, "median_s": median_s,
        "norm": float(np.linalg.norm(result.astype(np.float64))),
    }  # fmt: skip
