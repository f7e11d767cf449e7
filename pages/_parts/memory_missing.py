"""What the Memory page says of a recording without a row about memory: which counters it lacks, and how to record them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages._parts import formats
from pages._parts.opened import Opened
from pages._parts.places import link

_PYTORCH = """with torch.profiler.profile(profile_memory=True, record_shapes=True) as profiler:
    train_one_step()
profiler.export_chrome_trace("trace.json.gz")"""
_TENSORFLOW = """tf.profiler.experimental.start("profile", options=tf.profiler.experimental.ProfilerOptions(host_tracer_level=2))
train_one_step()
tf.profiler.experimental.stop()"""
_JAX = """with jax.profiler.trace("profile"):
    train_one_step().block_until_ready()"""
_SNAPSHOT = """torch.cuda.memory._record_memory_history(max_entries=100_000)
train_one_step()
torch.cuda.memory._dump_snapshot("memory.pickle")"""

#: What is missing and why, and what records it.
_LACKS = {
    "pytorch": ("torch.profiler writes allocations and the allocator's totals only with `profile_memory=True`.", _PYTORCH),
    "tensorflow": (
        "TensorFlow's allocators write their events (`MemoryAllocation`, `MemoryDeallocation`) at level 2 of the host tracer, its default: "
        "this was recorded at a lower one, or nothing was allocated meanwhile.",
        _TENSORFLOW,
    ),
    "jax": (
        "XLA's allocators write their events at level 2 of the host tracer, its default; in this recording there are none.",
        _JAX,
    ),
}


def show_missing(opened: Sequence[Opened], *, alone: bool) -> None:
    """Of each recording what it lacks; `alone`: there is nothing else to show, so how to record it and where to bring it stands open."""
    for one in opened:
        framework = one.trace.facts.framework or ""
        why, code = _LACKS.get(framework, ("Its profiler wrote no allocations, no releases and no allocator's totals.", ""))
        st.info(why, title=f"{formats.plain(one.label)} has no memory in it", icon=":material/memory_alt:")
        if code:
            with st.expander("How to record it", expanded=alone, icon=":material/fiber_manual_record:", type="compact"):
                st.code(code, language="python")
    if alone:
        st.markdown(
            "On an NVIDIA or AMD GPU, PyTorch's allocator can also tell everything it did, with the stack of each allocation, in a "
            "**memory snapshot**:"
        )
        st.code(_SNAPSHOT, language="python")
        link("library", "Open a recording or a snapshot in the Library")
