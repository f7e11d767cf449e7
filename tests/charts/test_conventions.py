"""What all charts share, as it is drawn."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import polars as pl
import pytest
import vl_convert

from core.charts.conventions import legend, sized

NAMES = ["Production deployment", "Mobile and edge", "Research flexibility", "Ecosystem"]


def legend_rows(width: int, **asked: Any) -> int:
    """How many rows of names a legend has in a plot of about this width, by their places."""
    frame = pl.DataFrame({"x": [1, 2, 3, 4], "name": NAMES})
    chart = sized(alt.Chart(frame).mark_bar().encode(x="x:Q", color=alt.Color("name:N", legend=legend(**asked))), 100)
    svg = vl_convert.vegalite_to_svg(chart.properties(width=width).to_dict())
    entries = re.findall(r'translate\([\d.]+,([\d.]+)\)"><path class="background"[^>]*><g><g class="mark-symbol role-legend-symbol"', svg)
    assert len(entries) == len(NAMES)
    return len(set(entries))


@pytest.mark.parametrize(
    ("width", "asked", "rows"),
    [
        (900, {"columns": 4}, 1),
        (420, {"columns": 4}, 2),
        (250, {"columns": 4}, 4),
        (900, {"columns": 2}, 2),
        (420, {"columns": 2, "entry_px": 300}, 4),
        (900, {}, 4),
    ],
)
def test_a_legend_has_as_many_columns_as_there_is_room_for(width, asked, rows):
    assert legend_rows(width, **asked) == rows
