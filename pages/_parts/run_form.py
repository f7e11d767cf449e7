"""The one form that says what will be measured, and the sentence about how long that takes."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import streamlit as st

from core.analysis.comparison import length_override
from core.analysis.live import nominal_duration_s
from core.bench.start import make_spec
from core.machine.facts import default_threads, gpu_visible
from core.machine.interpreter import interpreter
from core.model.comparison import PRESETS, ComparisonSpec, Preset
from core.model.variant import DEVICES, EXECUTION_LABELS, EXECUTIONS, FRAMEWORK_LABELS, FRAMEWORKS, NETWORKS, OPTIMIZERS, Variant
from core.store.comparisons import ComparisonStore
from core.workloads.registry import NAMES, workload_spec
from core.workloads.spec import WorkloadSpec
from pages._parts import formats

PROGRAMS = tuple(f"{framework}:{execution}" for framework in FRAMEWORKS for execution in EXECUTIONS[framework])
_PACKAGES = {"tensorflow": "tensorflow", "pytorch": "torch"}
NETWORK_LABELS = {"spec": "the same on both sides", "article": "as the article printed it"}
_OPTIMIZER_LABELS = {"matched": "matched: one update rule", "native": "native: the framework's own"}
LENGTH_LABELS = {"preset": "by preset", "epochs": "epochs", "steps": "steps"}
MAX_LENGTH = 1_000_000
THRESHOLD_PERCENT = (0.1, 99.0)
#: Side -> framework and interpreter that a comparison which is run again brought along; no widget offers them.
_PYTHONS = "form_pythons"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the form says now."""

    workload: WorkloadSpec
    a: Variant
    b: Variant
    preset: Preset
    """With the length that was asked for."""
    settings: dict[str, Any]
    """Keyword arguments of `make_spec`."""

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
        length = _length()
        settings = _settings(workload)
        more = _sides()
    a, b = (_variant(programs[side], {**more[side], "python": _python(top[column], side, programs[side])}) for side, column in (("a", 1), ("b", 2)))
    if length:
        preset = replace(preset, epochs=length.get("epochs"), steps=length.get("steps"))
    return Wish(workload=workload, a=a, b=b, preset=preset, settings={**settings, **length})


def keep_pythons(variants: dict[str, Variant]) -> None:
    """Let each side, by its letter, run in the interpreter of this variant as long as it has the same framework."""
    st.session_state[_PYTHONS] = {side: (variant.framework, variant.python) for side, variant in variants.items() if variant.python}


def max_threads() -> int:
    return os.cpu_count() or 1


def devices() -> tuple[str, ...]:
    """What there is to choose from here."""
    return DEVICES if gpu_visible() else ("cpu",)


def _program(place: Any, side: str) -> str:
    return place.selectbox(
        f"Side {side.upper()}", PROGRAMS, index=PROGRAMS.index("tensorflow:graph" if side == "a" else "pytorch:eager"),
        format_func=_program_label, key=side, bind="query-params",
    )  # fmt: skip


def _program_label(program: str) -> str:
    framework, execution = program.split(":")
    return f"{FRAMEWORK_LABELS[framework]}, {EXECUTION_LABELS[framework, execution]}"


def _python(place: Any, side: str, program: str) -> str:
    """The interpreter that a side brought along; shown, and given up by a click. Empty: the framework's configured one."""
    kept: dict[str, tuple[str, str]] = st.session_state.get(_PYTHONS, {})
    framework, python = kept.get(side, ("", ""))
    if not python or program.partition(":")[0] != framework:
        return ""
    missing = "" if shutil.which(python) else ", which is not on this machine"
    place.caption(f"In the interpreter {formats.plain(python)}{missing}")
    place.button("Use the usual interpreter", type="tertiary", icon=":material/undo:", key=f"{side}_usual_python",
                 on_click=lambda: kept.pop(side, None))  # fmt: skip
    return python


def _length() -> dict[str, int]:
    """What replaces the preset's length, as a keyword argument of `make_spec`; empty: nothing does."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control("Length of a run", list(LENGTH_LABELS), default="preset", required=True, key="length", bind="query-params",
                                    format_func=LENGTH_LABELS.__getitem__)  # fmt: skip
        if kind == "epochs":
            return {"epochs": st.number_input("Epochs", 1, MAX_LENGTH, 1, key="epochs", bind="query-params", width=220)}
        if kind == "steps":
            return {"steps": st.number_input("Measured steps", 1, MAX_LENGTH, 200, key="steps", bind="query-params", width=220,
                                             help="Rounded up to whole blocks, 20 of them at least.")}  # fmt: skip
    return {}


def _settings(workload: WorkloadSpec) -> dict[str, Any]:
    columns = st.columns(4)
    return {
        "batch_size": columns[0].number_input("Batch size (samples)", 1, workload.train_samples, workload.batch_size, key="batch_size",
                                              bind="query-params"),
        "learning_rate": columns[1].number_input("Learning rate", min_value=0.0, value=workload.learning_rate, step=1e-4, format="%g",
                                                 key="learning_rate", bind="query-params"),
        "seed": columns[2].number_input("Seed", 0, 2**31 - 1, 1, key="seed", bind="query-params",
                                        help="Of the first weights and the order of samples; each pair takes the next one."),
        "threshold": columns[3].number_input("Threshold (%)", *THRESHOLD_PERCENT, 5.0, step=0.5, key="threshold", bind="query-params",
                                             help="The smallest difference in step time that matters to you.") / 100,
        "profile": st.toggle("Profile both sides after the timed runs", value=True, key="profile", bind="query-params",
                             help="Two more runs; the timed ones never carry a profiler."),
    }  # fmt: skip


def _sides() -> dict[str, dict[str, Any]]:
    """Settings that each side has of its own; device only where there is a choice."""
    offered = devices()
    chosen: dict[str, dict[str, Any]] = {}
    for side, place in zip("ab", st.columns(2), strict=True):
        place.markdown(f"**Side {side.upper()}**")
        fields = place.columns(2)
        chosen[side] = {
            "threads": fields[0].number_input("CPU threads", 1, max_threads(), default_threads(), key=f"{side}_threads",
                                              bind="query-params", help="The same on both sides unless you want to compare threads."),
            "device": fields[1].selectbox("Device", offered, index=len(offered) - 1, format_func=str.upper, key=f"{side}_device",
                                          bind="query-params", help=None if len(offered) > 1 else "No GPU is visible to this app."),
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
    here = {variant.framework for variant in (wish.a, wish.b) if interpreter(variant) == sys.executable}
    return [name for name in FRAMEWORKS if name in here and find_spec(_PACKAGES[name]) is None]


def duration_words(store: ComparisonStore, wish: Wish) -> str:
    """What will be measured, how long that takes on a small machine, and what the last such comparison really took here."""
    preset = wish.preset
    measured = _newest_durations(str(store.root), tuple(store.ids()[:20])).get(_kind(preset, wish.settings["profile"]))
    least = f"At least about {max(1, round(nominal_duration_s(preset, wish.settings['profile']) / 60))} minutes on two CPU cores."
    words = preset.summary
    if length := length_override(preset):
        (unit, count), = length.items()
        pairs = f"{preset.pairs} pairs" if preset.max_pairs == preset.pairs else f"From {preset.pairs} to {preset.max_pairs} pairs"
        words = f"{pairs} of runs of {count:,} {unit if count > 1 else unit.removesuffix('s')} each."
    if measured is not None:
        return f"{words} The last one of this kind took {formats.seconds(measured)} here."
    return f"{words} {least}" if length or preset.max_pairs > preset.pairs else words


_Kind = tuple[str, int | None, int | None, bool]


def _kind(preset: Preset, profile: bool) -> _Kind:
    """What comparisons of about the same duration have in common."""
    return preset.name, preset.epochs, preset.steps, profile


@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def _newest_durations(root: str, ids: tuple[str, ...]) -> dict[_Kind, float]:
    store = ComparisonStore()
    durations: dict[_Kind, float] = {}
    for id in ids:
        one = store.load(id)
        if one.spec and one.result and one.state == "finished" and one.result.pairs and one.result.duration_s:
            durations.setdefault(_kind(one.spec.preset, one.spec.profile), one.result.duration_s)
    return durations
