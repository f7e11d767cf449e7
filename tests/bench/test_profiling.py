"""Which memory a profiled run has: as the timed ones, where the profiler would change it."""

from __future__ import annotations

from typing import Any

from core.bench.plan import RunLength
from core.bench.referee import Referee
from core.model.run import RunResult
from core.store.comparisons import ComparisonStore
from tests.pages import samples


class Recorded:
    """In the place of real processes: what was asked, and ten steps of 20 ms with the profiler and of 18 ms without."""

    def __init__(self) -> None:
        self.malloc: dict[str, str | None] = {}

    def run(self, role: str, side: str, **asked: Any) -> tuple[RunResult, list[dict[str, Any]]]:
        assert role == "profile"
        self.malloc[side] = asked["malloc"]
        events = [
            {"event": "block", "phase": phase, "step": 1, "steps": 1, "wall_ns": wall_ms * 10**6, "cpu_ns": 0, "train_ns": 0, "page_faults": 7}
            for phase, wall_ms in (("unprofiled", 18), ("profiled", 20))
        ]
        return timed(side, 0.0), events


def timed(side: str, page_faults: float) -> RunResult:
    return RunResult(index=0, role="pair", side=side, pair=0, seed=1, ok=True, step_ms=20.0, page_faults_per_step=page_faults)


def test_a_profile_keeps_its_memory_unless_the_timed_runs_asked_for_theirs_at_each_step(store: ComparisonStore):
    spec = samples.new(store)
    referee, processes = Referee(store, spec, lambda event: None, lambda: False), Recorded()
    referee._runs = processes  # type: ignore[assignment]
    referee._found.runs += [timed("a", 3.0), timed("b", 5_200.0)]
    referee._profile(RunLength(steps=10, warmup_steps=2, block_steps=1, evaluate_every_steps=10))
    assert processes.malloc == {"a": "keep", "b": None}
    side = referee._found.sides()["a"]
    assert (side.profiled_step_ms, side.profiled_page_faults_per_step) == (20.0, 7.0)
