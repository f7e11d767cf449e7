"""Comparisons behind claims, made up: the numbers that a judge reads, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.bench.start import make_spec
from core.claims.experiments.comparing import Compared
from core.model.comparison import AccuracyComparison, ComparisonResult, SideSummary
from core.model.parity import ParityStage
from core.model.run import RunResult
from core.model.variant import Variant

TENSORFLOW = Variant(framework="tensorflow", execution="graph")
PYTORCH = Variant(framework="pytorch", execution="eager")
GIB = 2**30


def compared(
    what: str = "it",
    *,
    a: Variant = TENSORFLOW,
    b: Variant = PYTORCH,
    ratio: float | None = 1.0,
    spread: float = 0.02,
    noise: float = 0.01,
    verdict: str = "faster",
    state: str = "finished",
    sentence: str = "This is what was found.",
    identical: bool | None = True,
    parity: Sequence[ParityStage] = (),
    peaks: tuple[Sequence[int], Sequence[int]] = ((), ()),
    accuracies: tuple[Sequence[float], Sequence[float]] = ((), ()),
    equivalent: bool = True,
    **options: Any,
) -> Compared:
    """Time of B over time of A, with an interval of `spread` around it; peaks and accuracies of A and B, one per pair."""
    spec = make_spec("mnist_cnn", a, b, **options)
    runs: list[RunResult] = []
    for pair in range(max(len(peaks[0]), len(accuracies[0]))):
        for place, side in enumerate("ab"):
            peak = peaks[place][pair] if peaks[place] else None
            accuracy = accuracies[place][pair] if accuracies[place] else None
            runs.append(RunResult(index=len(runs), role="pair", side=side, pair=pair, seed=pair, ok=True, peak_memory_bytes=peak,
                                  test_accuracy=accuracy))  # fmt: skip
    both = AccuracyComparison(mean_difference=0.0, interval_90=(-0.001, 0.001), margin=0.003, equivalent=equivalent, seeds=6)
    result = ComparisonResult(
        id=spec.id, state=state, workload="mnist_cnn", verdict=verdict, sentence=sentence, identical=identical, ratio=ratio,
        interval_95=None if ratio is None else (ratio * (1 - spread), ratio * (1 + spread)), noise_floor=noise, parity=tuple(parity),
        runs=tuple(runs), sides={side: SideSummary(variant=spec.variant(side), step_ms=5.0, train_s=10.0) for side in "ab"},
        accuracy=both if accuracies[0] else None,
    )  # fmt: skip
    return Compared(what=what, spec=spec, result=result)


def failed(what: str = "it", **more: Any) -> Compared:
    """One whose side could not be run."""
    words = "Not comparable: PyTorch eager (side B) failed. No C++ compiler."
    return compared(what, ratio=None, verdict="not_comparable", state="failed", sentence=words, identical=None, **more)
