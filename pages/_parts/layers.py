"""The layers of a workload, both sides in one table, block by block."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import streamlit as st

from core.charts.models import layer_parameters
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS
from core.workloads.layouts import Tensor
from core.workloads.spec import Sizes, WorkloadSpec
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.places import link
from pages._parts.proof import Proof

_TF, _PT = (FRAMEWORK_LABELS[name] for name in FRAMEWORKS)
#: A block of several layers, such as `layers_3` or `layer1_0`, at the start of a layer's name.
_BLOCK = re.compile(r"[a-z]+\d*_\d+(?=_|$)")


def show_layers(workload: WorkloadSpec, sizes: Sizes, weights: tuple[Tensor, ...], proof: Proof | None) -> None:
    """Parameters per layer as a chart, shapes as a table; counted by the frameworks where a comparison of these sizes has done so."""
    measured = proof is not None and all(proof.layers.get(name) for name in FRAMEWORKS)
    frame = block_level(measured_layers(proof)) if proof is not None and measured else declared_layers(workload, sizes, weights)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**Parameters per layer**")
        chart_with_table(
            layer_parameters(long_form(frame)), long_form(frame), download_name=f"{workload.name}-layers", alt=_words(frame),
        )  # fmt: skip
    with right:
        with_shapes = f"{_TF} shape" in frame.columns
        st.markdown("**Shapes**, without the batch" if with_shapes else "**Layers** at these sizes")
        columns = _MEASURED_COLUMNS if f"{_TF} kind" in frame.columns else _DECLARED_COLUMNS if with_shapes else _COUNTED_COLUMNS
        st.dataframe(frame, hide_index=True, height="content" if len(frame) <= 20 else 720, column_config=columns)
        totals = {name: frame[f"{name} parameters"].sum() for name in (_TF, _PT)}
        st.markdown(f"**Total: {totals[_TF]:,} in {_TF}, {totals[_PT]:,} in {_PT}**")
    if proof is not None and measured:
        assert proof.comparison.spec is not None
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"As each framework counted its own, {formats.ago(proof.comparison.spec.created)}.", width="content")
            link("compare", "Open that comparison", comparison=proof.comparison.id)
    else:
        source = "As the workload declares them" if with_shapes else "As the weight map has them; shapes are declared for the usual sizes only"
        st.caption(f"{source}. The first comparison of these sizes has each framework count its own.")


def _words(layers: pl.DataFrame) -> str:
    largest = layers.sort(f"{_TF} parameters", descending=True, nulls_last=True).row(0, named=True)
    return f"Bars of the parameters of {len(layers)} layers in {_TF} and {_PT}; {largest['layer']} has the most in {_TF}."


#: Each framework's columns stand together, so its name on the first of them is enough.
_MEASURED_COLUMNS: dict[str, Any] = {
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
_DECLARED_COLUMNS: dict[str, Any] = {
    key: value
    for name in (_TF, _PT)
    for key, value in {
        f"{name} shape": st.column_config.TextColumn(f"{name} shape", width=130),
        f"{name} parameters": st.column_config.NumberColumn("parameters" if name == _TF else "parameters ", format="localized", width=95),
    }.items()
}
_COUNTED_COLUMNS: dict[str, Any] = {
    f"{name} parameters": st.column_config.NumberColumn(f"{name} parameters", format="localized") for name in (_TF, _PT)
}


def measured_layers(proof: Proof) -> pl.DataFrame:
    """One row per layer and block, as the frameworks reported them; where the sides have other layers, the gap stays empty."""
    sides = {
        label: pl.DataFrame(
            [(layer["name"], layer["kind"], _shape(layer["shape"]), layer["parameters"]) for layer in proof.layers[name]],
            schema={"layer": pl.String, f"{label} kind": pl.String, f"{label} shape": pl.String, f"{label} parameters": pl.Int64},
            orient="row",
        )
        for name, label in FRAMEWORK_LABELS.items()
    }
    return sides[_TF].join(sides[_PT], on="layer", how="full", coalesce=True, maintain_order="left_right")


def block_level(layers: pl.DataFrame) -> pl.DataFrame:
    """`measured_layers` without what lies inside a block that both sides have, and without what only one side has and nothing is learned in."""
    names = layers["layer"].to_list()
    both = set(layers.drop_nulls([f"{_TF} kind", f"{_PT} kind"])["layer"])
    inside = {name for name in names if any(name.startswith(f"{block}_") for block in both)}
    # A module that only holds blocks would count their parameters again.
    around = {name for name in set(names) - both if any(block.startswith(f"{name}_") for block in both)}
    learned = pl.sum_horizontal(f"{_TF} parameters", f"{_PT} parameters") > 0
    return layers.filter(pl.col("layer").is_in(both) | learned, ~pl.col("layer").is_in(inside | around))


def declared_layers(workload: WorkloadSpec, sizes: Sizes, weights: tuple[Tensor, ...]) -> pl.DataFrame:
    """One row per layer, as the workload's spec declares them; at other sizes as the weight map has them, without shapes."""
    if sizes == workload.complete({}):
        return pl.DataFrame(
            {
                "layer": [layer.name for layer in workload.layers],
                f"{_TF} shape": [_shape(layer.tensorflow_shape) for layer in workload.layers],
                f"{_TF} parameters": [layer.parameters for layer in workload.layers],
                f"{_PT} shape": [_shape(layer.pytorch_shape) for layer in workload.layers],
                f"{_PT} parameters": [layer.parameters for layer in workload.layers],
                "kind": [layer.kind for layer in workload.layers],
            }
        )
    counts = parameters_by_layer(workload, weights)
    return pl.DataFrame({"layer": list(counts), f"{_TF} parameters": list(counts.values()), f"{_PT} parameters": list(counts.values())})


def parameters_by_layer(workload: WorkloadSpec, weights: tuple[Tensor, ...]) -> dict[str, int]:
    """Trainable parameters of each declared layer or block that has any, in the order of the weight map; the same on both sides."""
    declared = sorted((layer.name for layer in workload.layers), key=len, reverse=True)
    counts: dict[str, int] = {}
    for tensor in weights:
        layer = tensor.name.partition("/")[0]
        block = _BLOCK.match(layer)
        name = next((name for name in declared if layer == name or layer.startswith(f"{name}_")), block[0] if block else layer)
        counts[name] = counts.get(name, 0) + (int(np.prod(tensor.shape)) if is_trained(tensor) else 0)
    return counts


def is_trained(tensor: Tensor) -> bool:
    """Not what BatchNorm remembers."""
    return not tensor.name.rpartition("/")[2].startswith("moving_")


def long_form(layers: pl.DataFrame) -> pl.DataFrame:
    """`layer`, `framework`, `parameters`, as the chart wants them."""
    return pl.concat(
        [
            layers.select("layer", pl.lit(name).alias("framework"), pl.col(f"{name} parameters").alias("parameters"))
            for name in (_TF, _PT)
        ]
    ).drop_nulls()


def _shape(shape: tuple[int, ...] | list[int]) -> str:
    return " × ".join(str(size) for size in shape)
