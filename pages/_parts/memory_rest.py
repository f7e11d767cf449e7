"""What the Memory page shows below: who takes and gives memory per step, and of snapshots the segments and what they leave unused."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from core.analysis.memory import folded
from core.analysis.snapshot_fragmentation import fragmentation
from core.charts.memory_bars import taken_bars
from core.charts.palette import Sides
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads
from pages._parts.memory_held import ProfiledHeld, SnapshotHeld

#: Key of the widget, which is the query parameter too.
TAKEN_BY = "taken_by"
_TOP = 12


def show_taken(held: Sequence[ProfiledHeld], names: Sides) -> None:
    """Bars of what each operator, layer or phase allocates and releases."""
    st.subheader("Who takes it, who gives it back", anchor=False)
    by = str(
        st.segmented_control(
            "Taken by", ["operator", "layer", "phase"], default="operator", required=True, key=TAKEN_BY, bind="query-params"
        )
    )
    tables = [one.increase(by) for one in held]
    bars = [folded(table, _TOP) for table in tables]
    released, allocated = pl.concat(bars).select(pl.col("released_bytes", "allocated_bytes").max().fill_null(0)).row(0)
    for one, table, bar in zip(held, tables, bars, strict=True):
        per = "per step" if one.steps else "in the whole recording"
        if len(held) > 1:
            st.markdown(f"**{formats.plain(one.label)}**, {one.device}")
        if table.is_empty():
            st.info("Nothing was allocated or released in a step.", icon=":material/check_box_outline_blank:")
            continue
        count, took, gave, left = (
            float(table[what].sum()) for what in ("allocations", "allocated_bytes", "released_bytes", "increase_bytes")
        )
        st.caption(
            f"{formats.count(count)} allocations {per}, {formats.size(took)} allocated, {formats.size(gave)} released: "
            f"{'+' if left > 0 else ''}{formats.size(left)}. What operators inside an operator take is theirs."
        )
        chart_with_table(
            taken_bars(bar, names.colour(one.side), title=by, per=per, reach=(released, allocated)), table,
            alt=f"Bytes allocated and released {per} by {by}, {len(table)} rows. Most: {table['name'][0]}.",
            download_name=f"memory-taken-{by}-{one.side}", key=f"memory_taken_{by}_{one.side}",
            columns={
                "allocations": st.column_config.NumberColumn(format="%.1f"),
                **{
                    f"{what}_bytes": st.column_config.NumberColumn(f"{what} (bytes)", format="%.0f")
                    for what in ("allocated", "released", "increase")
                },
            },
        )  # fmt: skip


def show_segments(held: Sequence[SnapshotHeld]) -> None:
    """The segments that the allocator holds at the end, and what in them is free."""
    st.subheader("Segments at the end", anchor=False)
    for one in held:
        table = fragmentation(one.snapshot).filter(pl.col("device") == one.device)
        if len(held) > 1:
            st.markdown(f"**{formats.plain(one.label)}**, {one.device}")
        reserved, inactive, split = (int(table[name].sum()) for name in ("total_bytes", "inactive_bytes", "inactive_split_bytes"))
        with st.container(horizontal=True):
            st.metric("Segments", formats.count(len(table)), width="content")
            st.metric("Reserved", formats.size(reserved), width="content")
            st.metric("Inactive", formats.size(inactive), width="content", help="Held of the device, used by no block.")
            st.metric("Inactive beside active blocks", formats.size(split), width="content",
                      help="It cannot be given back to the device while something in the same segment lives.")  # fmt: skip
            st.metric("Share of reserved", formats.percent(split / max(reserved, 1)), width="content")
            st.metric("Largest free block", formats.size(table["largest_free_bytes"].max()), width="content",  # type: ignore[arg-type]
                      help="The largest request that is served without asking the device for more.")  # fmt: skip
        _show_segment_table(one, table)


def _show_segment_table(one: SnapshotHeld, table: pl.DataFrame) -> None:
    shown = table.select(
        pl.format("0x{}", pl.col("address").map_elements(lambda address: f"{address:x}", return_dtype=pl.String)).alias("address"),
        pl.col("segment_type", "pool").cast(pl.String), "stream", "total_bytes", "active_bytes", "inactive_bytes", "free_blocks",
        "largest_free_bytes", "inactive_split_bytes",
    )  # fmt: skip
    words = {
        "total_bytes": "size", "active_bytes": "active", "inactive_bytes": "inactive", "largest_free_bytes": "largest free block",
        "inactive_split_bytes": "inactive beside active",
    }  # fmt: skip
    st.dataframe(
        shown, hide_index=True, height=min(320, 40 + 35 * max(1, len(shown))),
        column_config={
            "segment_type": "type", "free_blocks": "free blocks",
            **{name: st.column_config.NumberColumn(f"{word} (bytes)", format="localized") for name, word in words.items()},
        },
    )  # fmt: skip
    downloads(shown, f"memory-segments-{one.side}")
