"""The one form that says what will be measured."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import streamlit as st

from core.bench.start import make_spec
from core.machine.facts import gpu_visible
from core.machine.interpreter import interpreter
from core.model.comparison import PRESETS, SIDES, ComparisonSpec
from core.model.errors import ShowdownError
from core.model.run import MEASURES, TASKS
from core.model.variant import FRAMEWORKS, Variant
from core.workloads.registry import flops, workload_spec
from core.workloads.spec import Sizes, WorkloadError, WorkloadSpec
from pages._parts import formats
from pages._parts.run_sides import SideForm, choose_program, python_problem
from pages._parts.run_starts import show_starts
from pages._parts.workloads import (
    BATCH_SIZE,
    LEARNING_RATE,
    TRAIN_SAMPLES,
    choose_workload,
    operations,
    size_inputs,
    size_presets,
)

_PACKAGES = {"tensorflow": "tensorflow", "pytorch": "torch"}
TASK_LABELS = {"train": "training", "inference": "inference"}
MEASURE_LABELS = {"step": "steps", "epoch": "whole epochs"}
LENGTH_LABELS = {"preset": "by preset", "epochs": "epochs", "steps": "steps"}
MAX_LENGTH = 1_000_000
THRESHOLD_PERCENT = (0.1, 99.0)
#: A CPU core does some 20 to 100 GFLOP a second, so a step beyond this takes about a second or longer.
SLOW_STEP_FLOPS = 40e9


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the form says now."""

    workload: WorkloadSpec | None = None
    spec: ComparisonSpec | None = None
    """None where it cannot be meant."""
    problem: str = ""
    """Why it cannot be started, in one sentence."""


def wish() -> Wish:
    """Draw the form; every choice but an interpreter stands in the address, so that a link opens it filled in."""
    show_starts()
    top = st.columns([2, 3, 3])
    identifier = choose_workload(top[0])
    programs = {side: choose_program(place, side) for side, place in zip(SIDES, top[1:], strict=True)}
    try:
        workload = workload_spec(identifier)
        sizes, batch_size = _sizes(identifier, workload)
    except WorkloadError as error:
        return Wish(problem=str(error))
    task, settings = _what(workload)
    with st.expander("More settings", icon=":material/tune:", key="more_settings"):
        settings |= _settings(workload)
    variants: dict[str, Variant] = {}
    problems = []
    for side, place in zip(SIDES, st.columns(2), strict=True):
        framework, execution = programs[side]
        with place.expander(f"More about side {side.upper()}", icon=":material/tune:", key=f"{side}_more"):
            chosen = SideForm(side=side, framework=framework, execution=execution, workload=workload, task=task).settings()
        try:
            variants[side] = Variant(**chosen)
        except ShowdownError as error:
            problems.append(f"Side {side.upper()}: {error}")
        else:
            place.caption(formats.plain(f"{side.upper()} is {variants[side].label}"))
            problems += filter(None, [python_problem(variants[side])])
    if problems:
        return Wish(workload=workload, problem=" ".join(problems))
    try:
        spec = make_spec(identifier, variants["a"], variants["b"], sizes=sizes, batch_size=batch_size, **settings)
    except ShowdownError as error:
        return Wish(workload=workload, problem=str(error))
    return Wish(workload=workload, spec=spec)


def _sizes(identifier: str, workload: WorkloadSpec) -> tuple[Sizes, int]:
    """The sizes and the batch, what that comes to, and the way to smaller ones; raises WorkloadError for sizes that cannot be."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    sizes = size_inputs(workload, [row.container(width=220) for _ in workload.sizes])
    batch_size = row.container(width=220).number_input("Batch size (samples)", 1, workload.train_samples, workload.batch_size,
                                                       key=BATCH_SIZE, bind="query-params")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        size_presets(workload, sizes, batch_size)
        st.caption(formats.plain(_about(identifier, workload, workload.complete(sizes), batch_size)), width="stretch")
    return sizes, batch_size


def _about(identifier: str, workload: WorkloadSpec, sizes: Sizes, batch_size: int) -> str:
    """Title, work of a step, made-up data, and why smaller sizes are better here."""
    words = [f"{workload.title}."]
    step = flops(identifier, sizes)
    if step is not None:
        words.append(f"A training step is {operations(step.training * batch_size)}.")
        small = flops(identifier, workload.small_sizes)
        if small is not None and not gpu_visible() and step.training * batch_size > SLOW_STEP_FLOPS:
            words.append(f"No GPU is visible here, and a CPU takes a second and more for that; with the small sizes it is "
                         f"{operations(small.training * workload.small_batch_size)}.")  # fmt: skip
    if workload.generated:
        words.append("The data is made up, so speed is measured and accuracy is not.")
    return " ".join(words)


def _what(workload: WorkloadSpec) -> tuple[str, dict[str, Any]]:
    """Task, and keyword arguments of `make_spec` that say what is timed and how much."""
    left, middle, right = st.columns([2, 2, 4])
    task: str = left.segmented_control("Task", TASKS, default="train", required=True, format_func=TASK_LABELS.__getitem__, key="task",
                                       bind="query-params")  # fmt: skip
    measure = "step"
    if task == "train":
        measure = middle.segmented_control(
            "What is timed", MEASURES, default="step", required=True, format_func=MEASURE_LABELS.__getitem__, key="measure",
            bind="query-params", help="Whole epochs with their input, metrics and validation, or steps alone.",
        )  # fmt: skip
    else:
        middle.caption("One batch after the other, each waited for: p50 and p99.")
    preset = right.segmented_control("How much to measure", list(PRESETS), default="quick", required=True, key="preset", bind="query-params",
                                     format_func=lambda name: PRESETS[name].label)  # fmt: skip
    return task, {"task": task, "measure": measure, "preset": preset}


def _settings(workload: WorkloadSpec) -> dict[str, Any]:
    """Keyword arguments of `make_spec`."""
    length = _length()
    columns = st.columns(4)
    samples = columns[0].number_input("Training samples", 1, workload.train_samples, workload.train_samples, key=TRAIN_SAMPLES,
                                      bind="query-params", help="The first so many are used; fewer make shorter epochs.")  # fmt: skip
    return {
        **length,
        "train_samples": None if samples == workload.train_samples else samples,
        "learning_rate": columns[1].number_input("Learning rate", min_value=0.0, value=workload.learning_rate, step=1e-4, format="%g",
                                                 key=LEARNING_RATE, bind="query-params"),
        "seed": columns[2].number_input("Seed", 0, 2**31 - 1, 1, key="seed", bind="query-params",
                                        help="Of the first weights and the order of samples; each pair takes the next one."),
        "threshold": columns[3].number_input("Threshold (%)", *THRESHOLD_PERCENT, 5.0, step=0.5, key="threshold", bind="query-params",
                                             help="The smallest difference in time that matters to you.") / 100,
        "require_parity": st.toggle("Only if both sides are proven to be the same model", value=True, key="require_parity", bind="query-params",
                                    help="Otherwise they are timed all the same, and the result says that they are not the same model."),
        "profile": st.toggle("Profile both sides after the timed runs", value=True, key="profile", bind="query-params",
                             help="Two more runs; the timed ones never carry a profiler."),
    }  # fmt: skip


def _length() -> dict[str, int]:
    """What replaces the preset's length, as a keyword argument of `make_spec`; empty: nothing does."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control("Length of a run", list(LENGTH_LABELS), default="preset", required=True, key="length", bind="query-params",
                                    format_func=LENGTH_LABELS.__getitem__)  # fmt: skip
        if kind == "epochs":
            return {"epochs": st.number_input("Epochs", 1, MAX_LENGTH, 1, key="epochs", bind="query-params", width=220)}
        if kind == "steps":
            return {"steps": st.number_input("Measured steps", 1, MAX_LENGTH, 200, key="steps", bind="query-params", width=220,
                                             help="Rounded up to whole blocks.")}  # fmt: skip
    return {}


def missing_frameworks(spec: ComparisonSpec) -> list[str]:
    """Frameworks that this interpreter lacks, found without importing them; one with an interpreter of its own is not looked for."""
    here = {variant.framework for variant in (spec.a, spec.b) if interpreter(variant) == sys.executable}
    return [name for name in FRAMEWORKS if name in here and find_spec(_PACKAGES[name]) is None]
