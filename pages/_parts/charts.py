"""A chart with its words and its numbers: nobody has to see it, or trust it, to have what it says."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
import streamlit as st


def chart_with_table(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart,
    frame: pl.DataFrame,
    *,
    alt: str,
    download_name: str,
    columns: dict[str, Any] | None = None,
    key: str | None = None,
    on_select: Any = "ignore",
    folded: bool = True,
) -> Any:
    """The chart, and below it, folded away, the same numbers as a table with a CSV download; returns the chart's selection.

    `alt` says in a sentence what the chart shows. `download_name` has no extension. `columns` is the table's column_config.
    """
    event = st.altair_chart(chart, width="stretch", alt=alt, key=key, on_select=on_select)
    with st.expander("The numbers behind it", expanded=not folded, icon=":material/table:", type="compact"):
        st.dataframe(frame, hide_index=True, column_config=columns)
        st.download_button("CSV", frame.write_csv, file_name=f"{download_name}.csv", mime="text/csv", icon=":material/download:",
                           key=f"csv_{download_name}", on_click="ignore")  # fmt: skip
    return event
