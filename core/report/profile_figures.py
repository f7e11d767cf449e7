"""The figures of one recording or of two mirrored: what costs most, what each step was made of, and why one side's takes longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.analysis import work
from core.analysis.breakdown import PARTS, input_bound_share, step_breakdown
from core.analysis.explain import can_be_explained, explain
from core.analysis.operators import mirror
from core.charts.breakdown import MOST_STEPS, step_bars
from core.charts.explain import step_waterfall
from core.charts.kernels import Words, mirrored_bars, single_bars
from core.charts.palette import Sides
from core.report import formats
from core.report.figure import Figure
from core.report.recording import Recording, clock, costs
from core.report.words import timed_steps

TOP = 15


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """What the bars of a figure stand for."""

    column: str
    called: str
    title: str
    colour: str
    """Where the rows are the classes already, colour is free to tell the sides apart."""
    top: int = TOP
    on_host: bool = True
    """Is there such a thing on the host? There an operator is its own kernel."""


GROUPINGS = (
    Grouping(column="op_class", called="kind of operation", title="Where a step's time goes, by kind of operation", colour="side", top=25),
    Grouping(column="operator", called="operator", title="The operators that cost most", colour="op_class"),
    Grouping(column="kernel", called="kernel", title="The kernels that cost most", colour="op_class", on_host=False),
)


def cost_figures(recordings: Sequence[Recording], sides: Sides, groupings: Sequence[Grouping] = GROUPINGS) -> list[Figure]:
    """A figure per grouping, of device time where every recording has some, else of operators' self time on the host."""
    device = clock(recordings)
    if device is None:
        return []
    tables = [costs(one, device=device) for one in recordings]
    made = [_bars(recordings, tables, sides, one, device=device) for one in groupings if device or one.on_host]
    return [figure for figure in made if figure is not None]


def _bars(recordings: Sequence[Recording], tables: list[pl.DataFrame], sides: Sides, by: Grouping, *, device: bool) -> Figure | None:
    measure, measured = ("time_ns", "device time") if device else ("self_ns", "self time")
    alone = len(tables) == 1
    first, second = tables[0], tables[0].clear() if alone else tables[1]
    pair = mirror(first, second, by=by.column, measure=measure, top=by.top)
    if pair.is_empty():
        return None
    unit = unit_of(recordings, device=device)
    words = Words(row=by.called, measure=measured, unit=unit, whole="of all work of this side")
    draw = single_bars if alone else mirrored_bars
    letters = ["a"] if alone else ["a", "b"]
    names = recordings[0].label if alone else f"{sides.a} to the left, {sides.b} to the right"
    largest = " and ".join(f"{pair[letter][0]:,.3g}" for letter in letters)
    kind = [] if by.column == "op_class" else [pl.col("op_class").alias("kind of operation")]
    note = "" if device else "These are the operators on the host; on a CPU they are the kernels."
    return Figure(
        name=f"costs-{by.column.replace('_', '-')}", title=by.title,
        says=f"Bars of {words.axis}, by {by.called}: {names}. Largest: {pair['key'][0]}, {largest}.",
        chart=draw(pair, sides, words, colour=by.colour),
        table=pair.select(
            pl.col("key").alias(by.called), *kind, *(pl.col(letter).alias(unit if alone else f"{letter.upper()} ({unit})") for letter in letters)
        ),
        note=note,
    )  # fmt: skip


def unit_of(recordings: Sequence[Recording], *, device: bool) -> str:
    """What costs are told in: per step where every recording marks steps."""
    stepped = {work.per_step(one.trace, device=device) for one in recordings}
    return "ms per step" if stepped == {True} else "ms in all" if stepped == {False} else "ms per step, or in all where no step is marked"


def explanation_figure(a: Recording, b: Recording, sides: Sides, timed_ms: Sequence[float | None]) -> Figure | None:
    """The difference of the two steps, divided among kinds of operations; None where a recording marks no step. `timed_ms`: both
    sides' steps without the profiler.
    """
    if not can_be_explained(a.trace, b.trace):
        return None
    found = explain(a.trace, b.trace, "op_class")
    a_ms, b_ms = found.a_ns / 1e6, found.b_ns / 1e6
    table = found.parts.select(
        pl.col("what").alias("part"), *((pl.col(f"{side}_ns") / 1e6).alias(f"{side.upper()} (ms per step)") for side in "ab"),
        (pl.col("difference_ns") / 1e6).alias("B minus A (ms)"),
    )  # fmt: skip
    return Figure(
        name="explanation", title="What makes one step longer than the other",
        says=f"From a step of {formats.ms(a_ms)} in A to one of {formats.ms(b_ms)} in B, part by part.",
        chart=step_waterfall(found.parts, sides, a_ms=a_ms, b_ms=b_ms), table=table,
        note=" ".join(filter(None, ["Of the profiled steps. The parts add up to their difference exactly.", timed_steps(timed_ms, (a_ms, b_ms))])),
    )  # fmt: skip


def step_figures(recordings: Sequence[Recording]) -> list[Figure]:
    """What each marked step was made of: a figure per recording, all on one axis."""
    found = [(one, step_breakdown(one.trace.events, one.trace.facts.steps)) for one in recordings if one.trace.facts.steps]
    longest = [float(max(step.end_ns - step.start_ns for step in one.trace.facts.steps)) for one, _ in found]
    return [_steps(one, table, max(longest) / 1e6 * 1.02, several=len(recordings) > 1) for one, table in found]


def _steps(one: Recording, table: pl.DataFrame, reach_ms: float, *, several: bool) -> Figure:
    count = len(one.trace.facts.steps)
    parts = table.group_by("part").agg(pl.col("duration_ns").sum()).sort("duration_ns", descending=True)
    largest, whole = parts.row(0), max(int(parts["duration_ns"].sum()), 1)
    means = f", drawn as means of neighbours, {MOST_STEPS} bars at most" if count > MOST_STEPS else ""
    return Figure(
        name=f"steps-{one.side}" if several else "steps", title=f"What each step was made of{f': {one.label}' if several else ''}",
        says=f"Parts of {count} steps of {one.label}{means}; most is {largest[0]}, {formats.percent(largest[1] / whole)}.",
        chart=step_bars(table, PARTS, reach_ms=reach_ms),
        table=table.select("step", pl.col("part").cast(pl.String), (pl.col("duration_ns") / 1e6).alias("ms"),
                           (pl.col("share") * 100).alias("share of the step (%)")),
        note=f"A moment belongs to the first part that happens in it, so the parts of a step sum to its time. Waiting for input alone: "
             f"{formats.percent(input_bound_share(table))}.",
    )  # fmt: skip
