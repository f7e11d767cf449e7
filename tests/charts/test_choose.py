"""The choice as bars of points and as a row of scores."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from core.analysis.choose import cell, choice_table
from core.charts.choose import contributions, tipping
from core.claims.criteria import CRITERIA
from core.model.criterion import Criterion


def table(**judgements: str) -> pl.DataFrame:
    cells = [cell(Criterion(id=id, title=id, question="", judgement=judgement), []) for id, judgement in judgements.items()]
    return choice_table(cells, dict.fromkeys(judgements, 1.0))


TABLE = table(deployment="tensorflow", research="pytorch", mobile="equal", tutorials="not_comparable")


def drawn(made: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    layer = next(layer for layer in made["layer"] if layer["mark"]["type"] == mark)
    rows: list[dict[str, Any]] = made["datasets"][layer["data"]["name"]]
    return rows


def test_each_framework_has_a_piece_of_each_criterion_that_counts():
    made = contributions(TABLE).to_dict()
    pieces = drawn(made, "bar")
    points = {(row["framework"], row["criterion"]): row["points"] for row in pieces}
    assert points["TensorFlow", "deployment"] == pytest.approx(25)
    assert points["PyTorch", "deployment"] == pytest.approx(100 / 12)
    assert {row["criterion"] for row in pieces} == {"deployment", "research", "mobile"}
    assert sum(points.values()) == pytest.approx(100)
    assert made["layer"][0]["encoding"]["x"]["title"] == "points of 100"


def test_the_totals_stand_beside_the_bars():
    assert {row["framework"]: row["points"] for row in drawn(contributions(TABLE).to_dict(), "text")} == {
        "TensorFlow": pytest.approx(50), "PyTorch": pytest.approx(50)
    }  # fmt: skip


def test_every_criterion_has_a_colour_of_its_own():
    made = contributions(table(**{criterion.id: "equal" for criterion in CRITERIA})).to_dict()
    colours = made["layer"][0]["encoding"]["color"]["scale"]["range"]
    assert len(set(colours)) == len(CRITERIA)


def test_each_score_has_its_range_and_its_direction_a_shape():
    made = tipping(TABLE).to_dict()
    points = {row["criterion"]: (row["tips"], row["low"], row["high"]) for row in drawn(made, "point")}
    assert points == {"deployment": ("TensorFlow", 0, 1), "research": ("PyTorch", -1, 0), "mobile": ("neither", 0, 0)}
    layer = next(layer for layer in made["layer"] if layer["mark"]["type"] == "point")
    assert layer["encoding"]["shape"]["scale"]["range"] == ["circle", "diamond", "square"]
    assert layer["encoding"]["x"]["scale"]["domain"] == [-1, 1]
