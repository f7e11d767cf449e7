"""Why a step takes longer on one side: the difference of the two steps, divided among what both have names for, nothing left out."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from core.analysis.breakdown import step_breakdown
from core.analysis.difference import Declared, difference, on_devices
from core.analysis.steps import ALL_LANES, accounting
from core.analysis.work import per_step
from core.traces.schema import Trace

#: Parts of a step that belong to nobody's work, by whether the work is a device's.
REST = {True: "nothing runs on the device", False: "in no operator"}
OVERLAP = {True: "side by side, or past the step's end", False: "side by side on several threads"}
_ON_DEVICE = ("kernel", "memcpy", "memset", "communication")


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Two steps, and where the time between them lies."""

    a_ns: float
    b_ns: float
    """Mean length of a marked step under the profiler."""
    device: bool
    """Is the work that of the devices? Else that of the host's operators, which on a CPU are the kernels."""
    parts: pl.DataFrame
    """`what`, `kind` (`work`, `other` or `rest`), `a_ns`, `b_ns`, `difference_ns` (b minus a), per step. Each column sums to the step's."""


def can_be_explained(*traces: Trace) -> bool:
    """Only marked steps have a length that can be divided, and only among work that belongs to them."""
    device = on_devices(*traces)
    return all(per_step(trace, device=device) for trace in traces)


def explain(a: Trace, b: Trace, group: str, *, most: int = 10, declared: tuple[Declared, Declared] = ((), ())) -> Explanation:
    """Divide the difference of two recordings' steps by one of `core.analysis.difference.GROUPS`; `declared` as `difference` takes it.

    Work is named where its difference is among the `most` largest, and is `other` beyond; then comes what is no work: time in which
    nothing was recorded to run, and, taken off, work that did not lengthen the step because it ran side by side, or on a device after
    the step's end. Both recordings need marked steps with work in them: raises ValueError.
    """
    if not can_be_explained(a, b):
        raise ValueError("a recording without marked steps, or without work in them, has no step to explain")
    device = on_devices(a, b)
    walls, rests, work = zip(*(_whole(trace, device) for trace in (a, b)), strict=True)
    found = difference(a, b, group, declared).select(
        pl.col("key").cast(pl.String).fill_null("not known").alias("what"), pl.lit("work").alias("kind"), "a_ns", "b_ns"
    )
    named, left = found.head(most), found.slice(most)
    if not left.is_empty():
        words = "1 other" if len(left) == 1 else f"{len(left)} others"
        others = left.select(pl.lit(words).alias("what"), pl.lit("other").alias("kind"), pl.col("a_ns", "b_ns").sum())
        named = pl.concat([named, others])
    # What the groups sum to is all work; what of it did not lengthen the step ran beside other work.
    overlap = [float(found[f"{side}_ns"].sum()) - busy for side, busy in zip("ab", work, strict=True)]
    own = pl.DataFrame(
        {"what": [OVERLAP[device], REST[device]], "kind": ["rest", "rest"], "a_ns": [-overlap[0], rests[0]], "b_ns": [-overlap[1], rests[1]]},
        schema=named.schema,
    )
    own = own.filter((pl.col("kind") != "rest") | (pl.max_horizontal(pl.col("a_ns").abs(), pl.col("b_ns").abs()) > 1.0))
    parts = pl.concat([named, own]).with_columns((pl.col("b_ns") - pl.col("a_ns")).alias("difference_ns"))
    return Explanation(a_ns=walls[0], b_ns=walls[1], device=device, parts=parts)


def _whole(trace: Trace, device: bool) -> tuple[float, float, float]:
    """Of the mean step: its length, the time in which no work ran, and the time in which some did."""
    if device:
        parts = step_breakdown(trace.events, trace.facts.steps)
        wall_ns = float(parts["duration_ns"].sum()) / len(trace.facts.steps)
        busy_ns = float(parts.filter(pl.col("part").cast(pl.String).is_in(_ON_DEVICE))["duration_ns"].sum()) / len(trace.facts.steps)
        return wall_ns, wall_ns - busy_ns, busy_ns
    account = accounting(trace.events, trace.facts.steps).filter(pl.col("lane") == ALL_LANES)
    wall, rest = (float(account[name].to_numpy().mean()) for name in ("wall_ns", "rest_ns"))
    return wall, rest, wall - rest
