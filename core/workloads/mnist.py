"""MNIST as it ships with the project, for every workload that trains on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MNIST_PATH = Path(__file__).parent / "data" / "mnist.npz"


@dataclass(frozen=True)
class Split:
    """Images, float32 in [0, 1], shape (N, 28, 28); labels, int64, shape (N,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def load_mnist() -> tuple[Split, Split]:
    """60,000 training and 10,000 test samples."""
    with np.load(MNIST_PATH, allow_pickle=False) as arrays:
        return (
            Split(arrays["x_train"].astype(np.float32) / 255.0, arrays["y_train"].astype(np.int64)),
            Split(arrays["x_test"].astype(np.float32) / 255.0, arrays["y_test"].astype(np.int64)),
        )
