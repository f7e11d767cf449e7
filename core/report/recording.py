"""One recording as a report shows it: whose it is, what it is called, and what of it is asked for more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.analysis import work
from core.analysis.difference import on_devices
from core.analysis.operators import name_layers
from core.charts.palette import Sides, two_colours
from core.report import formats
from core.traces.schema import Trace


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A trace with nothing private in it."""

    side: str
    """`a`, or `b` for the second of two."""
    label: str
    short: str
    """For axes: letter and framework."""
    trace: Trace
    declared: tuple[tuple[str, str], ...] = ()
    """Names and kinds of the model's layers, where the program said so."""


def recording(name: str, trace: Trace) -> Recording:
    """A recording that stands alone; `name` is that of its file."""
    return Recording(side="a", label=name, short=formats.framework(trace.facts.framework), trace=trace)


def sides_of_recordings(recordings: Sequence[Recording]) -> Sides:
    """Names and colours of one recording, which is then both sides, or of two."""
    a, b = recordings[0], recordings[-1]
    colour_a, colour_b = two_colours(*((one.trace.facts.framework or "pytorch") for one in (a, b)))
    return Sides(a=a.label, b=b.label, short_a=a.short, short_b=b.short, colour_a=colour_a, colour_b=colour_b)


def costs(one: Recording, *, device: bool) -> pl.DataFrame:
    """`core.analysis.work` of a recording, its layers called as the program calls them."""
    table = work.device_costs(one.trace) if device else work.host_costs(one.trace)
    return name_layers(table, one.declared) if one.declared else table


def clock(recordings: Sequence[Recording]) -> bool | None:
    """Whose time costs are told in: the devices' (True) where every recording has some, else the host's (False); None without either."""
    if on_devices(*(one.trace for one in recordings)):
        return True
    return False if all(work.has_operators(one.trace) for one in recordings) else None
