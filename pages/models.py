"""Models: what exactly runs on each side?"""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from core.report.words import size_words
from core.workloads.layouts import Tensor
from core.workloads.registry import flops, weight_map, workload_spec
from core.workloads.spec import Sizes, WorkloadError, WorkloadSpec
from pages._parts import formats
from pages._parts.layers import is_trained, show_layers
from pages._parts.model_source import show_article, show_library, show_source
from pages._parts.places import link
from pages._parts.proof import newest_proof, show_proof
from pages._parts.stored import store
from pages._parts.weight_map import show_weight_map
from pages._parts.workloads import (
    choose_workload,
    operations,
    size_inputs,
    size_presets,
    size_values,
    workload_label,
)


def main() -> None:
    st.title("Models", anchor=False)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    identifier = choose_workload(row.container(width=440))
    try:
        workload = workload_spec(identifier)
        sizes = workload.complete(size_inputs(workload, [row.container(width=160) for _ in workload.sizes]))
        weights = weight_map(identifier, sizes)
        _facts(identifier, workload, sizes, weights)
        _views(identifier, workload, sizes, weights)
    except WorkloadError as error:
        st.error(formats.plain(str(error)), title="This workload cannot be shown", icon=":material/broken_image:")


def _facts(identifier: str, workload: WorkloadSpec, sizes: Sizes, weights: tuple[Tensor, ...]) -> None:
    """What it is, how large it is at these sizes, and on what it trains."""
    usual = "" if sizes == workload.complete({}) else " These words and numbers are those of its usual sizes."
    st.markdown(f"**{formats.plain(workload.title)}** · {formats.plain(workload.summary)}{usual}")
    parameters = sum(math.prod(tensor.shape) for tensor in weights if is_trained(tensor))
    work = flops(identifier, sizes)
    with st.container(horizontal=True, gap="large", vertical_alignment="center"):
        st.metric("Parameters, on both sides", f"{parameters:,}", width="content")
        if work is not None:
            st.metric("Forward, per sample", operations(work.forward), width="content")
            st.metric("Training, per sample", operations(work.training), width="content",
                      help="Forward and backward; a multiply-add counts as two. Products and convolutions only.")  # fmt: skip
        size_presets(workload, sizes)
        query: dict[str, Any] = {"workload": workload_label(identifier), **size_values(sizes)}
        link("run", "Compare it", **query)
    if workload.generated:
        st.badge("made-up data: accuracy means nothing", icon=":material/casino:", color="orange")
    st.caption(formats.plain(workload.data))


def _views(identifier: str, workload: WorkloadSpec, sizes: Sizes, weights: tuple[Tensor, ...]) -> None:
    comparisons = store().all()
    of_these_sizes = newest_proof([one for one in comparisons if one.spec and one.spec.sizes == sizes], identifier)
    names = ["Layers", "Source", "Proof", "Weight map"]
    names += ["The library's model"] if workload.library else []
    names += ["The article's network"] if identifier == "mnist_cnn" else []
    tabs = dict(zip(names, st.tabs(names, key="view", bind="query-params", on_change="rerun"), strict=True))
    with tabs["Layers"]:
        show_layers(workload, sizes, weights, of_these_sizes)
    with tabs["Source"]:
        show_source(identifier, workload)
    with tabs["Proof"]:
        proof = of_these_sizes or newest_proof(comparisons, identifier)
        if proof is None:
            st.info("Nothing has been measured here yet: each comparison begins with this proof.", icon=":material/verified:")
            link("run", "Run a comparison")
        else:
            assert proof.comparison.spec is not None
            if of_these_sizes is None:
                st.caption(f"Not of the sizes above, but of {size_words(proof.comparison.spec.sizes)}.")
            show_proof(proof)
    with tabs["Weight map"]:
        show_weight_map(workload, weights)
    if workload.library:
        with tabs["The library's model"]:
            show_library(identifier, workload)
    if identifier == "mnist_cnn":
        with tabs["The article's network"]:
            show_article(identifier, newest_proof(comparisons, identifier, article=True))


main()
