"""The samples that a model is asked about, and what its framework answers: `reference.npz` beside what was exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.workloads.layouts import Array
from core.workloads.registry import samples
from core.workloads.spec import Samples

#: How many samples; each is asked alone, as a batch of one.
SAMPLES = 32


def few_samples(settings: dict[str, Any]) -> Samples:
    """The first samples of the test set, or of the training set where made-up data has no test set."""
    train, test = samples(settings["workload"], settings["sizes"])
    chosen = test if len(test.labels) else train
    return Samples(chosen.inputs[:SAMPLES], chosen.labels[:SAMPLES])


def write_reference(path: Path, inputs: NDArray[np.generic], outputs: Array) -> None:
    """Both of shape (samples, ...); inputs in the layout of the framework that exports."""
    np.savez(path, inputs=inputs, outputs=outputs)


def read_reference(path: Path) -> tuple[NDArray[np.generic], Array]:
    """Inputs and outputs, both of shape (samples, ...)."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["inputs"], arrays["outputs"]


def size_bytes(path: Path) -> int:
    """Of a file, or of everything in a folder."""
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
