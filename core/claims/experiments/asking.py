"""Comparing the latency of two networks in pairs of fresh processes, next to each other in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.bench.exports import Exported, Exporter, Runtime, row
from core.bench.plan import pair_orders
from core.bench.statistics import median_interval, noise_floor
from core.claims.judging import Factor

#: The fewest that have a 95 % interval.
PAIRS = 6
#: What differs by less is the same for anybody who waits.
THRESHOLD = 0.05

Side = tuple[Exported, Runtime]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Two networks, asked in turn."""

    factor: Factor
    """Median latency of A over that of B, with the noise of this machine."""
    rows: tuple[dict[str, Any], dict[str, Any]]
    """As `core.bench.exports.row`, times as medians over the processes."""


def ask_in_pairs(exporter: Exporter, a: Side, b: Side, generator: np.random.Generator) -> Asked:
    """`PAIRS` pairs in the order ABBA; raises ExperimentFailed or Cancelled."""
    sides = {"a": a, "b": b}
    found: dict[str, list[dict[str, Any]]] = {"a": [], "b": []}
    in_order: list[tuple[str, float]] = []
    for order in pair_orders(PAIRS, generator):
        for side in order:
            found[side].append(exporter.ask(*sides[side]))
            in_order.append((side, found[side][-1]["latency_p50_ms"]))
    rows = median_row(*a, found["a"]), median_row(*b, found["b"])
    return Asked(factor=factor_of_pairs(in_order, generator), rows=rows)


def factor_of_pairs(in_order: Sequence[tuple[str, float]], generator: np.random.Generator) -> Factor:
    """Time of A over time of B, from sides and times in the order in which they were measured, two by two.

    The interval is that of the median log ratio. Neighbours of one side at the seams of ABBA are a side against itself: from them
    comes the noise, which is never taken to be below `THRESHOLD`.
    """
    pairs = [dict(in_order[i : i + 2]) for i in range(0, len(in_order), 2)]
    logs = np.array([math.log(pair["a"] / pair["b"]) for pair in pairs])
    seams = zip(in_order[1:-1:2], in_order[2::2], strict=True)
    itself = np.array([math.log(after[1] / before[1]) for before, after in seams if before[0] == after[0]])
    low, high = median_interval(logs, 0.95, generator)
    noise = max(THRESHOLD, noise_floor(itself, len(pairs), generator))
    return Factor(value=math.exp(float(np.median(logs))), low=math.exp(low), high=math.exp(high), noise=noise)


def median_row(exported: Exported, runtime: Runtime, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One row of several processes: medians of their times; their outputs differ alike."""
    times = {}
    for name in ("load_ms", "first_call_ms", "latency_p50_ms", "latency_p99_ms"):
        values = [one[name] for one in found if one[name] is not None]
        times[name] = float(np.median(values)) if values else None
    return {**row(exported, runtime, {**found[0], **times}), "processes": len(found)}
