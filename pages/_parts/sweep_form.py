"""The form that plans a sweep, and the sentence about how long it will take."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.analysis.live import nominal_duration_s
from core.bench.sweep import plan_sweep
from core.machine.facts import default_threads, gpu_visible
from core.model.comparison import PRESETS
from core.model.errors import ShowdownError
from core.model.sweep import SweepSpec, parse_batch_sizes, parse_pair
from core.workloads.registry import workload_name, workload_names
from pages._parts import formats
from pages._parts.linked import keep

#: Ready to choose; any other pair may be typed in, as on the command line.
PAIRS = {
    "tensorflow/pytorch": "TensorFlow graph / PyTorch eager",
    "tensorflow:execution=xla/pytorch:execution=compile": "TensorFlow XLA / torch.compile",
    "tensorflow:execution=eager/pytorch": "TensorFlow eager / PyTorch eager",
    "tensorflow/tensorflow:execution=xla": "TensorFlow graph / TensorFlow XLA",
    "pytorch/pytorch:execution=compile": "PyTorch eager / torch.compile",
}
_FIRST, _FIRST_PAIR = ["mlp", "mnist_cnn"], ["tensorflow/pytorch"]
#: Query parameter.
_PAIRS = "pairs"


@dataclass(frozen=True, kw_only=True)
class SweepWish:
    """What the form says now."""

    spec: SweepSpec | None
    """None where it cannot be meant."""
    problem: str = ""
    """Why not, in one sentence."""
    duration_words: str = ""


def sweep_wish() -> SweepWish:
    """Draw the form; every choice stands in the address, but for pairs that were typed in."""
    names = st.multiselect("Workloads", workload_names(), default=_FIRST, format_func=workload_name, key="sweep_workloads", bind="query-params")
    asked = [text for text in st.query_params.get_all(_PAIRS) if text in PAIRS]
    pairs = st.multiselect(
        "Pairs", list(PAIRS), default=asked or _FIRST_PAIR, format_func=lambda text: PAIRS.get(text, text), key="sweep_pairs",
        accept_new_options=True, help="Any other pair may be typed in, such as pytorch:precision=bf16/pytorch.",
    )  # fmt: skip
    # By hand, because a pair that is typed in may name an interpreter, and a link must not say which program runs here.
    keep(_PAIRS, [] if pairs == _FIRST_PAIR else [text for text in pairs if text in PAIRS])
    left, right = st.columns(2)
    batches = left.text_input("Batch sizes", placeholder="each workload's own", key="sweep_batches", bind="query-params",
                              help="Whole numbers with commas between them, such as 16,64.")  # fmt: skip
    with right:
        preset = st.segmented_control("How much to measure in each cell", list(PRESETS), default="quick", required=True, key="sweep_preset",
                                      format_func=lambda name: PRESETS[name].label, bind="query-params")  # fmt: skip
    small = st.toggle("Small sizes and small batches", value=not gpu_visible(), key="sweep_small", bind="query-params",
                      help="So that a machine without a GPU gets through; the results say which sizes were used.")  # fmt: skip
    threads, device = default_threads(), "gpu" if gpu_visible() else "cpu"
    try:
        spec = plan_sweep(
            [(name, {}) for name in names], [parse_pair(text, threads=threads, device=device) for text in pairs],
            batch_sizes=parse_batch_sizes(batches), preset=preset, small=small,
        )  # fmt: skip
    except ShowdownError as error:
        return SweepWish(spec=None, problem=str(error))
    return SweepWish(spec=spec, duration_words=_duration_words(spec))


def _duration_words(spec: SweepSpec) -> str:
    count, pairs = len(spec.cells), spec.preset.pairs
    least = formats.seconds(count * nominal_duration_s(spec.preset, profile=False))
    comparisons = "1 comparison" if count == 1 else f"{count} comparisons"
    more = f", as many as *faster* needs among {count} at once" if pairs > PRESETS[spec.preset.name].pairs else ""
    return f"{comparisons} of {pairs} pairs{more}: at least about {least} on two CPU cores. You can close the page meanwhile."
