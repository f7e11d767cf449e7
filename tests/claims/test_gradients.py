"""What `fit` shows of gradients, and what it says by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.gradients import judge_fit_hides
from core.claims.experiments.processes import Processes
from core.claims.judging import Factor
from tests.claims.here import context

COST = Factor(value=1.1, low=1.0, high=1.2)
NAMED = ["Gradients do not exist for variables ['net/conv/kernel']"]


def side(norm: float = 1.0, said: list[str] | None = None) -> dict[str, Any]:
    norms = [{"conv/kernel": norm}]
    cut = {"said": said or [], "without_gradient": ["conv/kernel"]}
    return {"loop": norms, "fit": norms, "faults": {"cut": cut, "dead": {"said": [], "without_gradient": ["conv/kernel"]}}}


@pytest.mark.parametrize(
    ("tensorflow", "pytorch", "verdict"),
    [
        (side(said=NAMED), side(), "does_not_hold"),
        (side(), side(said=NAMED), "holds"),
        (side(), side(), "cannot_tell"),
        (side(said=NAMED), side(norm=1.1), "cannot_tell"),  # the norms that fit shows are not those of the loop
    ],
)
def test_fit_hides_only_what_a_loop_would_have_told(tensorflow: dict[str, Any], pytorch: dict[str, Any], verdict: str):
    assert judge_fit_hides(tensorflow, pytorch, COST, where="here").verdict == verdict


def test_the_cost_of_ones_own_step_and_the_silence_about_zeros_are_told():
    result = judge_fit_hides(side(said=NAMED), side(), COST, where="here")
    assert (result.estimate, result.interval) == (1.1, (1.0, 1.2))
    assert "fit and PyTorch's loop say nothing until norms are asked for" in result.reason


@pytest.mark.slow
def test_real_norms_agree_and_fit_names_what_was_cut(tmp_path: Path):
    processes = Processes(context(tmp_path), limit_s=180)
    settings = {"seed": 1, "steps": 2, "batch_size": 8}
    tensorflow, pytorch = (processes.run("gradient_norms", framework, settings) for framework in ("tensorflow", "pytorch"))
    result = judge_fit_hides(tensorflow, pytorch, COST, where="here")
    assert result.verdict == "does_not_hold"
    named = [row["tensor"] for row in result.rows if row["keras_fit_names_it_when_cut"]]
    assert named == ["conv1/kernel", "conv1/bias", "conv2/kernel", "conv2/bias"]
    assert not any(row["pytorch_names_it_when_cut"] for row in result.rows)
    assert tensorflow["faults"]["dead"]["without_gradient"] == pytorch["faults"]["dead"]["without_gradient"]
