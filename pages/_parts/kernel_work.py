"""What the Kernels page shows, and the analyses behind it: each made once per recording, whatever is clicked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from core.analysis import work
from core.analysis.breakdown import step_breakdown
from core.analysis.communication import collective_table, overlap
from core.analysis.copies import copy_table
from core.analysis.devices import device_account, stream_account
from core.analysis.efficiency import efficiency
from core.analysis.launches import launch_statistics
from core.analysis.layers import layer_tree
from core.analysis.operators import name_layers
from core.analysis.steps import accounting, windows
from core.analysis.summary import coverage, idle_causes
from core.analysis.tensor_cores import tensor_core_share, tensor_core_table
from core.charts.palette import Sides
from core.traces.schema import Trace
from pages._parts.kept import kept
from pages._parts.opened import Opened

#: Whose time is shown, as the address says it.
DEVICE, HOST = "device", "host"


@dataclass(frozen=True, kw_only=True)
class View:
    """One recording, or two next to each other."""

    opened: tuple[Opened, ...]
    sides: Sides

    @property
    def colours(self) -> dict[str, str]:
        """Colour of each recording by its short name."""
        return dict(zip((one.short for one in self.opened), (self.sides.colour_a, self.sides.colour_b), strict=False))


_ANALYSES: dict[str, Callable[[Trace], Any]] = {
    "device costs": work.device_costs,
    "host costs": work.host_costs,
    "outside steps": work.outside_steps,
    "has device work": work.has_device_work,
    "has operators": work.has_operators,
    "coverage": coverage,
    "accounting": lambda trace: accounting(trace.events, windows(trace)),
    "breakdown": lambda trace: step_breakdown(trace.events, trace.facts.steps),
    "devices": lambda trace: device_account(trace.events),
    "streams": lambda trace: stream_account(trace.events),
    "idle causes": lambda trace: idle_causes(trace.events),
    "launches": lambda trace: launch_statistics(trace.events),
    "efficiency": lambda trace: efficiency(trace.events, trace.facts.steps, trace.facts.devices),
    "tensor cores": lambda trace: tensor_core_table(trace.events),
    "tensor core share": lambda trace: tensor_core_share(trace.events),
    "copies": lambda trace: copy_table(trace.events),
    "collectives": lambda trace: collective_table(trace.events),
    "overlap": lambda trace: overlap(trace.events, trace.facts.steps),
    "layers": lambda trace: layer_tree(work.in_steps(trace)),
}


def analysis(one: Opened, name: str) -> Any:
    """One of the analyses of a recording, as its own function in `core.analysis` defines it; not to be changed in place."""
    return _analysed(name, one.digest, one.trace)


@kept(max_entries=128, show_spinner="Working it out")
def _analysed(name: str, digest: str, _trace: Trace) -> Any:
    return _ANALYSES[name](_trace)


def costs(one: Opened, *, device: bool) -> pl.DataFrame:
    """`core.analysis.work` of a recording, its layers called as the program calls them."""
    table: pl.DataFrame = analysis(one, "device costs" if device else "host costs")
    return name_layers(table, one.declared) if one.declared else table


def choose_clock() -> str:
    """`DEVICE` or `HOST`: the same control on each tab that has it."""
    return str(st.segmented_control("Time on the", [DEVICE, HOST], default=DEVICE, required=True, key="on", bind="query-params"))


def per_step(one: Opened, *, device: bool) -> bool:
    """Whether a recording's costs are those of one step."""
    return work.per_step(one.trace, device=device)


def on_devices(it: View) -> list[Opened]:
    """Those of the recordings that have work on a device."""
    return [one for one in it.opened if analysis(one, "has device work")]
