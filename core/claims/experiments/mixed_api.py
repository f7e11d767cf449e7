"""The one-line switches for mixed precision that the article names."""

from __future__ import annotations

from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import Processes, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS

_SETTINGS = {"seed": 1, "steps": 50, "batch_size": 32}
PRECISIONS = ("fp16", "bf16")


def amp_api(context: Context) -> ClaimResult:
    """Claim `amp-api`."""
    processes = Processes(context, limit_s=240)
    measured = {framework: processes.run("mixed_types", framework, _SETTINGS) for framework in ("tensorflow", "pytorch")}
    return judge_amp_api(measured, where=on(context))


def judge_amp_api(measured: dict[str, dict[str, Any]], *, where: str) -> ClaimResult:
    """The switches hold as given where neither is deprecated and both leave the last layer in float32."""
    rows, low = [], []
    for framework, one in measured.items():
        for precision in PRECISIONS:
            seen = one[precision]
            rows.append({
                "framework": FRAMEWORK_LABELS[framework], "precision": precision, "weights": seen.get("weight_type"),
                "types_by_layer": ", ".join(f"{layer} {kind}" for layer, kind in seen.get("types", {}).items()),
                "last_layer": seen.get("output_type"), "last_layer_if_told_float32": seen.get("output_type_if_told"),
                "losses_not_finite": seen.get("losses_not_finite"),
                "steps_with_gradients_not_finite": seen.get("steps_with_gradients_not_finite"), "skipped_steps": seen.get("skipped_steps"),
                "failed": seen.get("failed", ""),
            })  # fmt: skip
            if seen.get("output_type") not in (None, "float32"):
                low.append(f"{seen['output_type']} ({FRAMEWORK_LABELS[framework]})")
    deprecated = [words for one in measured.values() for words in one["switch_warnings"] if "deprecat" in words.lower()]
    failed = [f"{row['framework']} {row['precision']}: {row['failed']}" for row in rows if row["failed"]]
    finite = _overflows(rows)
    parts = [f"a switch is deprecated ({deprecated[0].rstrip('.')})" if deprecated else "neither switch is deprecated here"]
    parts.append(f"softmax comes out in {', '.join(low)} unless it is told to stay in float32" if low else "softmax stays in float32")
    reason = f"With the one-line switches {where}, {' and '.join(parts)}. {finite}{' Not measured: ' + '; '.join(failed) + '.' if failed else ''}"
    verdict = DOES_NOT_HOLD if deprecated or low else CANNOT_TELL if failed else HOLDS
    return ClaimResult(id="amp-api", verdict=verdict, reason=reason, rows=tuple(rows))


def _overflows(rows: list[dict[str, Any]]) -> str:
    words = []
    for row in rows:
        if not row["failed"]:
            scaled = f" ({row['skipped_steps']} updates left out by loss scaling)" if row["precision"] == "fp16" else ""
            counts = f"{row['losses_not_finite']} losses and the gradients of {row['steps_with_gradients_not_finite']} steps"
            words.append(f"{row['framework']} {row['precision']} {counts}{scaled}")
    return f"Not finite in {_SETTINGS['steps']} steps: {'; '.join(words)}."
