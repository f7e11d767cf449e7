"""The one form that says what will be measured, and the sentence about how long that takes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import streamlit as st

from core.analysis.live import nominal_duration_s
from core.bench.start import make_spec
from core.machine.facts import default_threads, gpu_visible
from core.machine.interpreter import framework_python
from core.model.comparison import PRESETS, ComparisonSpec, Preset
from core.model.errors import ShowdownError
from core.model.variant import DEVICES, EXECUTION_LABELS, EXECUTIONS, FRAMEWORK_LABELS, FRAMEWORKS, NETWORKS, OPTIMIZERS, Variant
from core.store.comparisons import ComparisonStore
from core.workloads.registry import NAMES, workload_spec
from core.workloads.spec import WorkloadSpec
from pages._parts import formats

PROGRAMS = tuple(f"{framework}:{execution}" for framework in FRAMEWORKS for execution in EXECUTIONS[framework])
_PACKAGES = {"tensorflow": "tensorflow", "pytorch": "torch"}
NETWORK_LABELS = {"spec": "the same on both sides", "article": "as the article printed it"}
_OPTIMIZER_LABELS = {"matched": "matched: one update rule", "native": "native: the framework's own"}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the form says now."""

    workload: WorkloadSpec
    a: Variant
    b: Variant
    preset: Preset
    settings: dict[str, Any]

    def spec(self) -> ComparisonSpec:
        """Raises ShowdownError with one sentence where it cannot be meant."""
        return make_spec(self.workload.name, self.a, self.b, preset=self.preset.name, **self.settings)


def wish() -> Wish:
    """Draw the form; every choice stands in the address, so that a link opens it filled in."""
    top = st.columns([2, 3, 3])
    name = top[0].selectbox(
        "Workload", NAMES, format_func=lambda name: workload_spec(name).title, key="workload", bind="query-params"
    )
    workload = workload_spec(name)
    programs = {side: _program(top[column], side) for column, side in ((1, "a"), (2, "b"))}
    preset = PRESETS[
        st.segmented_control(
            "How much to measure", list(PRESETS), default="quick", required=True, format_func=lambda name: PRESETS[name].label,
            key="preset", bind="query-params",
        )
    ]  # fmt: skip
    with st.expander("More settings", icon=":material/tune:"):
        settings = _settings(workload)
        more = _sides()
    a, b = (_variant(programs[side], more[side]) for side in "ab")
    return Wish(workload=workload, a=a, b=b, preset=preset, settings=settings)


def like_stored(store: ComparisonStore) -> None:
    """Fill the form in as a stored comparison was made, where the address asks for it with `like`."""
    asked = st.query_params.get("like")
    if asked is None:
        return
    del st.query_params["like"]
    try:
        spec = store.load(asked).spec
    except ShowdownError:
        spec = None
    if spec is None:
        return
    values: dict[str, Any] = {
        "workload": spec.workload, "preset": spec.preset.name, "batch_size": spec.batch_size, "learning_rate": spec.learning_rate,
        "seed": spec.seed, "threshold": spec.threshold * 100, "profile": spec.profile,
    }  # fmt: skip
    for side in "ab":
        variant = spec.variant(side)
        values[side] = f"{variant.framework}:{variant.execution}"
        values |= {f"{side}_{name}": getattr(variant, name) for name in ("threads", "device", "network", "optimizer")}
    st.session_state.update(values)


def _program(place: Any, side: str) -> str:
    return place.selectbox(
        f"Side {side.upper()}", PROGRAMS, index=PROGRAMS.index("tensorflow:graph" if side == "a" else "pytorch:eager"),
        format_func=_program_label, key=side, bind="query-params",
    )  # fmt: skip


def _program_label(program: str) -> str:
    framework, execution = program.split(":")
    return f"{FRAMEWORK_LABELS[framework]}, {EXECUTION_LABELS[framework, execution]}"


def _settings(workload: WorkloadSpec) -> dict[str, Any]:
    columns = st.columns(4)
    return {
        "batch_size": columns[0].number_input("Batch size (samples)", 1, workload.train_samples, workload.batch_size, key="batch_size",
                                              bind="query-params"),
        "learning_rate": columns[1].number_input("Learning rate", min_value=0.0, value=workload.learning_rate, step=1e-4, format="%g",
                                                 key="learning_rate", bind="query-params"),
        "seed": columns[2].number_input("Seed", 0, 2**31 - 1, 1, key="seed", bind="query-params",
                                        help="Of the first weights and the order of samples; each pair takes the next one."),
        "threshold": columns[3].number_input("Threshold (%)", 0.5, 99.0, 5.0, step=0.5, key="threshold", bind="query-params",
                                             help="The smallest difference in step time that matters to you.") / 100,
        "profile": st.toggle("Profile both sides after the timed runs", value=True, key="profile", bind="query-params",
                             help="Two more runs; the timed ones never carry a profiler."),
    }  # fmt: skip


def _sides() -> dict[str, dict[str, Any]]:
    """Settings that each side has of its own; device only where there is a choice."""
    devices = DEVICES if gpu_visible() else ("cpu",)
    chosen: dict[str, dict[str, Any]] = {}
    for side, place in zip("ab", st.columns(2), strict=True):
        place.markdown(f"**Side {side.upper()}**")
        fields = place.columns(2)
        chosen[side] = {
            "threads": fields[0].number_input("CPU threads", 1, os.cpu_count() or 1, default_threads(), key=f"{side}_threads",
                                              bind="query-params", help="The same on both sides unless you want to compare threads."),
            "device": fields[1].selectbox("Device", devices, index=len(devices) - 1, format_func=str.upper, key=f"{side}_device",
                                          bind="query-params", help=None if len(devices) > 1 else "No GPU is visible to this app."),
            "network": fields[0].selectbox("Network", NETWORKS, format_func=NETWORK_LABELS.__getitem__, key=f"{side}_network",
                                           bind="query-params"),
            "optimizer": fields[1].selectbox("Optimizer", OPTIMIZERS, format_func=_OPTIMIZER_LABELS.__getitem__,
                                             key=f"{side}_optimizer", bind="query-params"),
        }  # fmt: skip
    return chosen


def _variant(program: str, more: dict[str, Any]) -> Variant:
    framework, execution = program.split(":")
    return Variant(framework=framework, execution=execution, **more)


def missing_frameworks(wish: Wish) -> list[str]:
    """Frameworks that this interpreter lacks, found without importing them; one with an interpreter of its own is not looked for."""
    asked = {wish.a.framework, wish.b.framework}
    return [
        name
        for name in FRAMEWORKS
        if name in asked and framework_python(name) == sys.executable and find_spec(_PACKAGES[name]) is None
    ]


def duration_words(store: ComparisonStore, wish: Wish) -> str:
    """How long it will take: the preset's own words, and what the last such comparison really took here."""
    measured = _measured_duration_s(store, wish.preset.name, wish.settings["profile"])
    if measured is not None:
        return f"{wish.preset.summary} The last one of this kind took {formats.seconds(measured)} here."
    if wish.preset.max_pairs > wish.preset.pairs:
        least = nominal_duration_s(wish.preset, wish.settings["profile"])
        return f"{wish.preset.summary} At least about {least / 60:.0f} minutes on two CPU cores."
    return wish.preset.summary


@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def _newest_durations(root: str, ids: tuple[str, ...]) -> dict[tuple[str, bool], float]:
    store = ComparisonStore()
    durations: dict[tuple[str, bool], float] = {}
    for id in ids:
        one = store.load(id)
        if one.spec and one.result and one.state == "finished" and one.result.pairs and one.result.duration_s:
            durations.setdefault((one.spec.preset.name, one.spec.profile), one.result.duration_s)
    return durations


def _measured_duration_s(store: ComparisonStore, preset: str, profile: bool) -> float | None:
    return _newest_durations(str(store.root), tuple(store.ids()[:20])).get((preset, profile))
