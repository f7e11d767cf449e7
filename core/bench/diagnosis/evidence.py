"""What both sides left behind, in one form: canonical weights, channels-last images, layers by their common name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bench.diagnosis.reference import Numbers
from core.workloads.layouts import (
    Array,
    ConvolutionKernel,
    DenseKernel,
    DepthwiseKernel,
    HeadsBias,
    HeadsKernel,
    HeadsOutput,
    Layout,
    Same,
    Tensor,
    to_torch,
)

_PARTS = {"query": 0, "key": 1, "value": 2}


@dataclass(frozen=True, kw_only=True)
class SideEvidence:
    """One side of a comparison."""

    label: str
    """What a sentence calls it: the framework, or `side A` where both have the same."""
    framework: str
    arrays: dict[str, NDArray[Any]]
    """Of the parity run: `forward`, `loss`, `gradients:<tensor>`, `one_step:<tensor>`."""
    layers: dict[str, Array] = field(default_factory=dict)
    """What each layer gives for the first samples of the batch, in the order in which they were computed."""
    rows: tuple[dict[str, Any], ...] = ()
    """`name`, `kind`, `shape` and `parameters` of each layer, as the framework built it."""
    message: str = ""
    """Why it got no further."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Both sides, and what they were given."""

    a: SideEvidence
    b: SideEvidence
    weight_map: tuple[Tensor, ...]
    weights: dict[str, Array]
    """Initial, canonical."""
    inputs: NDArray[Any]
    """The first batch as the workload's `samples` gives it, shape (B, ...)."""
    labels: NDArray[np.int64]
    learning_rate: float

    @property
    def sides(self) -> tuple[SideEvidence, SideEvidence]:
        """The one to take the order of layers from first: TensorFlow, where the two frameworks differ."""
        return (self.b, self.a) if self.b.framework == "tensorflow" != self.a.framework else (self.a, self.b)

    def held(self, side: SideEvidence) -> dict[str, Array]:
        """The weights as this side has them, read as its framework reads them; other than `weights` where the map is wrong."""
        if side.framework == "tensorflow":
            return self.weights
        ported = to_torch(self.weight_map, self.weights)
        held = {}
        for row in self.weight_map:
            part = _PARTS.get(row.name.split("/")[-2], row.part) if row.parts == 3 and "/" in row.name else row.part
            array = np.split(ported[row.torch], row.parts)[part]
            try:
                held[row.name] = conventional(row).to_keras(array)
            except (ValueError, IndexError):  # it cannot be read so at all, and its shape says why
                held[row.name] = array
        return held


def conventional(row: Tensor) -> Layout:
    """How PyTorch's own modules keep what Keras's own layers call so."""
    *_, owner, variable = ("", *row.name.split("/"))
    if "kernel" not in variable and not (variable == "bias" and owner in _PARTS):
        return Same()
    if isinstance(row.layout, DepthwiseKernel):
        return row.layout
    if owner in _PARTS and len(row.shape) > 1:
        return HeadsBias(row.shape[0]) if variable == "bias" else HeadsKernel(row.shape[1])
    if owner == "attention_output" and len(row.shape) == 3:
        return HeadsOutput(row.shape[0])
    by_rank: dict[int, Layout] = {2: DenseKernel(), 4: ConvolutionKernel()}
    return by_rank.get(len(row.shape), Same())


@dataclass(frozen=True, kw_only=True)
class LayerEvidence:
    """One layer of one name on both sides: `first` is the side that `Evidence.sides` names first."""

    name: str
    weights: dict[str, Numbers]
    """Canonical, by the name of the variable without the layer's: what the first side has."""
    held: dict[str, Numbers]
    """What the second side has, read as its framework reads it."""
    first: Numbers
    """Outputs, float64."""
    second: Numbers
    candidates: tuple[tuple[Numbers, Numbers], ...]
    """What may have been its inputs, on both sides: outputs of layers before it that agree, nearest first."""
    labels: tuple[str, str]
    batch_norm: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    """Of a BatchNorm: `moving_mean` and `moving_variance` after one step, on both sides."""
