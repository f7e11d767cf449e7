"""MNIST as it ships with the project, for every workload that trains on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.workloads.spec import Samples

MNIST_PATH = Path(__file__).parent / "data" / "mnist.npz"


def load_mnist() -> tuple[Samples, Samples]:
    """60,000 training and 10,000 test samples; images float32 in [0, 1], shape (N, 28, 28, 1)."""
    with np.load(MNIST_PATH, allow_pickle=False) as arrays:
        return (
            Samples(arrays["x_train"].astype(np.float32)[..., np.newaxis] / 255.0, arrays["y_train"].astype(np.int64)),
            Samples(arrays["x_test"].astype(np.float32)[..., np.newaxis] / 255.0, arrays["y_test"].astype(np.int64)),
        )
