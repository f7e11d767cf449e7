"""After how many steps compiling pays."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.compiling import judge_static
from core.claims.experiments.processes import Processes
from tests.claims.here import context

NOISE = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)


def runs(compiled_s: float, first_s: float = 2.0) -> dict[str, list[list[dict[str, Any]]]]:
    """Six processes with an eager step of 20 ms and a compiled one of `compiled_s`."""

    def rows(noise: float) -> list[dict[str, Any]]:
        return [
            {"workload": "mlp", "mode": "eager", "first_step_s": 0.1, "step_s": 0.02},
            {"workload": "mlp", "mode": "graph", "first_step_s": first_s, "step_s": compiled_s * noise},
        ]

    return {"tensorflow": [rows(noise) for noise in NOISE]}


def test_break_even_is_compile_time_over_what_a_step_saves():
    result = judge_static(runs(0.01), where="here")
    assert result.verdict == "holds"
    assert result.rows[0]["break_even_steps"] == pytest.approx((2.0 - 0.01) / (0.02 - 0.01))
    assert result.rows[0]["compile_s"] == pytest.approx(1.99)
    assert type(result.rows[0]["break_even_steps"]) is float  # not one of numpy, which no file could hold


def test_what_makes_no_step_faster_never_pays():
    result = judge_static(runs(0.03), where="here")
    assert result.verdict == "does_not_hold"
    assert result.rows[0]["break_even_steps"] is None
    assert "tf.function, mlp: never" in result.reason


def test_a_saving_within_the_noise_leaves_it_open():
    result = judge_static(runs(0.02), where="here")
    assert result.verdict == "cannot_tell"
    low, high = result.rows[0]["low"], result.rows[0]["high"]
    assert low < 1 < high
    assert result.rows[0]["break_even_high"] is None  # in some of the processes it never pays


def test_what_cannot_be_compiled_is_told_beside_what_can():
    measured = runs(0.01)
    measured["pytorch"] = [
        [
            {"workload": "mlp", "mode": "eager", "first_step_s": 0.1, "step_s": 0.02},
            {"workload": "mlp", "mode": "compile", "failed": "torch.compile needs a C++ compiler."},
        ]
        for _ in NOISE
    ]
    result = judge_static(measured, where="here")
    assert result.verdict == "cannot_tell"
    assert "PyTorch torch.compile, mlp: torch.compile needs a C++ compiler." in result.reason
    assert {tuple(row) for row in result.rows} == {tuple(result.rows[0])}  # the same columns


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "modes"), [("tensorflow", ["eager", "graph", "xla"]), ("pytorch", ["eager", "compile"])])
def test_real_steps_in_every_mode(framework: str, modes: list[str], tmp_path: Path):
    if framework == "pytorch" and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler")
    settings = {"workloads": [{"name": "mlp", "sizes": {}, "batch_size": 8}], "modes": modes, "budget_s": 0.0}
    rows = Processes(context(tmp_path), limit_s=300).run("compiling", framework, settings)["rows"]
    assert [row["mode"] for row in rows] == modes
    assert all(0 < row["step_s"] < math.inf and row["first_step_s"] > 0 for row in rows)


@pytest.mark.slow
def test_without_a_compiler_the_row_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    settings = {"workloads": [{"name": "mlp", "sizes": {}, "batch_size": 8}], "modes": ["compile"], "budget_s": 0.0}
    (row,) = Processes(context(tmp_path), limit_s=300).run("compiling", "pytorch", settings)["rows"]
    assert "C++ compiler" in row["failed"]
