"""The article's two networks as they are printed."""

from __future__ import annotations

from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import Processes
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult


def code_shape(context: Context) -> ClaimResult:
    """Claim `code-shape`."""
    processes = Processes(context, limit_s=180)
    return judge_code_shape(processes.run("article_network", "tensorflow", {}), processes.run("article_network", "pytorch", {}))


def judge_code_shape(tensorflow: dict[str, Any], pytorch: dict[str, Any]) -> ClaimResult:
    """The same architecture takes the same images and has as many parameters; arguments as the experiment returns them."""
    printed, mended = pytorch["article"], pytorch["mended"]
    rows = (
        {"network": "TensorFlow as printed", **tensorflow["article"]},
        {"network": "PyTorch as printed", **printed},
        {"network": "PyTorch mended, Linear(1600, 128)", **mended},
    )
    counts = f"{tensorflow['article']['parameters']:,} parameters in TensorFlow, {printed['parameters']:,} in PyTorch as printed"
    if printed["error"]:
        reason = f"The PyTorch network as printed stops at its first batch: {printed['error']}. {counts}; mended it has {mended['parameters']:,}."
        return ClaimResult(id="code-shape", verdict=DOES_NOT_HOLD, reason=reason, rows=rows)
    same = printed["parameters"] == tensorflow["article"]["parameters"] and printed["output_shape"] == tensorflow["article"]["output_shape"]
    return ClaimResult(id="code-shape", verdict=HOLDS if same else CANNOT_TELL, reason=f"Both networks run as printed: {counts}.", rows=rows)
