"""Scalars written by both frameworks and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.claims.experiments.tracking import VALUES, Written, judge_tracking, tracking
from tests.claims.here import context

READ: dict[str, list[float]] = {"steps": [float(step) for step in range(len(VALUES))], "values": VALUES}


def found(tensorflow: Written, pytorch: Written, failed: str = "") -> dict[str, Written]:
    return {"tensorflow": tensorflow, "pytorch": pytorch, "pytorch_beside": Written(writer="beside", failed=failed)}


def kept() -> Written:
    return Written(writer="MLflow", read=READ)


def written(statements: int, read: dict[str, list[float]] = READ) -> Written:
    return Written(writer="w", statements=statements, read=read)


@pytest.mark.parametrize(
    ("tensorflow", "pytorch", "verdict"),
    [
        (written(5), written(5), "does_not_hold"),
        (written(0), written(5), "holds"),
        (written(2), written(9), "cannot_tell"),
        (written(5), written(5, {**READ, "values": [*VALUES[:-1], 7.0]}), "cannot_tell"),
        (written(5), Written(writer="w", failed="It was killed."), "cannot_tell"),
    ],
)
def test_an_advantage_is_fewer_statements_for_the_same_values(tensorflow: Written, pytorch: Written, verdict: str):
    assert judge_tracking(found(tensorflow, pytorch), [kept(), kept()]).verdict == verdict


def test_the_crash_and_the_missing_mlflow_are_told():
    result = judge_tracking(found(written(5), written(5), failed="The run was killed by SIGSEGV."), [Written(writer="w", missing=("mlflow",))] * 2)
    assert "beside it, because TensorBoard imports it: The run was killed by SIGSEGV." in result.reason
    assert "MLflow was not tried, because it is not installed here (mlflow; " in result.reason
    assert len(result.rows) == 3


def test_where_mlflow_loses_the_values_of_one_framework_the_claim_does_not_hold():
    lost = Written(writer="MLflow beside PyTorch", read={name: numbers[:-1] for name, numbers in READ.items()})
    result = judge_tracking(found(written(0), written(5)), [kept(), Written(writer="MLflow beside PyTorch", failed="It was killed.")])
    assert result.verdict == "does_not_hold"
    assert "MLflow does not keep them: MLflow beside PyTorch: It was killed." in result.reason
    assert not lost.good


@pytest.mark.slow
def test_real_values_come_back_from_both_writers(tmp_path: Path):
    result = tracking(context(tmp_path))
    assert [row["values_read_back"] for row in result.rows[:2]] == [len(VALUES)] * 2
    assert all(row["all_right"] for row in result.rows[:2])
    assert result.verdict == "does_not_hold"
    assert "MLflow gives all 20 values back beside TensorFlow and PyTorch" in result.reason
