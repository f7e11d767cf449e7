"""The layers and the weights of a workload, both sides in one table."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import polars as pl
import streamlit as st

from core.charts.models import layer_parameters
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS
from core.workloads.layouts import Tensor
from core.workloads.registry import workload_module
from core.workloads.spec import WorkloadSpec
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.places import link
from pages._parts.proof import Proof

_TF, _PT = (FRAMEWORK_LABELS[name] for name in FRAMEWORKS)


def show_layers(workload: WorkloadSpec, proof: Proof | None) -> None:
    """Parameters per layer as a chart, shapes as a table; counted by the frameworks where a comparison has done so."""
    measured = proof is not None and all(proof.layers.get(name) for name in FRAMEWORKS)
    frame = measured_layers(proof) if proof is not None and measured else declared_layers(workload)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**Parameters per layer**")
        chart_with_table(
            layer_parameters(long_form(frame)), long_form(frame), download_name=f"{workload.name}-layers",
            alt=f"Bars of the parameters of each layer in {_TF} and {_PT}; the dense layer behind the flattening holds most of them.",
        )  # fmt: skip
    with right:
        st.markdown("**Shapes**, without the batch: TensorFlow keeps channels last, PyTorch first")
        st.dataframe(frame, hide_index=True, height="content", column_config=_COLUMNS)
        totals = {name: frame[f"{name} parameters"].sum() for name in (_TF, _PT)}
        st.markdown(f"**Total: {totals[_TF]:,} in {_TF}, {totals[_PT]:,} in {_PT}**")
    if proof is not None and measured:
        assert proof.comparison.spec is not None
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"As each framework counted its own, {formats.ago(proof.comparison.spec.created)}.", width="content")
            link("compare", "Open that comparison", comparison=proof.comparison.id)
    else:
        st.caption("As the workload declares them; the first comparison has each framework count its own.")


#: Each framework's columns stand together, so its name on the first of them is enough.
_COLUMNS: dict[str, Any] = {
    key: value
    for name in (_TF, _PT)
    for key, value in {
        f"{name} kind": st.column_config.TextColumn(name),
        f"{name} shape": st.column_config.TextColumn("shape" if name == _TF else "shape ", width=95),
        f"{name} parameters": st.column_config.NumberColumn(
            "parameters" if name == _TF else "parameters ", format="localized", width=95
        ),
    }.items()
}


def measured_layers(proof: Proof) -> pl.DataFrame:
    """One row per layer, as the frameworks reported them; where the sides have other layers, the gap stays empty."""
    sides = {
        label: pl.DataFrame(
            [(layer["name"], layer["kind"], _shape(layer["shape"]), layer["parameters"]) for layer in proof.layers[name]],
            schema={"layer": pl.String, f"{label} kind": pl.String, f"{label} shape": pl.String, f"{label} parameters": pl.Int64},
            orient="row",
        )
        for name, label in FRAMEWORK_LABELS.items()
    }
    return sides[_TF].join(sides[_PT], on="layer", how="full", coalesce=True, maintain_order="left_right")


def declared_layers(workload: WorkloadSpec) -> pl.DataFrame:
    """One row per layer, as the workload's spec declares them."""
    return pl.DataFrame(
        {
            "layer": [layer.name for layer in workload.layers],
            "kind": [layer.kind for layer in workload.layers],
            f"{_TF} shape": [_shape(layer.tensorflow_shape) for layer in workload.layers],
            f"{_TF} parameters": [layer.parameters for layer in workload.layers],
            f"{_PT} shape": [_shape(layer.pytorch_shape) for layer in workload.layers],
            f"{_PT} parameters": [layer.parameters for layer in workload.layers],
        }
    )


def long_form(layers: pl.DataFrame) -> pl.DataFrame:
    """`layer`, `framework`, `parameters`, as the chart wants them."""
    return pl.concat(
        [
            layers.select("layer", pl.lit(name).alias("framework"), pl.col(f"{name} parameters").alias("parameters"))
            for name in (_TF, _PT)
        ]
    ).drop_nulls()


def show_weight_map(workload: str) -> None:
    """Which tensor of one side is which of the other, and how each layout turns into the other one."""
    weights: tuple[Tensor, ...] = workload_module(workload, "weights").WEIGHT_MAP
    st.markdown(
        "Both sides start from one set of weights, drawn once. Each tensor is carried over by its layout, so that the same "
        "number sits at the same place of the same sum."
    )
    frame = pl.DataFrame(
        {
            "canonical name": [tensor.name for tensor in weights],
            "PyTorch name": [tensor.torch for tensor in weights],
            "Keras shape": [_shape(tensor.shape) for tensor in weights],
            "PyTorch shape": [_shape(torch_shape(tensor)) for tensor in weights],
            "layout": [type(tensor.layout).__name__ for tensor in weights],
        }
    )
    st.dataframe(frame, hide_index=True, height="content")
    st.download_button(
        "CSV", frame.write_csv, f"{workload}-weight-map.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )
    for layout in {type(tensor.layout).__name__: type(tensor.layout) for tensor in weights}.values():
        st.markdown(f"**{layout.__name__}** · {inspect.getdoc(layout)}")
    st.caption(
        "Without the order of inputs in DenseAfterFlatten, the first dense layer would be off by 0.70 (relative L2) on the same image."
    )


def torch_shape(tensor: Tensor) -> tuple[int, ...]:
    """The tensor's shape in PyTorch, by carrying an array over as the worker does."""
    return tensor.layout.to_torch(np.zeros(tensor.shape, np.float32)).shape


def _shape(shape: tuple[int, ...] | list[int]) -> str:
    return " × ".join(str(size) for size in shape)
