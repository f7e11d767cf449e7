"""The inputs that both sides share: initial weights and the order in which samples are seen."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.workloads.layouts import Array
from core.workloads.registry import initial, workload_spec
from core.workloads.spec import Sizes


def sample_order(samples: int, batch_size: int, steps: int, seed: int) -> NDArray[np.int64]:
    """Sample numbers for `steps` batches, shape (steps, batch_size): a fresh permutation per epoch, short batch dropped."""
    generator = np.random.default_rng([seed, 1])
    per_epoch = samples // batch_size
    epochs = -(-steps // per_epoch)
    order = [generator.permutation(samples)[: per_epoch * batch_size] for _ in range(epochs)]
    return np.concatenate(order).reshape(-1, batch_size)[:steps].astype(np.int64)


def write_inputs(path: Path, workload: str, sizes: Sizes, *, batch_size: int, steps: int, seed: int, samples: int | None = None) -> str:
    """Write weights and order for one seed as `.npz`; returns the SHA-256 of their bytes.

    `samples`: how many of the training samples, the first ones, are used; all, if None.
    """
    weights = initial(workload, sizes, seed)
    order = sample_order(samples or workload_spec(workload).train_samples, batch_size, steps, seed)
    digest = hashlib.sha256(order.tobytes())
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    arrays: dict[str, Any] = {f"weights:{name}": array for name, array in weights.items()}
    np.savez(path, order=order, **arrays)
    return digest.hexdigest()


def read_inputs(path: Path) -> tuple[dict[str, Array], NDArray[np.int64]]:
    """Canonical weights by name, and the order, shape (steps, batch_size)."""
    with np.load(path, allow_pickle=False) as arrays:
        weights = {name.removeprefix("weights:"): arrays[name] for name in arrays.files if name.startswith("weights:")}
        return weights, arrays["order"]


def own_order(order: NDArray[np.int64], samples: int, *, validation: bool) -> NDArray[np.int64]:
    """The order of a side: all of it, or, where the last tenth of the samples is kept for validation, without that tenth.

    Shape (steps, batch_size) either way: with fewer samples to choose from, the order begins again where it ends.
    """
    if not validation:
        return order
    return np.resize(order[order < samples - samples // 10], order.shape)
