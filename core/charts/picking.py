"""Charts whose marks can be clicked to filter what stands beside them."""

from __future__ import annotations

from typing import Any

import altair as alt

#: How strong the marks that were not picked stay.
_FADED = 0.3


def pickable(chart: alt.LayerChart, name: str, field: str) -> alt.LayerChart:
    """The chart with a point selection `name` over `field` on its first layer, the marks; those not picked fade."""
    picked = alt.selection_point(name=name, fields=[field])
    marks: Any = chart.layer[0]
    marks = marks.encode(opacity=alt.condition(picked, alt.value(1.0), alt.value(_FADED))).add_params(picked)
    whole: alt.LayerChart = chart.copy(deep=False)
    whole.layer = [marks, *chart.layer[1:]]
    return whole
