"""What a workload is, in words and numbers that hold for both frameworks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.errors import ShowdownError

#: Value by name of a `Size`; complete, whoever holds it.
Sizes = dict[str, int]


class WorkloadError(ShowdownError):
    """A workload that does not exist, cannot be read, or cannot have the size asked for."""


def parse_sizes(texts: list[str]) -> Sizes:
    """Sizes from `name=number` texts; raises WorkloadError for a text that is something else."""
    sizes = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not name or not equals or not number.isdecimal():
            raise WorkloadError(f"'{text}' is no size; write it as NAME=NUMBER, e.g. image_size=64.")
        sizes[name] = int(number)
    return sizes


@dataclass(frozen=True, kw_only=True)
class Section:
    """Functions that do the same job on both sides, shown next to each other."""

    title: str
    functions: tuple[str, ...]
    note: str
    """What differs between the two frameworks here, and how it is equalised."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer or block as both frameworks must build it; shapes without the batch dimension, at the default sizes."""

    name: str
    """Name of the Keras layer; the PyTorch module's path with `_` for each dot."""
    kind: str
    tensorflow_shape: tuple[int, ...]
    pytorch_shape: tuple[int, ...]
    parameters: int
    """Trainable ones, of everything whose name begins with this one."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A number that the shape of the model or its data depends on."""

    name: str
    default: int
    small: int
    """For tests, and for machines without a GPU."""
    low: int
    high: int
    help: str
    """What it is, with its unit."""
    multiple: int = 1
    """It must be a multiple of this."""


@dataclass(frozen=True, kw_only=True)
class Flops:
    """Floating-point operations of one sample: a multiply-add counts as two; products and convolutions only.

    Element-wise work, normalisation and pooling are left out, as PyTorch's FlopCounterMode leaves them out.
    """

    forward: int
    training: int
    """Forward and backward. The backward pass computes gradients of weights and of inputs, each as much as forward; the input
    of the first layer needs none."""


@dataclass(frozen=True)
class Samples:
    """Inputs, any type, shape (N, ...); labels, int64, shape (N,) or, for sequences, (N, T)."""

    inputs: NDArray[np.generic]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """One thing to compute."""

    name: str
    title: str
    summary: str
    data: str
    """What it trains on, with source and licence."""
    generated: bool = False
    """The data is made up: speed is measured on it, but accuracy means nothing and is not reported."""
    depth: str
    """`shallow` or `deep`: how much rounding adds up, which sets the parity gates."""
    batch_size: int
    small_batch_size: int
    """For tests, and for machines without a GPU."""
    learning_rate: float
    train_samples: int
    test_samples: int
    parameters: int
    """Trainable ones at the default sizes."""
    layers: tuple[Layer, ...]
    sections: tuple[Section, ...]
    sizes: tuple[Size, ...] = ()
    library: str = ""
    """Why the model that both frameworks' libraries ship under this name is not identical; empty: they ship none."""

    def steps_per_epoch(self, batch_size: int, samples: int | None = None) -> int:
        """Whole batches in an epoch of `samples` (all, if None); the short last one is dropped on both sides."""
        return (self.train_samples if samples is None else samples) // batch_size

    def complete(self, given: Sizes) -> Sizes:
        """`given` with the default of every other size, in the spec's order.

        Raises WorkloadError for a size that the workload does not have or that cannot be.
        """
        known = {size.name: size for size in self.sizes}
        for name, value in given.items():
            if name not in known:
                offered = f"it has {', '.join(known)}" if known else "it has none"
                raise WorkloadError(f"{self.title} has no size '{name}'; {offered}.")
            size = known[name]
            if not size.low <= value <= size.high or value % size.multiple:
                of = f", a multiple of {size.multiple}" if size.multiple > 1 else ""
                raise WorkloadError(f"{name}={value} is not possible for {self.title}; choose {size.low} to {size.high:,}{of}.")
        return {size.name: given.get(size.name, size.default) for size in self.sizes}

    @property
    def small_sizes(self) -> Sizes:
        return {size.name: size.small for size in self.sizes}
