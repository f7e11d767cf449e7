"""The article's headline: three epochs of the MNIST network in both frameworks, their time and their accuracy."""

from __future__ import annotations

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, needed, planned, row, variant
from core.claims.judging import CANNOT_TELL, all_of, judge_about, judge_factor, mean_interval, time_factor
from core.model.claim import ClaimResult

#: 12.3 s over 10.6 s is 1.16; "15 %" may be meant either way.
CLAIMED_EDGE = (1.10, 1.20)
CLAIMED_ACCURACY = 98.2
#: Points of accuracy that count as the same.
MARGIN = 0.3


def mnist_time(context: Context) -> ClaimResult:
    """Is PyTorch faster by about 15 %, with equal work?"""
    return judge_time(_three_epochs(context))


def mnist_accuracy(context: Context) -> ClaimResult:
    """Do both reach about 98.2 %?"""
    return judge_accuracy(_three_epochs(context))


def _three_epochs(context: Context) -> Compared:
    spec = planned(context, "mnist_cnn", variant(context, "tensorflow"), variant(context, "pytorch"), preset="article")
    return needed(context, "three epochs, equal work", spec)


def judge_time(one: Compared) -> ClaimResult:
    """A: TensorFlow, B: PyTorch."""
    measured = time_factor(one.result)
    rows = (row(one, measured),)
    if measured is None:
        return ClaimResult(id="mnist-time", verdict=CANNOT_TELL, reason=one.result.sentence, rows=rows, comparisons=(one.result.id,))
    edge = measured.inverse()
    times = " against ".join(f"{train_s:.1f} s" for side in ("a", "b") if (train_s := one.result.sides[side].train_s) is not None)
    return ClaimResult(
        id="mnist-time",
        verdict=judge_factor(edge, CLAIMED_EDGE),
        reason=f"With equal work TensorFlow's step takes {edge.words} times as long as PyTorch's here (three epochs: {times}); "
               f"the article's times make it {12.3 / 10.6:.2f}.",
        comparisons=(one.result.id,), rows=rows, estimate=edge.value, interval=(edge.low, edge.high),
        estimate_is="time of TensorFlow over time of PyTorch",
    )  # fmt: skip


def judge_accuracy(one: Compared) -> ClaimResult:
    """Percent of test images, per side and between the sides; each pair has a seed of its own."""
    pairs: dict[int, dict[str, float]] = {}
    for run in one.result.runs:
        if run.role == "pair" and run.ok and run.pair is not None and run.test_accuracy is not None:
            pairs.setdefault(run.pair, {})[run.side] = run.test_accuracy * 100
    both = [pair for pair in pairs.values() if len(pair) == 2]
    equality = one.result.accuracy
    if len(both) < 3 or equality is None:
        reason = f"Only {len(both)} pairs reached the end of three epochs; at least three are needed."
        return ClaimResult(id="mnist-accuracy", verdict=CANNOT_TELL, reason=reason, comparisons=(one.result.id,))
    sides = {side: mean_interval([pair[side] for pair in both]) for side in ("a", "b")}
    verdicts = [judge_about(mean, CLAIMED_ACCURACY, MARGIN) for mean in sides.values()]
    together = mean_interval([(pair["a"] + pair["b"]) / 2 for pair in both])
    rows = tuple(
        {"what": one.spec.variant(side).label, "mean_percent": mean.value, "low_percent": mean.interval_95[0], "high_percent": mean.interval_95[1],
         "seeds": len(both), "comparison": one.result.id}
        for side, mean in sides.items()
    )  # fmt: skip
    words = " and ".join(
        f"{one.spec.variant(side).label} {mean.value:.2f} % [{mean.interval_95[0]:.2f}, {mean.interval_95[1]:.2f}]" for side, mean in sides.items()
    )
    same = "equivalent" if equality.equivalent else "not shown to be equivalent"
    return ClaimResult(
        id="mnist-accuracy",
        verdict=all_of(verdicts),
        reason=f"After three epochs of 60,000 samples, over {len(both)} seeds: {words}; claimed is about {CLAIMED_ACCURACY} %, held to within "
               f"{MARGIN} points. Between the frameworks: {same} within {MARGIN} points.",
        comparisons=(one.result.id,), rows=rows, estimate=together.value, interval=together.interval_95,
        estimate_is="test accuracy in percent, mean of both frameworks",
    )  # fmt: skip
