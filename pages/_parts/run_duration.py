"""The sentence about how long a comparison takes: from what was measured here, and what is not known said so."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.analysis.comparison import length_override, unit_of_work
from core.analysis.live import NOMINAL_PACE, Pace, nominal_duration_s
from core.model.comparison import ComparisonSpec
from core.store.comparisons import ComparisonStore
from core.workloads.spec import WorkloadSpec
from pages._parts import formats

#: The presets' own sentences are about this one with its own batch.
_PRESETS_ARE_ABOUT = "mnist_cnn"
#: So many of the newest comparisons are looked at.
_NEWEST = 20

_Work = tuple[str, tuple[tuple[str, int], ...], int, str]
_Kind = tuple[_Work, str, int | None, str, int | None, int | None, bool]


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What comparisons in this store took, the newest of each sort."""

    duration_s: dict[_Kind, float]
    step_s: dict[_Work, float]
    """Of the slower side."""


def duration_words(store: ComparisonStore, spec: ComparisonSpec, workload: WorkloadSpec) -> str:
    """What will be measured, how long that takes at least, and what the last such comparison really took here."""
    past = _past(str(store.root), tuple(store.ids()[:_NEWEST]))
    preset, length = spec.preset, length_override(spec.preset)
    about_presets = _work(spec) == (_PRESETS_ARE_ABOUT, (), workload.batch_size, "train") and spec.measure == "step"
    words = preset.summary if about_presets and not length else _amount(spec)
    if (took := past.duration_s.get(_kind(spec))) is not None:
        return f"{words} The last one of this kind took {formats.seconds(took)} here."
    step_s = past.step_s.get(_work(spec))
    if step_s is None and about_presets:
        return f"{words} {_at_least(spec, NOMINAL_PACE)} on two CPU cores." if length or preset.max_pairs > preset.pairs else words
    if step_s is None:
        # Without a pace, what the processes alone and the time that is asked for come to.
        least = _at_least(spec, Pace(step_s=0.0, epoch_s=0.0))
        return f"{words} {least}: a {unit_of_work(spec)} of this workload at these sizes has not been timed here, so how much longer is not known."
    pace = Pace(step_s=step_s, epoch_s=step_s * workload.steps_per_epoch(spec.batch_size, spec.train_samples))
    step = "batch" if spec.task == "inference" else "step"
    return f"{words} {_at_least(spec, pace)}: a {step} took {formats.ms(step_s * 1000)} when this was last compared here."


def _at_least(spec: ComparisonSpec, pace: Pace) -> str:
    minutes = max(1, round(nominal_duration_s(spec.preset, spec.profile, pace, measure=spec.measure) / 60))
    return f"At least about {minutes} {'minute' if minutes == 1 else 'minutes'}"


def _amount(spec: ComparisonSpec) -> str:
    """Pairs and the length of their runs, of any workload."""
    preset, length = spec.preset, length_override(spec.preset)
    pairs = f"{preset.pairs} pairs" if preset.max_pairs == preset.pairs else f"From {preset.pairs} to {preset.max_pairs} pairs"
    if length:
        (unit, count), = length.items()
        return f"{pairs} of runs of {count:,} {unit if count > 1 else unit.removesuffix('s')} each."
    if spec.measure == "epoch":
        return f"{pairs} of runs of whole epochs, one to warm up and at least two to measure."
    if preset.epochs is not None:
        return f"{pairs} of runs of {preset.epochs} epochs each."
    return f"{pairs} of runs that measure {preset.steady_seconds:g} s each, longer where steps are slow."


def _work(spec: ComparisonSpec) -> _Work:
    """What makes a step take about the same time."""
    return spec.workload, tuple(spec.sizes.items()), spec.batch_size, spec.task


def _kind(spec: ComparisonSpec) -> _Kind:
    """What comparisons of about the same duration have in common."""
    preset = spec.preset
    return _work(spec), spec.measure, spec.train_samples, preset.name, preset.epochs, preset.steps, spec.profile


@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def _past(root: str, ids: tuple[str, ...]) -> _Past:
    store = ComparisonStore()
    durations: dict[_Kind, float] = {}
    steps: dict[_Work, float] = {}
    for id in ids:
        one = store.load(id)
        if one.spec and one.result and one.state == "finished" and one.result.pairs:
            if one.result.duration_s:
                durations.setdefault(_kind(one.spec), one.result.duration_s)
            if known := [side.step_ms for side in one.result.sides.values() if side.step_ms is not None]:
                steps.setdefault(_work(one.spec), max(known) / 1000)
    return _Past(duration_s=durations, step_s=steps)
