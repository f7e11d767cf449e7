"""Running framework experiments in processes of their own, one after the other, and turning pairs of them into a factor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from core.bench.experiment import run_experiment
from core.bench.plan import pair_orders
from core.bench.statistics import median_interval
from core.claims.experiment import Context
from core.claims.judging import Factor
from core.machine.queue import Cancelled

#: Fewer pairs have no 95 % interval.
PAIRS = 6
#: Where the pairs begin, and what the bootstrap draws: the same in every run of a claim.
_SEED = 1

Measured = TypeVar("Measured")


class Processes:
    """Starts the experiments of one claim, each in a numbered folder of its own under the context's."""

    def __init__(self, context: Context, *, limit_s: float) -> None:
        """`limit_s`: for each process."""
        self._context = context
        self._limit_s = limit_s
        self._count = 0

    def run(self, name: str, framework: str, settings: dict[str, Any], *, threads: int | None = None) -> dict[str, Any]:
        """As `run_experiment`, on the context's device and, unless said otherwise, threads. Raises ExperimentFailed and Cancelled."""
        context = self._context
        if context.cancelled():
            raise Cancelled
        self._count += 1
        return run_experiment(
            name, framework, settings, folder=context.folder / f"{self._count:02d}-{name}-{framework}", threads=threads or context.threads,
            device=context.device, limit_s=self._limit_s, say=context.say, cancelled=context.cancelled,
        )  # fmt: skip


def alternate(
    context: Context, a: Callable[[int], Measured], b: Callable[[int], Measured], *, pairs: int = PAIRS
) -> list[tuple[Measured, Measured]]:
    """Measure both sides in neighbouring processes, `pairs` times, in ABBA order; each is called with the pair's number."""
    measured = []
    for pair, order in enumerate(pair_orders(pairs, np.random.default_rng(_SEED))):
        context.say(f"pair {pair + 1} of {pairs}")
        if order == "ab":
            first = a(pair)
            measured.append((first, b(pair)))
        else:
            second = b(pair)
            measured.append((a(pair), second))
    return measured


def median_factor(log_ratios: Sequence[float], confidence: float = 0.95) -> Factor:
    """exp of the median log ratio, one per pair, with its interval as of `core.bench.statistics.median_interval`; six pairs at least."""
    values = np.asarray(log_ratios, dtype=np.float64)
    low, high = median_interval(values, confidence, np.random.default_rng(_SEED))
    return Factor(value=math.exp(float(np.median(values))), low=math.exp(low), high=math.exp(high))


def on(context: Context) -> str:
    """Where it was measured, for the end of a sentence."""
    threads = f"{context.threads} {'thread' if context.threads == 1 else 'threads'}"
    return "on the GPU" if context.device == "gpu" else f"on this CPU with {threads}"
