"""Workloads as pages see them: the picker, their sizes, and the words for them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.report.words import size_words
from core.workloads.registry import NAMES, is_own, workload_name, workload_names, workload_spec
from core.workloads.spec import Sizes, WorkloadError, WorkloadSpec

#: Keys of the widgets, and so the names in the address; a size's key is `size_NAME`.
WORKLOAD, BATCH_SIZE, LEARNING_RATE, TRAIN_SAMPLES = "workload", "batch_size", "learning_rate", "train_samples"
_SIZE = "size_"


def choose_workload(place: Any = st) -> str:
    """The picker: built-in names, then one's own. A change takes the new one's usual sizes, batch and learning rate along."""
    chosen: str = place.selectbox(
        "Workload", workload_names(), format_func=workload_label, key=WORKLOAD, bind="query-params", on_change=_take_usual_values,
    )  # fmt: skip
    return chosen


def workload_label(identifier: str) -> str:
    """Its name, as on the command line."""
    return f"{workload_name(identifier)} (your own)" if is_own(identifier) else identifier


def chosen_workload() -> str:
    """What the picker says, before it is drawn."""
    chosen: str = st.session_state.get(WORKLOAD, NAMES[0])
    return chosen


def _take_usual_values() -> None:
    try:
        workload = workload_spec(chosen_workload())
    except WorkloadError:
        return  # the page says so
    st.session_state.update(usual_values(workload))


def usual_values(workload: WorkloadSpec) -> dict[str, Any]:
    """Values of the widgets that belong to a workload, by key."""
    return {**size_values(workload.complete({})), BATCH_SIZE: workload.batch_size, LEARNING_RATE: workload.learning_rate,
            TRAIN_SAMPLES: workload.train_samples}  # fmt: skip


def size_values(sizes: Sizes) -> dict[str, int]:
    """Values of the sizes' widgets by key."""
    return {f"{_SIZE}{name}": value for name, value in sizes.items()}


def size_inputs(workload: WorkloadSpec, places: list[Any]) -> Sizes:
    """One number per size of the workload, each in a place of its own."""
    return {
        size.name: place.number_input(
            size.name.replace("_", " ").capitalize(), size.low, size.high, size.default, step=size.multiple, key=f"{_SIZE}{size.name}",
            bind="query-params", help=size.help + (f" A multiple of {size.multiple}." if size.multiple > 1 else ""),
        )
        for size, place in zip(workload.sizes, places, strict=True)
    }  # fmt: skip


def size_presets(workload: WorkloadSpec, sizes: Sizes, batch_size: int | None = None) -> None:
    """Buttons for the small sizes and for the usual ones, with the batch where the page has one; nothing where both are the same."""
    usual, small = workload.complete({}), workload.small_sizes
    batches = (None, None) if batch_size is None else (workload.batch_size, workload.small_batch_size)
    if (usual, batches[0]) == (small, batches[1]):
        return
    for label, icon, values, batch in (("Small: for a CPU", ":material/compress:", small, batches[1]),
                                       ("Usual sizes", ":material/undo:", usual, batches[0])):  # fmt: skip
        widgets = {**size_values(values), **({} if batch is None else {BATCH_SIZE: batch})}
        st.button(label, icon=icon, key=f"sizes_{label.partition(' ')[0].rstrip(':').lower()}", disabled=(sizes, batch_size) == (values, batch),
                  on_click=st.session_state.update, args=(widgets,), help=_size_help(values, batch))  # fmt: skip


def _size_help(sizes: Sizes, batch_size: int | None) -> str:
    """`image size 32, batch of 8`."""
    return ", ".join(filter(None, [size_words(sizes), "" if batch_size is None else f"batch of {batch_size:,}"]))


def operations(count: float) -> str:
    """Floating-point operations with three significant digits: `993 MFLOP`, `18.7 GFLOP`, `1.56 TFLOP`."""
    value, unit = next(((count / scale, unit) for unit, scale in (("TFLOP", 1e12), ("GFLOP", 1e9), ("MFLOP", 1e6)) if count >= scale),
                       (count / 1e3, "kFLOP"))  # fmt: skip
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"
