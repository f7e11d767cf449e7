"""The charts of the claims page as Vega-Lite."""

from __future__ import annotations

from typing import Any

from core.analysis.claims import evidence_intervals, verdict_counts
from core.charts.claims import VERDICT_COLOURS, evidence_forest, verdict_bars
from core.model.claim import CLAIM_VERDICTS
from tests.charts.test_comparison_charts import encodings

ROWS = [{"what": name, "ratio": ratio, "low": ratio / 1.1, "high": ratio * 1.1} for name, ratio in (("small", 0.8), ("large", 1.6))]


def channels(spec: dict[str, Any], place: str) -> list[dict[str, Any]]:
    return [channel for name, channel in encodings(spec) if name == place]


def test_verdicts_have_their_own_colour_and_their_number_in_words():
    spec = verdict_bars(verdict_counts(["holds", "open", "open"])).to_dict()
    (colour,) = channels(spec, "color")
    assert colour["scale"] == {"domain": ["holds here", "not tested yet"], "range": [VERDICT_COLOURS["holds"], VERDICT_COLOURS["open"]]}
    assert channels(spec, "text")[0]["field"] == "claims"
    assert VERDICT_COLOURS.keys() == set(CLAIM_VERDICTS)
    assert len(set(VERDICT_COLOURS.values())) == len(VERDICT_COLOURS)


def test_factors_are_drawn_on_a_logarithmic_axis_around_one():
    spec = evidence_forest(evidence_intervals(ROWS), title="B ÷ A", factor=True).to_dict()
    for x in channels(spec, "x"):
        if "scale" in x:
            low, high = x["scale"]["domain"]
            assert x["scale"]["type"] == "log"
            assert low < 0.8 / 1.1 < 1 < 1.6 * 1.1 < high
    assert {x["title"] for x in channels(spec, "x")} == {"B ÷ A"}


def test_other_measures_keep_their_own_axis():
    rows = [{"what": "A", "mean_percent": 98.0, "low_percent": 97.9, "high_percent": 98.1}]
    spec = evidence_forest(evidence_intervals(rows), title="test accuracy (%)", factor=False).to_dict()
    assert {x["title"] for x in channels(spec, "x")} == {"test accuracy (%)"}
    assert all(x["scale"].get("type") != "log" for x in channels(spec, "x"))


def test_every_row_is_drawn_in_its_order():
    spec = evidence_forest(evidence_intervals(ROWS), title="B ÷ A", factor=True).to_dict()
    assert channels(spec, "y")[0]["sort"] == ["small", "large"]
    assert spec["height"] > 0
