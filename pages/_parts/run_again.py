"""Filling the form in as a stored comparison was made, and saying what of it is not possible here."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analysis.comparison import length_override
from core.model.comparison import PRESETS, SIDES, ComparisonSpec
from core.model.errors import ShowdownError
from core.store.comparisons import ComparisonStore
from core.workloads.registry import NAMES, workload_spec
from pages._parts import formats
from pages._parts.run_form import MAX_LENGTH, THRESHOLD_PERCENT, devices, keep_pythons, max_threads


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
    keep_pythons({side: one.spec.variant(side) for side in SIDES})
    return changes


def form_values(spec: ComparisonSpec) -> tuple[dict[str, Any], list[str]]:
    """Values of the form's widgets by key, and each change that was needed, in words."""
    changes: list[str] = []

    def one_of(what: str, value: str, offered: tuple[str, ...]) -> str:
        if value not in offered:
            changes.append(f"{what} is {offered[0]} instead of {value}")
        return value if value in offered else offered[0]

    def within(what: str, value: float, low: float, high: float) -> float:
        fitted = min(max(value, low), high)
        if fitted != value:
            changes.append(f"{what} is {fitted:,} instead of {value:,}")
        return fitted

    workload = one_of("the workload", spec.workload, NAMES)
    length = length_override(spec.preset)
    values: dict[str, Any] = {
        "workload": workload,
        "preset": one_of("the preset", spec.preset.name, tuple(PRESETS)),
        "length": next(iter(length), "preset"),
        **{name: within(f"the number of {name}", count, 1, MAX_LENGTH) for name, count in length.items()},
        "batch_size": within("the batch size", spec.batch_size, 1, workload_spec(workload).train_samples),
        "learning_rate": within("the learning rate", spec.learning_rate, 0.0, float("inf")),
        "seed": within("the seed", spec.seed, 0, 2**31 - 1),
        "threshold": within("the threshold in percent", spec.threshold * 100, *THRESHOLD_PERCENT),
        "profile": spec.profile,
    }
    for side in SIDES:
        variant, of = spec.variant(side), f"of side {side.upper()}"
        values |= {
            side: f"{variant.framework}:{variant.execution}",
            f"{side}_threads": within(f"the number of threads {of}", variant.threads, 1, max_threads()),
            f"{side}_device": one_of(f"the device {of}", variant.device, devices()),
            f"{side}_network": variant.network,
            f"{side}_optimizer": variant.optimizer,
        }
    return values, changes
