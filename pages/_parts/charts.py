"""A chart with its words and its numbers: nobody has to see it, or trust it, to have what it says."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from core.report import images
from pages._parts.room import room_for

#: Of memory: a browser's engine draws it.
_PICTURE_BYTES = 90 * 2**20


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
    """The chart, and below it, folded away, the same numbers as a table with the downloads of both; returns the chart's selection.

    `alt` says in a sentence what the chart shows. `download_name` has no extension. `columns` is the table's column_config.
    """
    event = st.altair_chart(chart, width="stretch", alt=alt, key=key, on_select=on_select)
    with st.expander("The numbers behind it", expanded=not folded, icon=":material/table:", type="compact"):
        st.dataframe(frame, hide_index=True, column_config=columns)
        downloads(frame, download_name, chart)
    return event


def downloads(frame: pl.DataFrame, name: str, chart: Any = None) -> None:
    """A table as CSV and as Parquet and, where it has one, its chart as PNG and as SVG: each written when it is asked for.

    `name` has no extension and is the only one of the page. A picture has the colours of the theme in which the page is seen.
    """
    theme = "dark" if st.context.theme.type == "dark" else "light"
    kinds: list[tuple[str, Callable[[], Any], str, str]] = [
        ("CSV", frame.write_csv, "csv", "text/csv"),
        ("Parquet", lambda: parquet(frame), "parquet", "application/vnd.apache.parquet"),
    ]
    if chart is not None:
        kinds += [
            ("PNG", lambda: _drawn(images.png, chart, theme), "png", "image/png"),
            ("SVG", lambda: _drawn(images.svg, chart, theme), "svg", "image/svg+xml"),
        ]
    with st.container(horizontal=True):
        for label, write, extension, mime in kinds:
            st.download_button(label, write, file_name=f"{name}.{extension}", mime=mime, icon=":material/download:",
                               key=f"{extension}_{name}", on_click="ignore")  # fmt: skip


def _drawn(draw: Callable[..., Any], chart: Any, theme: str) -> Any:
    with room_for(_PICTURE_BYTES):
        return draw(chart, theme=theme)


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()
