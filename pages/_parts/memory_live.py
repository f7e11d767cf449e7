"""What held it: the blocks that were live at the peak, or at a moment, by whose they are; two recordings next to each other."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import polars as pl
import streamlit as st

from core.analysis.memory import folded, paired
from core.charts.memory_bars import PICKED, difference_bars, live_bars, live_pair
from core.charts.palette import Sides
from core.charts.picking import pickable, with_picked
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads, parquet
from pages._parts.linked import forget_unless, linked, picked_in
from pages._parts.memory_curves import moment
from pages._parts.memory_held import Held, SnapshotHeld
from pages._parts.memory_snapshots import stack_parameter
from pages._parts.memory_window import View

#: Keys of the widgets, which are the query parameters too.
GROUP, SHOW = "group", "show"
_BOTH, _DIFFERENCE = "both", "difference"
_TITLES = {"operator": "operator", "layer": "layer", "phase": "phase", "frame": "frame"}
_BYTES = st.column_config.NumberColumn("bytes", format="localized")


def show_live(held: Sequence[Held], names: Sides, view: View) -> None:
    """Bars by operator, layer, phase or frame, and the blocks or stacks behind them."""
    places = [view.place(one) for one in held]
    times = [moment(int(one.series["time_ns"][place])) for one, place in zip(held, places, strict=True)]
    at = "the chosen moment" if view.at_ns is not None else "the peak" if view.window == view.whole else "the peak of this stretch"
    st.subheader(f"What was live at {at}", anchor=False)
    by = _choose_group(held[0].groups())
    tables = [one.live(place, by) for one, place in zip(held, places, strict=True)]
    sums = [f"{formats.size(int(table['bytes'].sum()))} at {time}" for table, time in zip(tables, times, strict=True)]
    st.caption(
        "; ".join(
            f"{one.side.upper()}: {words}" if len(held) > 1 else f"{words}, to the byte"
            for one, words in zip(held, sums, strict=True)
        )
    )
    if not any(len(table) for table in tables):
        st.info("Nothing was allocated at this moment.", icon=":material/check_box_outline_blank:")
        return
    element = f"memory_live_{by}"
    picked, shown = _one(held[0], tables[0], names, by, element) if len(held) == 1 else _two(tables, names, by, element)
    chosen = _names(picked, shown, [table["name"].to_list() for table in tables])
    for column, one, place in zip(st.columns(len(held)), held, places, strict=True):
        with column:
            _show_blocks(one, place, by, chosen, titled=len(held) > 1)


def _choose_group(groups: Sequence[str]) -> str:
    forget_unless(GROUP, groups)
    if len(groups) == 1:
        return groups[0]
    return str(st.segmented_control("Group by", list(groups), default=groups[0], required=True, key=GROUP, bind="query-params"))


def _one(one: Held, table: pl.DataFrame, names: Sides, by: str, element: str) -> tuple[list[str], pl.DataFrame]:
    """Which bars are picked, and all that are drawn."""
    bars = folded(table)
    picking = linked(PICKED, element, bars["name"].to_list())
    chart = pickable(live_bars(bars, names.colour(one.side), title=_TITLES[by]), PICKED, "name")
    event = chart_with_table(
        with_picked(chart, PICKED, "name", picking.begun), table,
        alt=f"Bars of bytes by {by}, {len(table)} rows. Largest: {bars['name'][0]}, {formats.size(bars['bytes'][0])}.",
        download_name=f"memory-live-{by}", key=picking.key, on_select="rerun",
        columns={"bytes": _BYTES, "count": "blocks", "share": st.column_config.NumberColumn(format="percent")},
    )  # fmt: skip
    return picking.follow(event, picked_in(event, PICKED, "name")), bars


def _two(tables: Sequence[pl.DataFrame], names: Sides, by: str, element: str) -> tuple[list[str], pl.DataFrame]:
    both = paired(*tables)
    show = st.segmented_control("Show", [_BOTH, _DIFFERENCE], default=_BOTH, required=True, key=SHOW, bind="query-params",
                                help="Difference: B less A.")  # fmt: skip
    if show == _DIFFERENCE:
        both = both.sort(pl.col("difference_bytes").abs(), "name", descending=[True, False])
    bars = folded(both)
    chart = difference_bars(bars, names, title=_TITLES[by]) if show == _DIFFERENCE else live_pair(bars, names, title=_TITLES[by])
    first = bars.row(0, named=True)
    picking = linked(PICKED, f"{element}_{show}", bars["name"].to_list())
    event = chart_with_table(
        with_picked(pickable(chart, PICKED, "name"), PICKED, "name", picking.begun), both,
        alt=f"Bytes by {by}, {names.a} and {names.b}. First: {first['name']}, {formats.size(first['a_bytes'])} and {formats.size(first['b_bytes'])}.",
        download_name=f"memory-live-pair-{by}", key=picking.key, on_select="rerun",
        columns={f"{name}_bytes": st.column_config.NumberColumn(f"{word} (bytes)", format="localized")
                 for name, word in (("a", "A"), ("b", "B"), ("difference", "B less A"))} | {"a_count": "A (blocks)", "b_count": "B (blocks)"},
    )  # fmt: skip
    return picking.follow(event, picked_in(event, PICKED, "name")), bars


def _names(picked: Sequence[str], shown: pl.DataFrame, names: Sequence[Sequence[str]]) -> list[str]:
    """The rows behind the bars that are picked; the remainder stands for all that have no bar of their own."""
    rests = shown.filter(pl.col("origin") == "rest")["name"].to_list()
    bars = shown["name"].to_list()
    found: list[str] = []
    for name in picked:
        found += [one for side in names for one in side if one not in bars] if name in rests else [name]
    return list(dict.fromkeys(found))


def _show_blocks(one: Held, place: int, by: str, chosen: Sequence[str], *, titled: bool) -> None:
    table = one.blocks(place, by, chosen)
    what = "stack" if isinstance(one, SnapshotHeld) else "block"
    words = f"**{len(table):,} {what}{'' if len(table) == 1 else 's'}, {formats.size(int(table['bytes'].sum()))}**"
    how = " picked in the chart; click on empty ground to see all" if chosen else "; click on a bar to see only its own"
    st.markdown(f"{f'{one.side.upper()}: ' if titled else ''}{words}{how}")
    if isinstance(one, SnapshotHeld):
        _show_stacks(one, table)
        return
    st.dataframe(
        table, hide_index=True, height=min(320, 40 + 35 * max(1, len(table))),
        column_config={"bytes": _BYTES, "allocated_ms": st.column_config.NumberColumn("allocated at (ms)", format="%.4f")},
    )  # fmt: skip
    downloads(table, f"memory-blocks-{one.side}")


def _show_stacks(one: SnapshotHeld, table: pl.DataFrame) -> None:
    shown = table.select("name", "bytes", pl.col("count").alias("blocks"), "share")
    rows = [name if number is None else str(number) for name, number in table.select("name", "stack").iter_rows()]
    # Streamlit selects rows by their place, so a table with other rows is another table.
    content = zlib.crc32("\n".join(rows).encode())
    picking = linked(stack_parameter(one.side), f"memory_stacks_{one.side}_{one.digest[:12]}_{content}", rows)
    event = st.dataframe(
        shown, hide_index=True, height=min(320, 40 + 35 * max(1, len(shown))), key=picking.key, on_select="rerun",
        selection_mode="single-row", selection_default={"selection": {"rows": [rows.index(row) for row in picking.begun[:1]]}},
        column_config={"name": "innermost useful frame", "bytes": _BYTES, "share": st.column_config.NumberColumn(format="percent")},
    )  # fmt: skip
    _download_stacks(one, table)
    picked = picking.follow(event, [rows[place] for place in event["selection"]["rows"] if place < len(rows)])
    if not picked:
        st.caption("Select a row to read its whole stack.")
        return
    number = table["stack"][rows.index(picked[0])]
    if number is None:
        st.info(
            "No stack is known of this memory: it was allocated before the recording, or it is what the allocator rounded up.",
            icon=":material/layers_clear:",
        )
    else:
        st.code(one.stack(number), language=None, height=320)


def _download_stacks(one: SnapshotHeld, table: pl.DataFrame) -> None:
    """The table with its stacks in full, which are written out only when they are asked for: there may be many."""

    def whole() -> pl.DataFrame:
        stacks = [None if number is None else one.stack(number) for number in table["stack"]]
        return table.with_columns(pl.Series("stack", stacks, dtype=pl.String))

    kinds = (
        ("CSV", lambda: whole().write_csv(), "csv", "text/csv"),
        ("Parquet", lambda: parquet(whole()), "parquet", "application/vnd.apache.parquet"),
    )
    with st.container(horizontal=True):
        for label, write, extension, mime in kinds:
            st.download_button(label, write, file_name=f"memory-stacks-{one.side}.{extension}", mime=mime, icon=":material/download:",
                               key=f"{extension}_stacks_{one.side}", on_click="ignore")  # fmt: skip
