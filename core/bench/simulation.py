"""How often the verdict errs: simulated comparisons with the noise that this machine was measured to have."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from core.bench.statistics import judge

Ratios = NDArray[np.float64]


def simulate_verdicts(
    measured_self_log_ratios: Ratios, *, true_ratio: float, pairs: int, self_pairs: int, threshold: float, comparisons: int, seed: int
) -> Counter[str]:
    """Verdicts of simulated comparisons, counted.

    Each draws `pairs` log ratios and `self_pairs` of a variant against itself from the measured ones, shape (m,), with a
    random sign (a variant against itself has no direction) and a smooth jitter of their own spread (Silverman's rule), so
    that values never seen can occur. `true_ratio` is time of B over time of A. *faster* on the wrong side counts as `wrong`.
    """
    generator = np.random.default_rng(seed)
    centred = np.concatenate([measured_self_log_ratios, -measured_self_log_ratios])
    jitter = 1.06 * float(np.std(centred)) * len(measured_self_log_ratios) ** -0.2

    def draw(n: int) -> Ratios:
        return generator.choice(centred, n) + generator.normal(0.0, jitter, n)

    verdicts: Counter[str] = Counter()
    for _ in range(comparisons):
        result = judge(math.log(true_ratio) + draw(pairs), draw(self_pairs), threshold, generator)
        right = result.faster_side is None or result.faster_side == ("a" if true_ratio > 1 else "b")
        verdicts[result.verdict if right or result.verdict != "faster" or true_ratio == 1 else "wrong"] += 1
    return verdicts
