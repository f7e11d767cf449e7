"""Single operators in both frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.operators import TOLERANCE, judge_custom_ops
from core.claims.experiments.processes import Processes
from tests.claims.here import context

NOISE = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)


def pairs(*ratios: float, norm: float = 1.0) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Six pairs; one operator and shape for each ratio of TensorFlow's time to PyTorch's."""

    def rows(times: list[float], norm: float) -> list[dict[str, Any]]:
        return [{"operator": "matmul", "shape": f"{i}", "direction": "forward", "median_s": time, "norm": norm} for i, time in enumerate(times)]

    return [(rows([ratio * noise for ratio in ratios], norm), rows([1.0] * len(ratios), 1.0)) for noise in NOISE]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [((1.07, 1.07), "holds"), ((0.5, 0.6), "does_not_hold"), ((2.0, 1.5), "does_not_hold")],
)
def test_the_geometric_mean_against_five_to_ten_percent(ratios: tuple[float, ...], verdict: str):
    assert judge_custom_ops(pairs(*ratios), where="here", gpu=True).verdict == verdict


def test_mean_counts_and_what_a_cpu_does_not_tell():
    result = judge_custom_ops(pairs(4.0, 1.0), where="on this CPU", gpu=False)
    assert result.estimate == pytest.approx(2.0)  # of 4 and 1
    assert "PyTorch is faster in 1 of 2 cases, TensorFlow in 0" in result.reason
    assert (result.verdict, result.reason[:51]) == ("needs_gpu", "The claim is about CUDA kernels, and here is no GPU")


def test_different_results_are_not_compared():
    assert judge_custom_ops(pairs(1.07, norm=1.01), where="here", gpu=True).verdict == "cannot_tell"


@pytest.mark.slow
def test_both_frameworks_compute_the_same(tmp_path: Path):
    processes = Processes(context(tmp_path), limit_s=180)
    tensorflow, pytorch = (processes.run("operators", one, {"shapes": 1, "budget_s": 0.0})["rows"] for one in ("tensorflow", "pytorch"))
    assert [row["operator"] for row in tensorflow] == [row["operator"] for row in pytorch]
    assert len(tensorflow) == 8  # four operators, forward and with backward
    for a, b in zip(tensorflow, pytorch, strict=True):
        assert a["norm"] == pytest.approx(b["norm"], rel=TOLERANCE)
        assert min(a["median_s"], b["median_s"]) > 0
