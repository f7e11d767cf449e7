"""The form of one side: its program, and every other setting of a variant that its framework and its workload have."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.machine.cpu import usable_cpus
from core.machine.facts import default_threads, gpu_visible
from core.machine.interpreter import framework_python
from core.model.hosted import is_hosted
from core.model.variant import (
    CHOICES,
    EXECUTION_LABELS,
    EXECUTIONS,
    FIT_EXECUTIONS,
    FRAMEWORK_LABELS,
    FRAMEWORKS,
    RANGES,
    Variant,
    settings,
)
from core.workloads.spec import WorkloadSpec

OPTION_LABELS: dict[str, dict[str, str]] = {
    "network": {"spec": "the workload's", "article": "as the article printed it", "mended": "the article's, mended",
                "library": "the library's own model"},
    "optimizer": {"matched": "matched: one update rule", "native": "native: the framework's own"},
    "initial": {"ported": "ported: the same on both sides", "native": "native: the framework draws them"},
    "input": {"memory": "from memory", "loader": "through a loader", "png": "PNG, decoded in the loader"},
    "malloc": {"default": "as the system's allocator has it", "keep": "kept by the process"},
    "layout": {"default": "channels first", "channels_last": "channels last"},
    "device": {"cpu": "CPU", "gpu": "GPU"},
}  # fmt: skip
_DEFAULTS = {field.name: field.default for field in settings()}


def max_threads() -> int:
    return os.cpu_count() or 1


def devices() -> tuple[str, ...]:
    """What there is to choose from here."""
    return CHOICES["device"] if gpu_visible() else ("cpu",)


def programs() -> tuple[str, ...]:
    """`framework:execution` of everything that this machine can run."""
    return tuple(f"{framework}:{execution}" for framework in FRAMEWORKS for execution in EXECUTIONS[framework]
                 if execution != "cuda_graph" or gpu_visible())  # fmt: skip


def choose_program(place: Any, side: str) -> tuple[str, str]:
    """Framework and execution of a side."""
    offered = programs()
    program: str = place.selectbox(
        f"Side {side.upper()}", offered, index=offered.index("tensorflow:graph" if side == "a" else "pytorch:eager"),
        format_func=_program_label, key=side, bind="query-params",
    )  # fmt: skip
    framework, _, execution = program.partition(":")
    return framework, execution


def _program_label(program: str) -> str:
    framework, _, execution = program.partition(":")
    return f"{FRAMEWORK_LABELS[framework]}, {EXECUTION_LABELS[framework, execution]}"


def side_values(side: str, variant: Variant) -> dict[str, Any]:
    """Values of a side's widgets by key, as they must be for this variant; of some of them this machine may not have the choice."""
    values: dict[str, Any] = {side: f"{variant.framework}:{variant.execution}"}
    for name in _DEFAULTS:
        value = getattr(variant, name)
        if name != "execution":
            values[f"{side}_{name}"] = value == "on" if CHOICES.get(name) == ("off", "on") else value
    return values


@dataclass(frozen=True, kw_only=True)
class SideForm:
    """The fields of one side; each returns what was chosen, or the default where there is nothing to choose."""

    side: str
    framework: str
    execution: str
    workload: WorkloadSpec
    task: str

    def settings(self) -> dict[str, Any]:
        """Draw all groups; keyword arguments of a `Variant`."""
        return {
            "framework": self.framework, "execution": self.execution,
            **self._group("Precision and machine", self._machine),
            **self._group("Model", self._model),
            **(self._group("Input", self._input) | self._group("Training loop", self._loop) if self.task == "train" else {}),
            **({} if is_hosted() else self._interpreter()),
        }  # fmt: skip

    def _group(self, title: str, draw: Any) -> dict[str, Any]:
        st.caption(f"**{title}**")
        values: dict[str, Any] = draw(st.columns(2))
        return values

    def _machine(self, places: list[Any]) -> dict[str, Any]:
        left, right = places
        offered = devices()
        precisions = CHOICES["precision"] if gpu_visible() else tuple(name for name in CHOICES["precision"] if name != "tf32")
        return {
            "precision": self._choice(left, "precision", "Precision", precisions, help="fp16 trains with loss scaling; tf32 is a mode of GPUs."),
            "device": right.selectbox("Device", offered, index=len(offered) - 1, format_func=str.upper, key=f"{self.side}_device",
                                      bind="query-params", help=None if len(offered) > 1 else "No GPU is visible to this app."),
            "threads": left.number_input("CPU threads", 1, max_threads(), default_threads(), key=f"{self.side}_threads", bind="query-params",
                                         help="The same on both sides unless you want to compare threads."),
            "deterministic": self._switch(right, "deterministic", "Deterministic operators", help="Bitwise the same at every run, and slower."),
            "malloc": self._choice(left, "malloc", "Freed memory", CHOICES["malloc"],
                                   help="keep: the process gives none back to the system, so it asks for none anew (glibc)."),
        }  # fmt: skip

    def _model(self, places: list[Any]) -> dict[str, Any]:
        left, right = places
        article = ("article", "mended") if self.workload.name == "mnist_cnn" else ()
        networks = ("spec", *article, *(("library",) if self.workload.library else ()))
        chosen: dict[str, Any] = {"network": self._choice(left, "network", "Network", networks, help=self.workload.library or None)}
        if self.framework == "pytorch":
            chosen["layout"] = self._choice(right, "layout", "Memory layout", CHOICES["layout"], help="Of images; Keras has channels last always.")
        if self.task == "train":
            chosen["optimizer"] = self._choice(left, "optimizer", "Optimizer", CHOICES["optimizer"])
            chosen["initial"] = self._choice(right, "initial", "Initial weights", CHOICES["initial"])
            chosen["checkpointing"] = self._switch(left, "checkpointing", "Gradient checkpointing",
                                                   help="Activations are computed again in the backward pass instead of being kept.")  # fmt: skip
        return chosen

    def _input(self, places: list[Any]) -> dict[str, Any]:
        left, right = places
        kind = self._choice(left, "input", "Samples come", CHOICES["input"],
                            help="From memory: beside the clock. Through a loader (tf.data or DataLoader): inside the clock.")  # fmt: skip
        # Drawn even where they do not matter: a widget that is new has no place in the address yet.
        cores, beside = len(usable_cpus()), kind == "memory"
        chosen: dict[str, Any] = {
            "workers": self._number(right, "workers", "Workers", 0, cores, disabled=beside, help=f"Processes of a DataLoader, parallel calls of "
                                    f"tf.data; this machine has {cores} cores."),
            "prefetch": self._number(left, "prefetch", "Batches prepared ahead", *RANGES["prefetch"], disabled=beside,
                                     help="Per worker in PyTorch, and only with workers."),
        }  # fmt: skip
        if beside:
            return {"input": kind}
        if self.framework == "pytorch" and gpu_visible():
            chosen["pin"] = self._switch(right, "pin", "Pinned host memory", help="For copies to the GPU.")
        return {"input": kind, **chosen}

    def _loop(self, places: list[Any]) -> dict[str, Any]:
        left, right = places
        chosen: dict[str, Any] = {}
        if self.execution not in FIT_EXECUTIONS:
            chosen["sync"] = self._number(left, "sync", "Read the loss every … steps", *RANGES["sync"],
                                          help="0: only where a block of steps ends. Each reading waits for the device.")  # fmt: skip
        chosen["metrics"] = self._switch(right, "metrics", "Accuracy at each step", help="As Keras fit computes it when asked for.")
        chosen["validation"] = self._switch(right, "validation", "Validation split", help="The last tenth of the samples, after each epoch.")
        return chosen

    def _interpreter(self) -> dict[str, Any]:
        # Not in the address: a link must not say which program runs here.
        python = st.text_input("Another Python for this side", key=f"{self.side}_python", placeholder=framework_python(self.framework),
                               help="An interpreter that has this framework, for example of another version.").strip()  # fmt: skip
        return {"python": python}

    def _choice(self, place: Any, name: str, label: str, offered: tuple[str, ...], help: str | None = None) -> str:
        if len(offered) == 1:
            return offered[0]
        chosen: str = place.selectbox(label, offered, format_func=lambda value: OPTION_LABELS.get(name, {}).get(value, value),
                                      key=f"{self.side}_{name}", bind="query-params", help=help)  # fmt: skip
        return chosen

    def _switch(self, place: Any, name: str, label: str, help: str | None = None) -> str:
        return "on" if place.toggle(label, key=f"{self.side}_{name}", bind="query-params", help=help) else "off"

    def _number(self, place: Any, name: str, label: str, low: int, high: int, *, disabled: bool = False, help: str | None = None) -> int:
        chosen: int = place.number_input(label, low, high, _DEFAULTS[name], key=f"{self.side}_{name}", bind="query-params", disabled=disabled,
                                         help=help)  # fmt: skip
        return chosen


def python_problem(variant: Variant) -> str:
    """What stands against the interpreter of a side, in one sentence; empty: nothing."""
    if not variant.python or shutil.which(variant.python):
        return ""
    return f"The interpreter {variant.python} is not on this machine; name another one, or leave the field empty."
