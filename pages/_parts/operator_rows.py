"""The rows behind the operator bars: searched, picked by a click, and shown as one table of both sides."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from core.analysis.operators import REMAINDER
from core.charts.palette import Sides

#: A row that computes both gradients stands for the two that compute one each (`core.analysis.operators.mirror`).
_GRADIENTS = {"convolution backward": ("convolution backward data", "convolution backward weights")}


def matching(frame: pl.DataFrame, search: str | None) -> pl.DataFrame:
    """Rows with the search text in one of their names, letter by letter, upper and lower case alike."""
    if not search or not search.strip():
        return frame
    wanted = search.strip().lower()
    names = [name for name, kind in frame.schema.items() if kind == pl.String]
    return frame.filter(
        pl.any_horizontal(pl.col(name).fill_null("").str.to_lowercase().str.contains(wanted, literal=True) for name in names)
    )


def picked_rows(tables: dict[str, pl.DataFrame], by: str, picked: Sequence[str], shown: Sequence[str]) -> pl.DataFrame:
    """Rows of both sides whose `by` was picked in the chart (all without a pick); the remainder stands for what was not shown."""
    key = pl.col(by).fill_null(f"no {by}")
    wanted = pl.lit(not picked)
    for name in picked:
        wanted |= ~key.is_in(list(shown)) if name.startswith(REMAINDER) else key.is_in([name, *_GRADIENTS.get(name, ())])
    frames = [frame.filter(wanted).select(pl.lit(side).alias("side"), pl.all()) for side, frame in tables.items()]
    return pl.concat(frames).sort("self_ns", descending=True)


def show_rows(id: str, frame: pl.DataFrame, picked: Sequence[str], names: Sides) -> None:
    """The table, with times in ms."""
    if "layer" in frame.columns:
        frame = frame.with_columns(pl.col("layer").fill_null("no layer"))
    times = [name for name in frame.columns if name.endswith("_ns")]
    table = frame.with_columns(
        pl.col("side").replace_strict({"a": names.short_a, "b": names.short_b}, return_dtype=pl.String)
    ).select(
        pl.exclude(*times, "share"),
        *((pl.col(name) / 1e6).alias(f"{name.removesuffix('_ns')}_ms") for name in times),
        (pl.col("share") * 100).alias("share_percent"),
    )
    if picked:
        st.markdown("**Only what was picked in the chart**; click on empty ground to see all")
    else:
        st.markdown("**Row by row**; click on a bar to see only its rows")
    bare = [name.removesuffix("_ns") for name in times]
    columns = {f"{name}_ms": st.column_config.NumberColumn(f"{name} (ms per step)", format="%.3f") for name in bare}
    st.dataframe(
        table, hide_index=True, height=min(420, 40 + 35 * max(1, len(table))),
        column_config={
            **columns,
            "op_class": "kind of operation",
            "count": st.column_config.NumberColumn("calls per step", format="%.1f"),
            "share_percent": st.column_config.NumberColumn("share of the step", format="%.1f %%"),
        },
    )  # fmt: skip
    st.download_button("CSV", table.write_csv, file_name=f"{id}-operators.csv", mime="text/csv", icon=":material/download:", key="csv_rows",
                       on_click="ignore")  # fmt: skip
