"""Sharing: what a comparison gives to those who were not there, and what its charts give as pictures."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.store.comparisons import ComparisonStore
from tests.pages import samples
from tests.pages.apps import SECONDS, downloads, open_page


def test_a_finished_comparison_is_shared_as_report_bundle_and_summary(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    app = open_page("compare", comparison=spec.id, view="Share")
    assert downloads(app) == ["HTML report", "Bundle"]
    summary, commands = (element.value for element in app.code)
    assert summary.startswith("### TensorFlow graph \\(tf.function\\) is faster than PyTorch eager")
    assert "| step | 20 ms | 30 ms | 1.50 |" in summary
    assert f"python -m core report {spec.id} --html report.html" in commands


def test_what_is_not_comparable_is_shared_with_its_reasons(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail_parity(store, spec)
    app = open_page("compare", comparison=spec.id, view="Share")
    assert "first that fails: gradients" in app.code[0].value
    assert downloads(app) == ["HTML report", "Bundle"]


def test_without_a_result_there_is_nothing_to_share(store: ComparisonStore):
    spec = samples.new(store)
    samples.interrupt(store, spec)
    app = open_page("compare", comparison=spec.id, view="Share")
    assert downloads(app) == []


def script() -> None:
    import altair as alt
    import polars as pl

    from pages._parts.charts import chart_with_table, downloads

    frame = pl.DataFrame({"kernel": ["a", "b"], "ms": [1, 2]})
    chart_with_table(alt.Chart(frame).mark_bar().encode(x="ms:Q", y="kernel:N"), frame, alt="Two kernels.", download_name="chart")
    downloads(frame, "table")


def test_a_chart_is_a_picture_too_and_a_table_alone_is_none():
    at = AppTest.from_function(script, default_timeout=SECONDS).run()
    assert not at.exception
    assert downloads(at) == ["CSV", "Parquet", "PNG", "SVG", "CSV", "Parquet"]
