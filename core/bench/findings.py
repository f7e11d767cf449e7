"""What a comparison has found so far, and the result that can be made of it whenever and however it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.bench.environment import without_packages
from core.bench.statistics import Statistics, judge
from core.bench.verdict import (
    ProfiledSteps,
    compare_accuracy,
    machine_reasons,
    noise_reasons,
    page_fault_notes,
    parity_reasons,
    sentence,
    summarise_side,
    unequal_work,
)
from core.model.comparison import SIDES, ComparisonResult, ComparisonSpec, PairResult, SideSummary
from core.model.parity import ParityStage
from core.model.run import RunError, RunResult


@dataclass(kw_only=True)
class Findings:
    """Grows while the referee works."""

    spec: ComparisonSpec
    environment: dict[str, Any] = field(default_factory=dict)
    parity: tuple[ParityStage, ...] = ()
    runs: list[RunResult] = field(default_factory=list)
    pairs: list[tuple[RunResult, RunResult, str]] = field(default_factory=list)
    """Run of A, run of B, order."""
    self_log_ratios: list[float] = field(default_factory=list)
    profiled: dict[str, ProfiledSteps] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    statistics: Statistics | None = None
    """What the pairs say; None before there are as many as the preset asks for."""

    def add_self_pair(self, first: RunResult, second: RunResult, order: str) -> None:
        """A variant against itself, counted in the direction in which a pair of this order would be."""
        a, b = (first, second) if order == "ab" else (second, first)
        self.self_log_ratios.append(math.log(_ratio(self._ms(a), self._ms(b))))

    def _ms(self, run: RunResult) -> float | None:
        """The time that is compared."""
        return run.epoch_ms if self.spec.measure == "epoch" else run.step_ms

    def _cpu_ms(self, run: RunResult) -> float | None:
        return run.cpu_epoch_ms if self.spec.measure == "epoch" else run.cpu_step_ms

    def add_pair(self, a: RunResult, b: RunResult, order: str) -> float:
        """Two neighbouring runs; returns their ratio, time of B over time of A."""
        self.pairs.append((a, b, order))
        if len(self.pairs) >= self.spec.preset.pairs:
            ratios = np.log([_ratio(self._ms(one), self._ms(other)) for one, other, _ in self.pairs])
            self.statistics = judge(ratios, np.array(self.self_log_ratios), self.spec.threshold, np.random.default_rng(self.spec.seed))
        return _ratio(self._ms(a), self._ms(b))

    def is_wide(self) -> bool:
        """Is the interval still wider than the threshold?"""
        assert self.statistics is not None
        low, high = self.statistics.interval_95
        return high / low - 1 > self.spec.threshold

    def finished(self, duration_s: float) -> ComparisonResult:
        """The verdict; without pairs, why there are none."""
        spec, statistics = self.spec, self.statistics
        if statistics is None:
            return self._result("finished", f"Not comparable: {self.reasons[0]}", self.reasons, duration_s)
        measured = [run for run in self.runs if run.role in ("noise", "pair")]
        machine = self.environment["machine"]
        cores = min(machine["usable_cores"], machine["cpu_quota_cores"] or math.inf)
        against = [*machine_reasons(spec, measured, cores), *noise_reasons(statistics)]
        words = f"Not comparable: {against[0]}" if against else sentence(spec, statistics)
        different = parity_reasons(self.parity)
        if different and not against:
            words += " They are not the same model."
        notes = page_fault_notes(spec, self.sides())
        return replace(
            self._result("finished", words, [*against, *different, *unequal_work(spec), *self.reasons, *notes], duration_s),
            verdict="not_comparable" if against else statistics.verdict,
            faster_side=None if against else statistics.faster_side,
            ratio=statistics.ratio, interval_95=statistics.interval_95, interval_90=statistics.interval_90,
            noise_floor=statistics.noise_floor, delta=statistics.delta,
            pairs_needed=None if against else statistics.pairs_needed,
            accuracy=compare_accuracy([(a, b) for a, b, _ in self.pairs]) if spec.preset.epochs else None,
        )  # fmt: skip

    def stopped(self, state: str, words: str, reason: str, duration_s: float, error: RunError | None = None) -> ComparisonResult:
        """What is left when something ended the comparison: the verdict, where all pairs asked for were done by then."""
        if self.statistics is None:
            return self._result(state, words, [reason], duration_s, error)
        self.reasons.append(f"It ended early, after {len(self.pairs)} pairs: {reason}")
        return self.finished(duration_s)

    def _result(
        self, state: str, words: str, reasons: list[str], duration_s: float, error: RunError | None = None
    ) -> ComparisonResult:
        spec = self.spec
        pairs = tuple(
            PairResult(index=index, order=order, ratio=_ratio(self._ms(a), self._ms(b)),
                       cpu_ratio=_ratio(self._cpu_ms(a), self._cpu_ms(b)) if self._cpu_ms(a) and self._cpu_ms(b) else None)
            for index, (a, b, order) in enumerate(self.pairs)
        )  # fmt: skip
        cpu_ratios = [pair.cpu_ratio for pair in pairs if pair.cpu_ratio is not None]
        return ComparisonResult(
            id=spec.id, state=state, workload=spec.workload, verdict="not_comparable", sentence=words, threshold=spec.threshold,
            reasons=tuple(reasons), parity=self.parity, runs=tuple(self.runs), error=error, pairs=pairs,
            identical=all(stage.passed for stage in self.parity) if self.parity else None,
            cpu_ratio=float(np.median(cpu_ratios)) if cpu_ratios else None,
            noise_ratios=tuple(math.exp(value) for value in self.self_log_ratios),
            sides=self.sides(),
            environment=without_packages(self.environment), duration_s=duration_s,
        )  # fmt: skip

    def sides(self) -> dict[str, SideSummary]:
        """Both sides over the runs measured so far."""
        return {side: summarise_side(self.spec, side, self.runs, self.profiled.get(side)) for side in SIDES}


def _ratio(a: float | None, b: float | None) -> float:
    """`b / a` of two times that a run without error always has."""
    assert a
    assert b
    return b / a
