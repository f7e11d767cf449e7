"""A chart's table twin and its downloads."""

from __future__ import annotations

import io

import polars as pl
from polars.testing import assert_frame_equal
from streamlit.testing.v1 import AppTest

from pages._parts.charts import parquet
from tests.pages.apps import SECONDS, charts, downloads

FRAME = pl.DataFrame({"kernel": pl.Series(["a", "b"], dtype=pl.Categorical), "duration_ns": [3, None], "share": [0.5, 0.25]})


def script() -> None:
    import altair as alt
    import polars as pl

    from pages._parts.charts import chart_with_table

    frame = pl.DataFrame({"kernel": ["a", "b"], "ms": [1, 2]})
    chart_with_table(alt.Chart(frame).mark_bar().encode(x="ms", y="kernel"), frame, alt="Two kernels.", download_name="kernels")


def test_a_chart_comes_with_words_numbers_and_both_downloads():
    at = AppTest.from_function(script, default_timeout=SECONDS).run()
    assert not at.exception
    assert charts(at) == ["Two kernels."]
    assert at.dataframe[0].value["ms"].to_list() == [1, 2]
    assert downloads(at) == ["CSV", "Parquet", "PNG", "SVG"]


def test_parquet_keeps_types_and_nulls():
    assert_frame_equal(pl.read_parquet(io.BytesIO(parquet(FRAME))), FRAME)
