"""After how many steps does compiling a training step pay?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.bench.statistics import median_interval
from core.claims.experiment import Context
from core.claims.experiments.processes import PAIRS, Processes, median_factor, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, Factor
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

MODES = {"tensorflow": ("eager", "graph", "xla"), "pytorch": ("eager", "compile")}
MODE_LABELS = {"graph": "tf.function", "xla": "XLA", "compile": "torch.compile"}
WORKLOADS = ({"name": "mnist_cnn", "sizes": {}, "batch_size": 32}, {"name": "mlp", "sizes": {}, "batch_size": 32})
_BUDGET_S = 0.5

Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What one way of compiling one workload costs and saves."""

    framework: str
    workload: str
    mode: str
    step_ratio: Factor
    """Time of an eager step over that of a compiled one."""
    compile_s: float
    break_even: float
    """Steps until compiling has paid; infinite where it never does."""
    break_even_interval: tuple[float, float]

    @property
    def words(self) -> str:
        where = f"{FRAMEWORK_LABELS[self.framework]} {MODE_LABELS[self.mode]}, {self.workload}"
        if not math.isfinite(self.break_even):
            return f"{where}: never (step {self.step_ratio.words} times as fast)"
        low, high = self.break_even_interval
        return f"{where}: {self.break_even:,.0f} steps [{low:,.0f}, {f'{high:,.0f}' if math.isfinite(high) else 'never'}]"


def static(context: Context) -> ClaimResult:
    """Claim `static`."""
    processes = Processes(context, limit_s=400)
    measured: dict[str, list[Rows]] = {framework: [] for framework in FRAMEWORKS}
    for i in range(PAIRS):
        for framework in FRAMEWORKS:
            context.say(f"process {i + 1} of {PAIRS}, {FRAMEWORK_LABELS[framework]}")
            # What comes first finds a cold processor: each way of running takes its turn.
            modes = MODES[framework][i % len(MODES[framework]) :] + MODES[framework][: i % len(MODES[framework])]
            settings = {"workloads": WORKLOADS, "modes": modes, "budget_s": _BUDGET_S}
            measured[framework].append(processes.run("compiling", framework, settings)["rows"])
    return judge_static(measured, where=on(context))


def judge_static(measured: dict[str, list[Rows]], *, where: str) -> ClaimResult:
    """Holds where every way of compiling makes every step faster, and not where one makes none faster.

    `measured`: per framework the rows of each process, six at least. Compile time is that of the first step less that of a steady one;
    break-even steps N* = compile time / (eager step - compiled step), per process, then the median of processes.
    """
    savings: list[Saving] = []
    failed: list[dict[str, str]] = []
    for framework, runs in measured.items():
        times = [{(row["workload"], row["mode"]): row for row in rows} for rows in runs]
        for workload, mode in times[0]:
            if mode == "eager":
                continue
            broken = next((run[workload, mode]["failed"] for run in times if "failed" in run[workload, mode]), None)
            if broken is not None:
                failed.append({"framework": framework, "workload": workload, "mode": mode, "failed": broken})
                continue
            savings.append(_saving(framework, workload, mode, times))
    rows = tuple([_row(one) for one in savings] + [_failed_row(one) for one in failed])
    missing = "".join(f" {FRAMEWORK_LABELS[one['framework']]} {MODE_LABELS[one['mode']]}, {one['workload']}: {one['failed']}" for one in failed)
    if not savings:
        return ClaimResult(id="static", verdict=CANNOT_TELL, reason=f"Nothing could be compiled here.{missing}", rows=rows)
    slower = [one for one in savings if one.step_ratio.high <= 1]
    unclear = [one for one in savings if one.step_ratio.low <= 1 < one.step_ratio.high]
    verdict = DOES_NOT_HOLD if slower else CANNOT_TELL if unclear or failed else HOLDS
    counted = f"{len(savings) - len(slower) - len(unclear)} of {len(savings)} compiled steps are faster than eager ones {where}"
    reason = f"{counted}, {len(slower)} slower. Compiling has paid after: {'; '.join(one.words for one in savings)}.{missing}"
    return ClaimResult(id="static", verdict=verdict, reason=reason, rows=rows)


def _saving(framework: str, workload: str, mode: str, times: Sequence[dict[tuple[str, str], dict[str, Any]]]) -> Saving:
    compile_s = [max(0.0, run[workload, mode]["first_step_s"] - run[workload, mode]["step_s"]) for run in times]
    gains = [run[workload, "eager"]["step_s"] - run[workload, mode]["step_s"] for run in times]
    steps = [cost / gain if gain > 0 else math.inf for cost, gain in zip(compile_s, gains, strict=True)]
    return Saving(
        framework=framework, workload=workload, mode=mode, compile_s=statistics.median(compile_s), break_even=statistics.median(steps),
        break_even_interval=median_interval(np.array(steps), 0.95, np.random.default_rng(1)),
        step_ratio=median_factor([math.log(run[workload, "eager"]["step_s"] / run[workload, mode]["step_s"]) for run in times]),
    )  # fmt: skip


def _row(one: Saving) -> dict[str, Any]:
    low, high = one.break_even_interval
    return {
        "framework": FRAMEWORK_LABELS[one.framework], "workload": one.workload, "compiled_by": MODE_LABELS[one.mode],
        "compile_s": one.compile_s, "eager_over_compiled_step": one.step_ratio.value, "low": one.step_ratio.low, "high": one.step_ratio.high,
        "break_even_steps": _finite(one.break_even), "break_even_low": _finite(low), "break_even_high": _finite(high), "failed": "",
    }  # fmt: skip


def _failed_row(one: dict[str, str]) -> dict[str, Any]:
    return {
        "framework": FRAMEWORK_LABELS[one["framework"]], "workload": one["workload"], "compiled_by": MODE_LABELS[one["mode"]],
        "compile_s": None, "eager_over_compiled_step": None, "low": None, "high": None,
        "break_even_steps": None, "break_even_low": None, "break_even_high": None, "failed": one["failed"],
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
