"""Filling the form in as a stored comparison was made, and saying what of it is not possible here."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analysis.comparison import length_override
from core.machine.cpu import usable_cpus
from core.model.comparison import PRESETS, SIDES, ComparisonSpec
from core.model.errors import ShowdownError
from core.store.comparisons import ComparisonStore
from core.workloads.registry import workload_names, workload_spec
from core.workloads.spec import WorkloadError, WorkloadSpec
from pages._parts import formats
from pages._parts.run_form import MAX_LENGTH, THRESHOLD_PERCENT
from pages._parts.run_sides import devices, max_threads, programs, side_values
from pages._parts.workloads import BATCH_SIZE, LEARNING_RATE, TRAIN_SAMPLES, WORKLOAD, size_values, usual_values


def like_stored(store: ComparisonStore) -> list[str]:
    """Fill the form in as a stored comparison was made, where the address asks for it with `like`; returns what was changed, in words."""
    asked = st.query_params.get("like")
    if asked is None:
        return []
    del st.query_params["like"]
    try:
        one = store.load(asked)
    except ShowdownError as error:
        st.warning(formats.plain(str(error)), title="The form is not filled in", icon=":material/link_off:")
        return []
    if one.spec is None:
        st.warning(formats.plain(one.problem), title="The form is not filled in", icon=":material/broken_image:")
        return []
    values, changes = form_values(one.spec)
    st.session_state.update(values)
    return changes


class _Fitting:
    """Values as this machine can have them, with a note of each that had to be changed."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def one_of(self, what: str, value: str, offered: tuple[str, ...]) -> str:
        if value not in offered:
            self.changes.append(f"{what} is {offered[0]} instead of {value}")
        return value if value in offered else offered[0]

    def within(self, what: str, value: float, low: float, high: float) -> float:
        fitted = min(max(value, low), high)
        if fitted != value:
            self.changes.append(f"{what} is {fitted:,} instead of {value:,}")
        return fitted


def form_values(spec: ComparisonSpec) -> tuple[dict[str, Any], list[str]]:
    """Values of the form's widgets by key, and each change that was needed, in words."""
    fit = _Fitting()
    identifier = fit.one_of("the workload", spec.workload, workload_names())
    length = length_override(spec.preset)
    values: dict[str, Any] = {
        WORKLOAD: identifier,
        "task": spec.task,
        "measure": spec.measure,
        "require_parity": spec.require_parity,
        "preset": fit.one_of("the preset", spec.preset.name, tuple(PRESETS)),
        "length": next(iter(length), "preset"),
        **{name: fit.within(f"the number of {name}", count, 1, MAX_LENGTH) for name, count in length.items()},
        "seed": fit.within("the seed", spec.seed, 0, 2**31 - 1),
        "threshold": fit.within("the threshold in percent", spec.threshold * 100, *THRESHOLD_PERCENT),
        "profile": spec.profile,
    }
    try:
        values |= _workload_values(spec, workload_spec(identifier), fit)
    except WorkloadError as error:
        fit.changes.append(str(error))
    for side in SIDES:
        values |= _side_values(spec, side, fit)
    return values, fit.changes


def _workload_values(spec: ComparisonSpec, workload: WorkloadSpec, fit: _Fitting) -> dict[str, Any]:
    """Sizes, batch, rate and samples; where it is another workload, or one that has changed since, its usual sizes."""
    values = usual_values(workload)
    try:
        values |= size_values(workload.complete(spec.sizes))
    except WorkloadError as error:
        fit.changes.append(f"the sizes are the usual ones ({str(error).rstrip('.')})")
    samples = workload.train_samples if spec.train_samples is None else spec.train_samples
    return {
        **values,
        BATCH_SIZE: fit.within("the batch size", spec.batch_size, 1, workload.train_samples),
        LEARNING_RATE: fit.within("the learning rate", spec.learning_rate, 0.0, float("inf")),
        TRAIN_SAMPLES: fit.within("the number of training samples", samples, 1, workload.train_samples),
    }


def _side_values(spec: ComparisonSpec, side: str, fit: _Fitting) -> dict[str, Any]:
    variant, of = spec.variant(side), f"of side {side.upper()}"
    values = side_values(side, variant)
    return {
        **values,
        side: fit.one_of(f"the program {of}", values[side], programs()),
        f"{side}_threads": fit.within(f"the number of threads {of}", variant.threads, 1, max_threads()),
        f"{side}_device": fit.one_of(f"the device {of}", variant.device, devices()),
        f"{side}_workers": fit.within(f"the number of input workers {of}", variant.workers, 0, len(usable_cpus())),
    }
