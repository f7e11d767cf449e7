"""What the two frameworks' sides of a worker have in common: the interface, and the plain training loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.model.run import RunSpec
from core.worker.clock import BlockClock
from core.workloads.layouts import Array
from core.workloads.mnist import Split


class Program(Protocol):
    """A workload in one framework, ready to be trained as its variant says.

    Importing the module that implements it imports the framework; making the object configures threads, device,
    determinism and precision before the framework's first operation.
    """

    def __init__(self, spec: RunSpec, *, deterministic: bool) -> None:
        """Raises RunFailure `device_missing` where the framework does not see the device."""

    def build(self, train: Split, test: Split, order: NDArray[np.int64]) -> None:
        """Put the data on the device and make model, loss and optimizer."""

    def environment(self) -> dict[str, Any]: ...

    def parameter_count(self) -> int: ...

    def layers(self) -> list[dict[str, Any]]:
        """`name`, `kind`, `shape` (without batch) and `parameters` of each layer, as the framework built it."""

    def set_weights(self, weights: dict[str, Array]) -> None:
        """Canonical weights in; raises ValueError naming the tensor that does not fit."""

    def weights(self) -> dict[str, Array]:
        """Canonical weights out."""

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        """Outputs, shape (batch, classes), loss, and canonical gradients on the batch of one step, without an update."""

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        """Train `blocks` times `block_steps` steps; each block ends with one read of the loss, inside the clock."""

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        """Mean loss and accuracy on the test set."""

    def profile(self, folder: Path) -> AbstractContextManager[Callable[[int], AbstractContextManager[Any]]]:
        """Profile what happens inside; the value marks one step: `with profile(folder) as mark: with mark(7): ...`."""

    def reset_peak_memory(self) -> None: ...

    def device_memory(self) -> dict[str, int] | None:
        """`allocated_peak_bytes` and, where it exists, `reserved_peak_bytes` of the GPU allocator; None on a CPU."""


class Stepper(Protocol):
    """The part of a program that the plain loop needs."""

    def batch(self, step: int) -> tuple[Any, Any]: ...

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        """Until the device has these batches ready."""

    def step(self, images: Any, labels: Any) -> Any:
        """One training step; returns the loss without reading it."""

    def read(self, loss: Any) -> float:
        """Wait for the device and give the number."""


def train_loop(program: Stepper, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
    """The plain loop of both frameworks: the batches of a block first, beside the clock; then its steps, and one read of the loss."""
    for first in range(first_step, first_step + block_steps * blocks, block_steps):
        before_ns = time.perf_counter_ns()
        batches = [program.batch(step) for step in range(first, first + block_steps)]
        program.wait(batches)
        input_ns = time.perf_counter_ns() - before_ns
        clock.begin()
        for images, labels in batches:
            loss = program.step(images, labels)
        clock.end(block_steps, program.read(loss), input_ns)
