"""The one-line switches for mixed precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.mixed_api import judge_amp_api
from core.claims.experiments.processes import Processes
from tests.claims.here import context


def switch(output: str = "float32", warning: str = "", failed: str = "") -> dict[str, Any]:
    counts = dict.fromkeys(("losses_not_finite", "steps_with_gradients_not_finite", "skipped_steps"), 0)
    seen = {"output_type": output, "weight_type": "float32", "types": {}, **counts}
    return {"switch_warnings": [warning] if warning else [], "fp16": {"failed": failed} if failed else seen, "bf16": seen}


@pytest.mark.parametrize(
    ("tensorflow", "pytorch", "verdict"),
    [
        (switch(), switch(), "holds"),
        (switch(), switch(warning="FutureWarning: it is deprecated."), "does_not_hold"),
        (switch(output="float16"), switch(), "does_not_hold"),
        (switch(), switch(failed="not implemented for 'Half'"), "cannot_tell"),
    ],
)
def test_a_switch_holds_if_it_is_not_deprecated_and_leaves_softmax_in_float32(tensorflow: dict[str, Any], pytorch: dict[str, Any], verdict: str):
    assert judge_amp_api({"tensorflow": tensorflow, "pytorch": pytorch}, where="here").verdict == verdict


def test_what_failed_is_told():
    result = judge_amp_api({"tensorflow": switch(), "pytorch": switch(failed="not implemented for 'Half'")}, where="here")
    assert "Not measured: PyTorch fp16: not implemented for 'Half'." in result.reason


@pytest.mark.slow
def test_real_types_of_each_layer(tmp_path: Path):
    processes = Processes(context(tmp_path), limit_s=180)
    measured = {one: processes.run("mixed_types", one, {"seed": 1, "steps": 2, "batch_size": 8}) for one in ("tensorflow", "pytorch")}
    assert measured["tensorflow"]["bf16"]["types"]["conv1"] == "bfloat16"
    assert measured["tensorflow"]["bf16"]["output_type_if_told"] == "float32"
    assert measured["pytorch"]["bf16"]["types"]["fc1"] == "bfloat16"
    assert judge_amp_api(measured, where="here").verdict == "does_not_hold"
