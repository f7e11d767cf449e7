"""Training on batches of varying length: without a graph, and with one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import PAIRS, Processes, median_factor, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

MODES = {"tensorflow": ("eager", "graph", "graph, any length"), "pytorch": ("eager", "compile, any length", "compile")}
MODE_LABELS = {
    "eager": "eager",
    "graph": "tf.function",
    "graph, any length": "tf.function, length left open",
    "compile": "torch.compile",
    "compile, any length": "torch.compile, dynamic=True",
}
#: Compiling it twice takes so long that it is tried in one process only, and gets no interval.
ONCE = ("compile",)
SETTINGS = {"seed": 1, "batches": 40, "shortest": 8, "longest": 64, "batch_size": 16}

Rows = list[dict[str, Any]]


def dynamic(context: Context) -> ClaimResult:
    """Claim `dynamic`."""
    processes = Processes(context, limit_s=400)
    measured: dict[str, list[Rows]] = {framework: [] for framework in FRAMEWORKS}
    for i in range(PAIRS):
        for framework in FRAMEWORKS:
            context.say(f"process {i + 1} of {PAIRS}, {FRAMEWORK_LABELS[framework]}")
            modes = [mode for mode in MODES[framework] if i == 0 or mode not in ONCE]
            # Each way of running takes its turn at being the first.
            turned = modes[i % len(modes) :] + modes[: i % len(modes)]
            measured[framework].append(processes.run("varying_lengths", framework, {**SETTINGS, "modes": turned})["rows"])
    return judge_dynamic(measured, where=on(context))


def judge_dynamic(measured: dict[str, list[Rows]], *, where: str) -> ClaimResult:
    """Holds where eager execution is through all batches sooner than every kind of graph, and not where one kind of graph is sooner.

    `measured`: per framework the rows of each process, six at least. Ratios are time of the graph over time of eager execution, with
    whatever had to be traced or compiled on the way.
    """
    rows: list[dict[str, Any]] = []
    for framework, runs in measured.items():
        by_mode = [{row["mode"]: row for row in one} for one in runs]
        rows += [_row(framework, mode, by_mode) for mode in by_mode[0]]
    graphs = [row for row in rows if row["ratio"] is not None and row["mode"] != MODE_LABELS["eager"]]
    quicker = [row for row in graphs if row["high"] is not None and row["high"] < 1]
    slower = [row for row in graphs if row["low"] is not None and row["low"] > 1]
    told = "; ".join(_words(row) for row in rows if row["mode"] != MODE_LABELS["eager"])
    judged = [row for row in graphs if row["low"] is not None]
    verdict = DOES_NOT_HOLD if quicker else HOLDS if judged and len(slower) == len(judged) else CANNOT_TELL
    lead = f"Time for {SETTINGS['batches']} batches of {SETTINGS['shortest']} to {SETTINGS['longest']} tokens over eager execution {where}"
    return ClaimResult(id="dynamic", verdict=verdict, reason=f"{lead}: {told}.", rows=tuple(rows))


def _row(framework: str, mode: str, by_mode: Sequence[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    runs = [run for run in by_mode if mode in run]
    failed = next((run[mode]["failed"] for run in runs if "failed" in run[mode]), "")
    row: dict[str, Any] = {"framework": FRAMEWORK_LABELS[framework], "mode": MODE_LABELS[mode], "processes": len(runs)}
    empty = dict.fromkeys(("first_pass_s", "second_pass_step_ms", "graphs", "ratio", "low", "high", "second_pass_ratio"))
    if failed:
        return {**row, **empty, "failed": failed}
    logs = [math.log(run[mode]["total_s"] / run["eager"]["total_s"]) for run in runs]
    again = [math.log(run[mode]["again_s"] / run["eager"]["again_s"]) for run in runs]
    factor = median_factor(logs) if len(runs) >= PAIRS and mode != "eager" else None
    return {
        **row,
        "first_pass_s": statistics.median(run[mode]["total_s"] for run in runs),
        "second_pass_step_ms": 1e3 * statistics.median(run[mode]["again_s"] for run in runs) / SETTINGS["batches"],
        "graphs": statistics.median(run[mode]["graphs"] for run in runs),
        "ratio": math.exp(statistics.median(logs)), "low": factor.low if factor else None, "high": factor.high if factor else None,
        "second_pass_ratio": math.exp(statistics.median(again)), "failed": "",
    }  # fmt: skip


def _words(row: dict[str, Any]) -> str:
    who = f"{row['framework']} {row['mode']}"
    if row["failed"]:
        return f"{who}: {row['failed']}"
    interval = "one process" if row["low"] is None else f"[{row['low']:.2f}, {row['high']:.2f}]"
    count = f"{row['graphs']:.0f} {'graph' if row['graphs'] == 1 else 'graphs'}"
    return f"{who} {row['ratio']:.2f} ({interval}; {count}; {row['second_pass_ratio']:.2f} the second time)"
