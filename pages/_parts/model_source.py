"""The code that is trained, the same job side by side; and the networks that only look the same."""

from __future__ import annotations

import streamlit as st

from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS
from core.workloads.registry import function_sources, is_own, source_path
from core.workloads.spec import WorkloadSpec
from pages._parts import formats
from pages._parts.places import link
from pages._parts.proof import Proof, show_proof
from pages._parts.run_sides import OPTION_LABELS
from pages._parts.workloads import workload_label

WHOLE_FILE = "Whole file"
ARTICLE_COMMAND = "python -m core compare mnist_cnn --a tensorflow --b pytorch:network=article"
_NETWORK = OPTION_LABELS["network"]


def show_source(identifier: str, workload: WorkloadSpec) -> None:
    """Section by section, what several workloads share included."""
    titles = [section.title for section in workload.sections]
    chosen = st.segmented_control("Section", [*titles, WHOLE_FILE], default="Model" if "Model" in titles else WHOLE_FILE, required=True,
                                  key="section", bind="query-params", label_visibility="collapsed")  # fmt: skip
    section = next((section for section in workload.sections if section.title == chosen), None)
    note = section.note if section else "Each side as its worker runs it. Only the worker of that side imports its framework."
    st.markdown(formats.plain(note))
    for framework, column in zip(FRAMEWORKS, st.columns(2), strict=True):
        with column:
            st.markdown(f"**{FRAMEWORK_LABELS[framework]}**")
            _show_side(identifier, framework, section.functions if section else None)


def _show_side(identifier: str, framework: str, functions: tuple[str, ...] | None) -> None:
    """These functions of one side, or its whole file."""
    path = source_path(identifier, framework)
    if functions is not None:
        try:
            sources = function_sources(identifier, framework)
        except (SyntaxError, ValueError) as error:  # the second: bytes that are no text
            st.error(formats.plain(f"{path} cannot be parsed: {error}."), title="This file is no Python", icon=":material/broken_image:")
            functions = None
    if functions is None:
        st.code(path.read_text(encoding="utf-8", errors="replace"), wrap_lines=True)
    elif found := [sources[name] for name in functions if name in sources]:
        st.code("\n\n\n".join(found), wrap_lines=True)
    else:
        st.caption("Nothing of its own here.")
    shared = f", with core/workloads/shared/{framework}.py" if functions is not None else ""
    st.caption(formats.plain(str(path) if is_own(identifier) else f"core/workloads/{identifier}/{framework}.py{shared}"))


def show_library(identifier: str, workload: WorkloadSpec) -> None:
    """Why the model of the same name in the libraries is another one, and how it is timed all the same."""
    st.warning(formats.plain(workload.library), title="Not identical", icon=":material/difference:")
    st.markdown(
        "It can be timed beside this one: choose *the library's own model* as the network of a side, and allow two models that are not the "
        "same. The result then says which gates fail, and that its ratio is of two different models."
    )
    with st.container(horizontal=True):
        for framework, side in zip(FRAMEWORKS, "ab", strict=True):
            link("run", f"Set up the library's model in {FRAMEWORK_LABELS[framework]} against this one", workload=workload_label(identifier),
                 require_parity="false", **{f"{side}_network": _NETWORK["library"]})  # fmt: skip


def show_article(identifier: str, proof: Proof | None) -> None:
    """What was published, and why it cannot run."""
    st.markdown(
        "The article trains *the same network* in both frameworks. As printed, they are not the same, and the PyTorch one cannot run: "
        "its first dense layer expects **9,216** inputs, which is 64 channels of 12x12, as if there were one pooling; after two, "
        "**1,600** arrive, 64 channels of 5x5. It also has **1,199,882** parameters where the TensorFlow side has **225,034**, "
        "so the two would not have been comparable had it run."
    )
    left, right = st.columns(2)
    left.markdown("**PyTorch, as the article printed it**")
    left.code(function_sources(identifier, "pytorch")["ArticleNet"], wrap_lines=True)
    with right:
        st.markdown("**See it fail on this machine**")
        st.code(ARTICLE_COMMAND, language="bash", wrap_lines=True)
        link("run", "Set it up on the Run page", workload=identifier, b_network=_NETWORK["article"])
        if proof is None:
            st.caption("It has not been run here yet; it takes half a minute, because it ends at the parity proof.")
        else:
            show_proof(proof)
