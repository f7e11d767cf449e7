"""Models: what exactly runs on each side?"""

from __future__ import annotations

import streamlit as st

from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS
from core.workloads.registry import NAMES, function_sources, source_path, workload_spec
from core.workloads.spec import WorkloadSpec
from pages._parts.layers import show_layers, show_weight_map
from pages._parts.places import link
from pages._parts.proof import Proof, newest_proof, show_proof
from pages._parts.run_form import NETWORK_LABELS
from pages._parts.stored import store

WHOLE_FILE = "Whole file"
ARTICLE_COMMAND = "python -m core compare mnist_cnn --a tensorflow --b pytorch:network=article"


def main() -> None:
    st.title("Models", anchor=False)
    name = st.selectbox("Workload", NAMES, format_func=lambda name: workload_spec(name).title, key="workload", bind="query-params",
                        width=320)  # fmt: skip
    workload = workload_spec(name)
    st.markdown(f"{workload.summary} **{workload.parameters:,} parameters on both sides.**")
    st.caption(workload.data)
    comparisons = store().all()
    proof = newest_proof(comparisons, name)
    layers, source, parity, weights, article = st.tabs(
        ["Layers", "Source", "Proof", "Weight map", "The article's network"], key="view", bind="query-params", on_change="rerun"
    )
    with layers:
        show_layers(workload, proof)
    with source:
        _source(workload)
    with parity:
        if proof is None:
            st.info("Nothing has been measured here yet: each comparison begins with this proof.", icon=":material/verified:")
            link("run", "Run a comparison")
        else:
            show_proof(proof)
    with weights:
        show_weight_map(name)
    with article:
        _article(name, newest_proof(comparisons, name, article=True))


def _source(workload: WorkloadSpec) -> None:
    """The code that is trained, section by section, the same job side by side."""
    titles = [section.title for section in workload.sections]
    chosen = st.segmented_control("Section", [*titles, WHOLE_FILE], default="Model", required=True, key="section", bind="query-params",
                                  label_visibility="collapsed")  # fmt: skip
    section = next((section for section in workload.sections if section.title == chosen), None)
    st.markdown(section.note if section else "Each side as its worker runs it. Only the worker of that side imports its framework.")
    for framework, column in zip(FRAMEWORKS, st.columns(2), strict=True):
        with column:
            st.markdown(f"**{FRAMEWORK_LABELS[framework]}**")
            if section is None:
                st.code(source_path(workload.name, framework).read_text(encoding="utf-8"), wrap_lines=True)
            else:
                sources = function_sources(workload.name, framework)
                st.code("\n\n\n".join(sources[name] for name in section.functions if name in sources), wrap_lines=True)
            st.caption(f"core/workloads/{workload.name}/{framework}.py")


def _article(name: str, proof: Proof | None) -> None:
    """What was published, and why it cannot run."""
    st.markdown(
        "The article trains *the same network* in both frameworks. As printed, they are not the same, and the PyTorch one cannot run: "
        "its first dense layer expects **9,216** inputs, which is 64 channels of 12x12, as if there were one pooling; after two, "
        "**1,600** arrive, 64 channels of 5x5. It also has **1,199,882** parameters where the TensorFlow side has **225,034**, "
        "so the two would not have been comparable had it run."
    )
    left, right = st.columns(2)
    left.markdown("**PyTorch, as the article printed it**")
    left.code(function_sources(name, "pytorch")["ArticleNet"], wrap_lines=True)
    with right:
        st.markdown("**See it fail on this machine**")
        st.code(ARTICLE_COMMAND, language="bash", wrap_lines=True)
        link("run", "Set it up on the Run page", workload=name, b_network=NETWORK_LABELS["article"])
        if proof is None:
            st.caption("It has not been run here yet; it takes half a minute, because it ends at the parity proof.")
        else:
            show_proof(proof)


main()
