"""What costs most: bars of one recording or mirrored of two, and the rows that a click on them leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import streamlit as st

from core.analysis.operators import mirror
from core.analysis.work import Outside, summed_up
from core.charts.kernels import Words, mirrored_bars, single_bars
from core.charts.picking import pickable, with_picked
from core.traces.schema import PHASES
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads
from pages._parts.kernel_rows import matching, picked_rows, row_columns, row_table
from pages._parts.kernel_work import DEVICE, View, analysis, choose_clock, costs, per_step
from pages._parts.linked import carried, forget_unless, linked, picked_in
from pages._parts.opened import AGAINST, COMPARISON, TRACE
from pages._parts.places import link

#: What bars can stand for: the column, and what charts call it.
GROUPS = {
    "kernel": ("kernel", "kernel"),
    "operator": ("operator", "operator"),
    "class": ("op_class", "kind of operation"),
    "layer": ("layer", "layer"),
}
DEVICE_MEASURES = {"time": ("time_ns", "device time"), "launches": ("count", "launches")}
HOST_MEASURES = {"self": ("self_ns", "self time"), "total": ("total_ns", "total time"), "calls": ("count", "calls")}
TOPS = (10, 15, 25, 40)
#: Where the rows are the classes already, colour is free to tell the sides apart.
_COLOUR = {"kernel": "op_class", "operator": "op_class", "class": "side", "layer": "side"}
#: Name of the selection of the chart, and the query parameter it is kept in.
_PICKED = "picked"
#: Above this the table keeps its largest rows: a person reads no more, and Streamlit pages no further.
_MOST_ROWS = 5_000


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """What the controls ask for."""

    device: Mapping[str, bool]
    """By side: whether its device's time is shown, else its host's."""
    group: str
    measure: str
    title: str
    phases: tuple[str, ...]
    search: str
    top: int

    @property
    def on_device(self) -> bool:
        return any(self.device.values())


def show_costs(it: View) -> None:
    """What costs most, and how do the two sides pair up?"""
    choice = _choose(it)
    if choice is None:
        st.info("No kernel and no operator was recorded.", title="Nothing here costs anything", icon=":material/search_off:")
        link("timeline", "See what was recorded", **carried(COMPARISON, TRACE, AGAINST))
        return
    whole = {one.side: costs(one, device=choice.device[one.side]) for one in it.opened}
    found = {side: _filtered(table, choice) for side, table in whole.items()}
    if all(table.is_empty() for table in found.values()):
        st.info("Nothing has this in its name; try a shorter word, or all phases.", icon=":material/search_off:")
        return
    picked, shown = _bars(it, found, choice)
    _rows(it, found, choice, picked, shown)
    _footnotes(it, choice)


def _choose(it: View) -> _Choice | None:
    # Explain and Memory have these words in their addresses too, and other values behind them.
    forget_unless("group", GROUPS)
    forget_unless("amount", (*DEVICE_MEASURES, *HOST_MEASURES))
    forget_unless("top", TOPS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = _clock(it)
        if device is None:
            return None
        on_device = any(device.values())
        groups = [name for name in GROUPS if on_device or name != "kernel"]
        group = st.segmented_control(
            "Group by", groups, default=groups[0] if on_device else "class", required=True, key="group", bind="query-params"
        )
        measures = DEVICE_MEASURES if on_device else HOST_MEASURES
        nested = None if on_device else "Self: without the operators nested inside. Total: with them: some time counts twice."
        measure = st.segmented_control("Measure", list(measures), default=next(iter(measures)), required=True, key="amount",
                                       bind="query-params", help=nested)  # fmt: skip
        top = st.selectbox("Bars", TOPS, index=1, key="top", bind="query-params", width=90)
        search = st.text_input(
            "Search", type="search", key="search", bind="query-params", placeholder="conv, gemm, adam …", width=220
        )
    present = {phase for one in it.opened for phase in costs(one, device=device[one.side])["phase"].unique().to_list()}
    phases = [phase for phase in PHASES if phase in present]
    chosen: list[str] = []
    if len(phases) > 1:
        chosen = st.pills("Phase", phases, selection_mode="multi", key="phase", bind="query-params", label_visibility="collapsed")
    column, title = measures[measure]
    return _Choice(device=device, group=group, measure=column, title=title, phases=tuple(chosen), search=search or "", top=top)


def _clock(it: View) -> dict[str, bool] | None:
    """Whose time each recording shows; None where one has neither. Only where all have both there is something to choose."""
    has = {one.side: (analysis(one, "has device work"), analysis(one, "has operators")) for one in it.opened}
    if not all(any(both) for both in has.values()):
        return None
    if all(device and host for device, host in has.values()):
        return dict.fromkeys(has, choose_clock() == DEVICE)
    device_alike, host_alike = (all(both[place] for both in has.values()) for place in (0, 1))
    if host_alike and not device_alike:
        return dict.fromkeys(has, False)
    return {side: device for side, (device, _) in has.items()}


def _filtered(table: pl.DataFrame, choice: _Choice) -> pl.DataFrame:
    inside = table.filter(pl.col("phase").is_in(list(choice.phases))) if choice.phases else table
    return matching(inside, choice.search)


def _measured(table: pl.DataFrame, choice: _Choice) -> pl.DataFrame:
    """The key, its class and the measure, whichever clock the rows are of: on the host a kernel is its operator, and its time self time."""
    by, _ = GROUPS[choice.group]
    own = choice.measure if choice.measure in table.columns else "self_ns"
    key = pl.col(by if by in table.columns else "operator").alias(by)
    return table.select(key, *([] if by == "op_class" else ["op_class"]), pl.col(own).cast(pl.Float64).alias(choice.measure))


def _bars(it: View, found: dict[str, pl.DataFrame], choice: _Choice) -> tuple[list[str], list[str]]:
    """Draw them; which keys were picked, and which are shown."""
    by, called = GROUPS[choice.group]
    tables = [_measured(found[one.side], choice) for one in it.opened]
    alone = len(tables) == 1
    pair = mirror(tables[0], tables[0].clear() if alone else tables[1], by=by, measure=choice.measure, top=choice.top)
    unit = _unit(it, choice)
    words = Words(row=called, measure=choice.title, unit=unit, whole="of what is shown of this side")
    draw = single_bars if alone else mirrored_bars
    values = ["a"] if alone else ["a", "b"]
    largest = " and ".join(f"{pair[name][0]:,.3g}" for name in values)
    names = it.opened[0].label if alone else f"{it.sides.a} to the left, {it.sides.b} to the right"
    # Another grouping has bars of other names.
    picking = linked(_PICKED, f"kernel_bars_{choice.group}", pair["key"].to_list())
    chart = pickable(draw(pair, it.sides, words, colour=_COLOUR[choice.group]), _PICKED, "key")
    event = chart_with_table(
        with_picked(chart, _PICKED, "key", picking.begun), pair.select("key", "op_class", *values),
        alt=f"Bars of {words.axis}, by {called}: {names}. Largest: {pair['key'][0]}, {largest}.",
        download_name=f"kernels-{choice.group}", key=picking.key, on_select="rerun",
        columns={
            "op_class": "kind of operation",
            **{name: st.column_config.NumberColumn(f"{name.upper()}, {unit}", format="%.4f") for name in values},
        },
    )  # fmt: skip
    return picking.follow(event, picked_in(event, _PICKED, "key")), pair["key"].to_list()


def _unit(it: View, choice: _Choice) -> str:
    stepped = {per_step(one, device=choice.device[one.side]) for one in it.opened}
    amount = "" if choice.measure == "count" else "ms "
    return amount + (
        "per step" if stepped == {True} else "in all" if stepped == {False} else "per step, or in all where no step is marked"
    )


def _rows(it: View, found: dict[str, pl.DataFrame], choice: _Choice, picked: Sequence[str], shown: Sequence[str]) -> None:
    by, _ = GROUPS[choice.group]
    parts = []
    for one in it.opened:
        table = found[one.side]
        own = by if by in table.columns else "operator"
        keys = [key for key in ("kernel", "operator", "op_class") if key in table.columns] + (
            ["layer"] if choice.group == "layer" else []
        )
        rows = summed_up(picked_rows(table, own, picked, shown), *keys)
        parts.append(rows.select(pl.lit(one.short).alias("recording"), pl.all()))
    together = pl.concat(parts, how="diagonal")
    order = (
        choice.measure
        if choice.measure in together.columns
        else next(name for name in ("time_ns", "self_ns") if name in together.columns)
    )
    together = together.sort(order, descending=True, nulls_last=True)
    table = row_table(together.drop("recording") if len(it.opened) == 1 else together)
    rest = f" (the largest {_MOST_ROWS:,} of {len(table):,}; the download has all)" if len(table) > _MOST_ROWS else ""
    st.markdown(f"**Only what was picked in the chart**{rest}; click on empty ground to see all" if picked
                else f"**Row by row**{rest}; click on a bar to see only its rows")  # fmt: skip
    stepped = all(per_step(one, device=choice.device[one.side]) for one in it.opened)
    known = [column.name for column in table if column.null_count() < len(table)]
    st.dataframe(table.head(_MOST_ROWS).select(known), hide_index=True, placeholder="", height=min(420, 40 + 35 * max(1, len(table))),
                 column_config=row_columns(per_step=stepped, device=choice.on_device))  # fmt: skip
    downloads(table, "kernels")


def _footnotes(it: View, choice: _Choice) -> None:
    """What the numbers are of, where that is not plain."""
    if not any(analysis(one, "has device work") for one in it.opened):
        st.caption("No device worked here: on a CPU the operators are the kernels, and their time is that of the host's threads.")
    elif not choice.on_device:
        st.caption("These are the operators on the host; they launch the kernels that do the work.")
    elif not all(choice.device.values()):
        st.caption(
            "One side has work on a device and the other only operators on its host: they are shown next to each other, but are not the same thing."
        )
    else:
        st.caption("Time on streams, each counted on its own: where they work side by side the sum exceeds the time that passed.")
    for one in it.opened:
        outside: Outside | None = analysis(one, "outside steps")
        if choice.device[one.side] and outside is not None:
            st.caption(
                f"{formats.plain(one.label)}: {formats.ms(outside.time_ns / 1e6)} of device work ({formats.percent(outside.share)}, "
                f"{outside.events:,} events) belongs to no marked step and is not in these sums."
            )
