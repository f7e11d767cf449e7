"""Did a run reach a steady state, and how much warm-up does one need?"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: How far the median may lie above the fastest level that was kept up.
LEVEL_TOLERANCE = 0.10
MIN_SEGMENT_BLOCKS = 5
MIN_WARMUP_STEPS = 10

Times = NDArray[np.float64]


def block_variation(step_ms: Times) -> float | None:
    """Coefficient of variation of the last ten blocks; None for fewer than five."""
    last = step_ms[-10:]
    return float(np.std(last) / np.mean(last)) if len(last) >= MIN_SEGMENT_BLOCKS else None


def is_settled(step_ms: Times) -> bool | None:
    """Does the median over all blocks stand for the fastest level that the run kept up?

    `step_ms`: time per step of each steady block in order, shape (blocks,). None where there are fewer than ten blocks.
    Changepoints cut the run into segments; the level is the smallest median of a segment with at least a quarter of the
    blocks. A run still warming up, or slowed for most of its time, has a median more than 10 % above it. Shorter
    disturbances do not move the median and are noise, which the noise floor measures.
    """
    if len(step_ms) < 2 * MIN_SEGMENT_BLOCKS:
        return None
    borders = [0, *changepoints(step_ms), len(step_ms)]
    segments = [step_ms[start:stop] for start, stop in pairwise(borders)]
    kept_up = [float(np.median(segment)) for segment in segments if len(segment) >= len(step_ms) / 4]
    return float(np.median(step_ms)) <= (1 + LEVEL_TOLERANCE) * min(kept_up, default=0.0)


def changepoints(values: Times) -> list[int]:
    """Where the level changes: binary segmentation on ranks.

    Ranks make single disturbed blocks harmless. A split is kept where the between-segment sum of squares of the ranks
    exceeds the 99 % point of its maximum over all splits under no change, about 2 ln(n) + 4 in units of the rank variance.
    """
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    variance = float(np.var(ranks))
    threshold = (2 * math.log(len(values)) + 4) * variance

    def split(start: int, stop: int) -> list[int]:
        part = ranks[start:stop]
        places = np.arange(MIN_SEGMENT_BLOCKS, len(part) - MIN_SEGMENT_BLOCKS + 1)
        if len(places) == 0 or variance == 0:
            return []
        sums = np.cumsum(part)
        left, right = sums[places - 1] / places, (sums[-1] - sums[places - 1]) / (len(part) - places)
        gains = places * (len(part) - places) / len(part) * (left - right) ** 2
        best = int(np.argmax(gains))
        if gains[best] < threshold:
            return []
        at = start + int(places[best])
        return [*split(start, at), at, *split(at, stop)]

    return split(0, len(values))


def warmup_steps(pilot_step_ms: Times) -> int:
    """Warm-up that a pilot suggests: 1.5 times the steps until a rolling median of five comes within 10 % of the second half's.

    `pilot_step_ms`: one time per step after the first step, shape (steps,).
    """
    level = float(np.median(pilot_step_ms[len(pilot_step_ms) // 2 :]))
    rolling = [float(np.median(pilot_step_ms[i : i + 5])) for i in range(max(1, len(pilot_step_ms) - 4))]
    reached = next((i for i, value in enumerate(rolling) if value <= 1.1 * level), len(pilot_step_ms))
    return max(MIN_WARMUP_STEPS, math.ceil(1.5 * reached))
