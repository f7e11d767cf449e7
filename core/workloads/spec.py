"""What a workload is, in words and numbers that hold for both frameworks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """Functions that do the same job on both sides, shown next to each other."""

    title: str
    functions: tuple[str, ...]
    note: str
    """What differs between the two frameworks here, and how it is equalised."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer as both frameworks must build it; shapes without the batch dimension."""

    name: str
    kind: str
    tensorflow_shape: tuple[int, ...]
    pytorch_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """One thing to compute."""

    name: str
    title: str
    summary: str
    data: str
    """What it trains on, with source and licence."""
    depth: str
    """`shallow` or `deep`: how much rounding adds up, which sets the parity gates."""
    batch_size: int
    learning_rate: float
    train_samples: int
    test_samples: int
    parameters: int
    layers: tuple[Layer, ...]
    sections: tuple[Section, ...]

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in an epoch; the short last one is dropped on both sides."""
        return self.train_samples // batch_size
