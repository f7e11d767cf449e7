"""Common comparisons that fill the form in with one click."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.machine.cpu import usable_cpus
from core.machine.facts import default_threads, gpu_visible
from core.model.variant import parse_variant
from core.workloads.registry import workload_spec
from core.workloads.spec import WorkloadError
from pages._parts.run_sides import side_values
from pages._parts.workloads import BATCH_SIZE, TRAIN_SAMPLES, chosen_workload, size_values


@dataclass(frozen=True, kw_only=True)
class Start:
    """A question, and what the form says then; the workload, its sizes and how much is measured stay as they are."""

    question: str
    about: str
    a: str
    """As on the command line."""
    b: str
    task: str = "train"
    measure: str = "step"
    batch_size: int | None = None
    """None: the workload's own."""
    train_samples: int | None = None
    """At most so many, because whole epochs of all would take long; None: all."""


def starts() -> tuple[Start, ...]:
    """Those that make sense on this machine."""
    workers = min(2, len(usable_cpus()))
    some = "1 loader worker" if workers == 1 else f"{workers} loader workers"
    return (
        Start(question="TensorFlow or PyTorch?", about="Each framework's usual way to train.", a="tensorflow", b="pytorch"),
        Start(question="Eager or compiled?", about="PyTorch with and without torch.compile, which needs a C++ compiler on a CPU.",
              a="pytorch", b="pytorch:execution=compile"),
        Start(question="fp32 or bf16?", about="PyTorch in full and in mixed precision.", a="pytorch", b="pytorch:precision=bf16"),
        Start(question=f"0 or {some}?", about="Whole epochs of at most 6,000 samples through a DataLoader.",
              a="pytorch:input=loader", b=f"pytorch:input=loader,workers={workers}", measure="epoch", train_samples=6_000),
        Start(question="What does a sync per step cost?", about="PyTorch reading the loss never, and at each step.",
              a="pytorch", b="pytorch:sync=1"),
        Start(question="fit or own loop?", about="Keras fit against the same step in a loop of one's own.",
              a="tensorflow:execution=fit", b="tensorflow"),
        Start(question="Inference latency?", about="One sample at a time through both networks: p50 and p99.",
              a="tensorflow", b="pytorch", task="inference", batch_size=1),
    )  # fmt: skip


def show_starts() -> None:
    """A row of buttons."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for index, start in enumerate(starts()):
            st.button(start.question, key=f"start_{index}", help=start.about, on_click=_fill_in, args=(start,))


def _fill_in(start: Start) -> None:
    try:
        workload = workload_spec(chosen_workload())
    except WorkloadError:
        return  # the page says so
    threads, device = default_threads(), "gpu" if gpu_visible() else "cpu"
    small = workload.small_sizes
    is_small = bool(small) and all(st.session_state.get(key) == value for key, value in size_values(small).items())
    values = {
        "task": start.task,
        "measure": start.measure,
        "length": "preset",
        "require_parity": True,
        BATCH_SIZE: start.batch_size or (workload.small_batch_size if is_small else workload.batch_size),
        TRAIN_SAMPLES: min(start.train_samples or workload.train_samples, workload.train_samples),
    }
    for side, text in (("a", start.a), ("b", start.b)):
        values |= side_values(side, parse_variant(text, threads=threads, device=device))
    st.session_state.update(values)
