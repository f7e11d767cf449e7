"""Does it matter with what a training is timed? One program under four stopwatches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import Processes, alternate, median_factor, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult

#: Enough for exact intervals of three differences at 98.3 % each, which is 95 % for all of them (Bonferroni).
PAIRS = 7
CONFIDENCE = 1 - 0.05 / 3
STOPWATCHES = {
    "process_s": "`time`: whole process",
    "first_s": "around the first training",
    "repeated_s": "`%%timeit`: trainings after it, same weights",
    "steady_s": "steady steps, synchronised",
}
SETTINGS = {"steps": 20, "batch_size": 64, "repeats": 3, "blocks": 5, "seed": 1}


def stopwatches(context: Context) -> ClaimResult:
    """Claim `time-method`."""
    processes = Processes(context, limit_s=300)
    pairs = alternate(
        context,
        lambda pair: processes.run("stopwatches", "tensorflow", SETTINGS),
        lambda pair: processes.run("stopwatches", "pytorch", SETTINGS),
        pairs=PAIRS,
    )
    return judge_stopwatches(pairs, where=on(context))


def judge_stopwatches(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], *, where: str) -> ClaimResult:
    """Compares, pair by pair, the ratio under each stopwatch with the ratio of steady steps.

    `pairs`: of (TensorFlow, PyTorch), as the experiment returns them; seven at least.
    """
    logs = {name: [math.log(a[name] / b[name]) for a, b in pairs] for name in STOPWATCHES}
    rows, moved = [], []
    for name, label in STOPWATCHES.items():
        ratio = median_factor(logs[name])
        shift = median_factor([one - steady for one, steady in zip(logs[name], logs["steady_s"], strict=True)], CONFIDENCE)
        rows.append({
            "stopwatch": label,
            "tensorflow_s": statistics.median(a[name] for a, _ in pairs), "pytorch_s": statistics.median(b[name] for _, b in pairs),
            "ratio": ratio.value, "low": ratio.low, "high": ratio.high,
            "against_steady": shift.value, "against_steady_low": shift.low, "against_steady_high": shift.high,
        })  # fmt: skip
        if name != "steady_s" and shift.beyond_noise:
            moved.append(f"{label} {ratio.words}")
    process, steady = median_factor(logs["process_s"]), median_factor(logs["steady_s"])
    fall = [statistics.median(pair[side]["losses"][-1] / pair[side]["losses"][0] for pair in pairs) for side in (0, 1)]
    weights = f"Each repetition trains on: the last loss is {fall[0]:.2f} (TensorFlow) and {fall[1]:.2f} (PyTorch) times the first."
    at = f"Time of TensorFlow over time of PyTorch {where}: steady steps {steady.words}"
    small = all(0.95 < row[edge] < 1.05 for row in rows for edge in ("against_steady_low", "against_steady_high"))
    if moved:
        verdict, reason = DOES_NOT_HOLD, f"{at}, but {', '.join(moved)}: the answer depends on the stopwatch. {weights}"
    elif small:
        verdict, reason = HOLDS, f"{at}, and no stopwatch moves it by 5 % or more. {weights}"
    else:
        verdict, reason = CANNOT_TELL, f"{at}, whole process {process.words}: too uncertain to tell whether the stopwatch matters. {weights}"
    return ClaimResult(id="time-method", verdict=verdict, reason=reason, rows=tuple(rows), estimate=process.value,
                       interval=(process.low, process.high), estimate_is="time of TensorFlow over time of PyTorch, whole process")  # fmt: skip
