"""What the two frameworks' sides of a worker have in common: the interface, and the plain training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.model.run import RunSpec
from core.worker.clock import BlockClock
from core.workloads.layouts import Array
from core.workloads.spec import Samples


class Program(Protocol):
    """A workload in one framework, ready to be trained as its variant says.

    Importing the module that implements it imports the framework; making the object configures threads, device,
    determinism and precision before the framework's first operation.
    """

    def __init__(self, spec: RunSpec) -> None:
        """Raises RunFailure `device_missing` where the framework does not see the device."""

    def build(self, train: Samples, test: Samples, order: NDArray[np.int64]) -> None:
        """Put the data where the variant wants it and make model, loss and optimizer."""

    def environment(self) -> dict[str, Any]: ...

    def parameter_count(self) -> int:
        """Trainable parameters."""

    def layers(self) -> list[dict[str, Any]]:
        """`name`, `kind`, `shape` (without batch) and `parameters` of each layer, as the framework built it."""

    def layer_outputs(self, step: int, samples: int) -> dict[str, Array]:
        """What each layer gives for the first `samples` of one step's batch in training mode, in order, by canonical layer name."""

    def set_weights(self, weights: dict[str, Array]) -> None:
        """Canonical weights in; raises ValueError naming the tensor that does not fit."""

    def weights(self) -> dict[str, Array]:
        """Canonical weights out."""

    def outputs(self, step: int) -> Array:
        """Outputs on the batch of one step, in inference mode."""

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        """Outputs, shape (batch, classes), loss, and canonical gradients on the batch of one step, without an update."""

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        """Train `blocks` times `block_steps` steps; each block ends with one read of the loss, inside the clock."""

    def train_epochs(self, first_step: int, epochs: int, epoch_steps: int, clock: BlockClock) -> None:
        """Train whole epochs, each a block with its input, metrics and validation."""

    def infer_blocks(self, first_step: int, blocks: int, clock: BlockClock) -> None:
        """One batch a block through the network in inference mode, until its outputs are on the host."""

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        """Mean loss and accuracy on the test set."""

    def skipped_steps(self) -> int | None:
        """Steps without an update because a scaled gradient overflowed; None where nothing is scaled."""

    def profile(self, folder: Path) -> AbstractContextManager[Callable[[int], AbstractContextManager[Any]]]:
        """Profile what happens inside; the value marks one step: `with profile(folder) as mark: with mark(7): ...`."""

    def reset_peak_memory(self) -> None: ...

    def device_memory(self) -> dict[str, int] | None:
        """`allocated_peak_bytes` and, where it exists, `reserved_peak_bytes` of the GPU allocator; None on a CPU."""


class Stepper(Protocol):
    """The part of a program that the plain loop needs."""

    spec: RunSpec

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        """Of the steps from `first_step` on, from memory or through the loader."""

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        """Until the device has these batches ready."""

    def step(self, inputs: Any, labels: Any) -> Any:
        """One training step; returns the loss without reading it."""

    def read(self, loss: Any) -> float:
        """Wait for the device and give the number."""

    def validate(self) -> None:
        """The samples that were left out, through the network."""


def train_loop(program: Stepper, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
    """The plain loop of both frameworks.

    From memory, the batches of a block come first, beside the clock; through a loader they are what is measured too, so each is
    fetched when its step needs it. One read of the loss ends a block.
    """
    from_memory = program.spec.variant.input == "memory"
    source = program.batches(first_step, block_steps * blocks)
    for _ in range(blocks):
        input_ns = 0
        block: Iterator[tuple[Any, Any]] = source
        if from_memory:
            before_ns = time.perf_counter_ns()
            ready = [next(source) for _ in range(block_steps)]
            program.wait(ready)
            input_ns = time.perf_counter_ns() - before_ns
            block = iter(ready)
        clock.begin()
        loss, waited_ns = _steps(program, block, block_steps)
        clock.end(block_steps, program.read(loss), input_ns if from_memory else waited_ns)


def epoch_loop(program: Stepper, first_step: int, epochs: int, epoch_steps: int, clock: BlockClock) -> None:
    """Whole epochs: fetching, stepping, and validating where the variant does so are all inside the clock."""
    for first in range(first_step, first_step + epochs * epoch_steps, epoch_steps):
        clock.begin()
        loss, input_ns = _steps(program, program.batches(first, epoch_steps), epoch_steps)
        program.validate()
        clock.end(epoch_steps, program.read(loss), input_ns)


def _steps(program: Stepper, batches: Iterator[tuple[Any, Any]], steps: int) -> tuple[Any, int]:
    """Train on the next so many batches; returns the last loss and the time spent waiting for batches."""
    sync = program.spec.variant.sync
    loss, input_ns = None, 0
    for done in range(1, steps + 1):
        before_ns = time.perf_counter_ns()
        inputs, labels = next(batches)
        input_ns += time.perf_counter_ns() - before_ns
        loss = program.step(inputs, labels)
        if sync and done % sync == 0:
            program.read(loss)
    return loss, input_ns
