"""The weight map of a workload: which tensor of one side is which of the other, and how it is carried over."""

from __future__ import annotations

import inspect

import numpy as np
import polars as pl
import streamlit as st

from core.workloads.layouts import DenseAfterFlatten, Tensor
from core.workloads.spec import WorkloadSpec
from pages._parts.charts import downloads
from pages._parts.layers import is_trained, parameters_by_layer

_ALL = "all layers"
_READABLE_ROWS = 14


def show_weight_map(workload: WorkloadSpec, weights: tuple[Tensor, ...]) -> None:
    """The map, of one layer or of all, and what each layout in it does."""
    st.markdown(
        "Both sides start from one set of weights, drawn once. Each tensor is carried over by its layout, so that the same "
        "number sits at the same place of the same sum."
    )
    layers = list(parameters_by_layer(workload, weights))
    chosen = _ALL
    if len(weights) > _READABLE_ROWS:
        chosen = st.selectbox("Layer", [_ALL, *layers], key="map_layer", bind="query-params", width=320)
    frame = weight_table(weights)
    shown = frame if chosen == _ALL else frame.filter(_of_layer(workload, weights, chosen))
    learned = sum(int(np.prod(tensor.shape)) for tensor in weights if is_trained(tensor))
    st.caption(f"{len(shown)} of {len(frame)} tensors; {learned:,} numbers are learned, the same on both sides.")
    st.dataframe(shown, hide_index=True, height="content" if len(shown) <= _READABLE_ROWS else 520)
    downloads(frame, f"{workload.name}-weight-map")
    st.subheader("How each layout is carried over", anchor=False)
    for layout in {type(tensor.layout).__name__: type(tensor.layout) for tensor in weights}.values():
        st.markdown(f"**{layout.__name__}** · {' '.join((inspect.getdoc(layout) or '').split())}")
    if any(isinstance(tensor.layout, DenseAfterFlatten) for tensor in weights):
        st.caption("Without the order of inputs in DenseAfterFlatten, the first dense layer of the MNIST CNN would be off by 0.70 (relative L2) "
                   "on the same image.")  # fmt: skip


def weight_table(weights: tuple[Tensor, ...]) -> pl.DataFrame:
    """One row per tensor, in the order of the map."""
    return pl.DataFrame(
        {
            "canonical name": [tensor.name for tensor in weights],
            "PyTorch name": [tensor.torch + (f", part {tensor.part + 1} of {tensor.parts}" if tensor.parts > 1 else "") for tensor in weights],
            "Keras shape": [_shape(tensor.shape) for tensor in weights],
            "PyTorch shape": [_shape(torch_shape(tensor)) for tensor in weights],
            "layout": [type(tensor.layout).__name__ for tensor in weights],
            "learned": [is_trained(tensor) for tensor in weights],
        }
    )


def torch_shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape of the tensor, or of its part, in PyTorch, by carrying an array over as the worker does."""
    # One number seen as many: nothing as large as the weights is made.
    return tensor.layout.to_torch(np.broadcast_to(np.float32(0), tensor.shape)).shape


def _of_layer(workload: WorkloadSpec, weights: tuple[Tensor, ...], layer: str) -> pl.Series:
    return pl.Series([layer in parameters_by_layer(workload, (tensor,)) for tensor in weights], dtype=pl.Boolean)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
