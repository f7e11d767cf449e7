"""Charts whose marks can be clicked to filter what stands beside them, and which of them are picked from the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

#: Name of a selection that nothing can make.
UNTOUCHED = "untouched"
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


def with_picked(chart: alt.LayerChart, name: str, field: str, picked: Sequence[str]) -> alt.LayerChart:
    """The chart with these values of `field` picked in its point selection `name` as it is drawn first.

    Beside it stands the selection `UNTOUCHED`. A chart reports a selection only once it changes, and lists all of them as empty until
    then; so where `UNTOUCHED` is listed nobody has clicked yet, and where it is not, an empty `name` was emptied by hand.
    """
    whole: alt.LayerChart = chart.copy(deep=False)  # lifts the selections of the layers to the whole chart
    parameters: list[Any] = []
    for parameter in whole.params:
        if parameter.name == name:
            never = alt.PointSelectionConfig(type="point", fields=[field], on="never", clear=False, toggle=False)
            parameters.append(alt.TopLevelSelectionParameter(name=UNTOUCHED, select=never, views=list(parameter.views)))
            if picked:
                parameter = parameter.copy()
                parameter.value = [{field: value} for value in picked]
        parameters.append(parameter)
    whole.params = parameters
    return whole
