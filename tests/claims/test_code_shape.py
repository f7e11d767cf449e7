"""The article's networks as printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.code_shape import code_shape, judge_code_shape
from tests.claims.here import context


def network(parameters: int, error: str = "") -> dict[str, Any]:
    return {"parameters": parameters, "output_shape": None if error else [64, 10], "error": error}


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [(network(1_199_882, "shapes do not fit"), "does_not_hold"), (network(225_034), "holds"), (network(300_000), "cannot_tell")],
)
def test_the_same_architecture_runs_and_has_as_many_parameters(printed: dict[str, Any], verdict: str):
    assert judge_code_shape({"article": network(225_034)}, {"article": printed, "mended": network(225_034)}).verdict == verdict


@pytest.mark.slow
def test_the_printed_network_stops_at_its_first_batch(tmp_path: Path):
    result = code_shape(context(tmp_path))
    assert result.verdict == "does_not_hold"
    assert "64x1600 and 9216x128" in result.reason
    assert [row["parameters"] for row in result.rows] == [225_034, 1_199_882, 225_034]
