"""A chart as it goes into a document: with its heading, the sentence that says what it shows, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import polars as pl

from core.model.errors import ShowdownError


class ReportError(ShowdownError):
    """Something of which no report can be made, or a place where it cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart and its twin, the table with the same numbers."""

    name: str
    """Of its file, without an extension: small letters, digits and hyphens; the only one of its report."""
    title: str
    says: str
    """What the chart shows, in one sentence: for whoever does not see it."""
    chart: alt.LayerChart
    table: pl.DataFrame
    """Units are in the names of the columns: `step_ms`, or in brackets."""
    note: str = ""
    """How it is to be read, where that is not plain."""
