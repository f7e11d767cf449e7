"""The sections of the Kernels page: which there are for the recordings that are open, each under its tab."""

from __future__ import annotations

from collections.abc import Callable

from pages._parts.kernel_account import show_account
from pages._parts.kernel_costs import show_costs
from pages._parts.kernel_efficiency import show_efficiency
from pages._parts.kernel_idle import show_idle
from pages._parts.kernel_launches import show_launches
from pages._parts.kernel_layers import show_layers
from pages._parts.kernel_steps import show_steps
from pages._parts.kernel_traffic import show_communication, show_copies
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.ranks import rank_entries, show_ranks

Section = Callable[[View], None]


def sections(it: View) -> dict[str, Section]:
    """Label and content of each tab; a question that no open recording can answer has none."""
    devices = on_devices(it)
    offered: dict[str, Section] = {"Costs": show_costs, "Layers": show_layers}
    if any(one.trace.facts.steps for one in it.opened):
        offered["Steps"] = show_steps
    if devices:
        offered |= {"Idle": show_idle, "Launches": show_launches, "Efficiency": show_efficiency}
    if any(not analysis(one, "copies").is_empty() for one in devices):
        offered["Copies"] = show_copies
    if any(not analysis(one, "collectives").is_empty() for one in devices):
        offered["Communication"] = show_communication
    if len(rank_entries(it)) > 1:
        offered["Ranks"] = show_ranks
    offered["Does it add up?"] = show_account
    return offered
