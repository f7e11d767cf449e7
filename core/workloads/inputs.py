"""The inputs that both sides share: initial weights and the order in which samples are seen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.workloads.layouts import Array
from core.workloads.registry import workload_module, workload_spec


def sample_order(samples: int, batch_size: int, steps: int, seed: int) -> NDArray[np.int64]:
    """Sample numbers for `steps` batches, shape (steps, batch_size): a fresh permutation per epoch, short batch dropped."""
    generator = np.random.default_rng([seed, 1])
    per_epoch = samples // batch_size
    epochs = -(-steps // per_epoch)
    order = [generator.permutation(samples)[: per_epoch * batch_size] for _ in range(epochs)]
    return np.concatenate(order).reshape(-1, batch_size)[:steps].astype(np.int64)


def write_inputs(path: Path, workload: str, *, batch_size: int, steps: int, seed: int) -> str:
    """Write weights and order for one seed as `.npz`; returns the SHA-256 of their bytes."""
    weights = workload_module(workload, "weights").initial(seed)
    order = sample_order(workload_spec(workload).train_samples, batch_size, steps, seed)
    digest = hashlib.sha256(order.tobytes())
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    np.savez(path, order=order, **{f"weights:{name}": array for name, array in weights.items()})
    return digest.hexdigest()


def read_inputs(path: Path) -> tuple[dict[str, Array], NDArray[np.int64]]:
    """Canonical weights by name, and the order, shape (steps, batch_size)."""
    with np.load(path, allow_pickle=False) as arrays:
        weights = {name.removeprefix("weights:"): arrays[name] for name in arrays.files if name.startswith("weights:")}
        return weights, arrays["order"]
