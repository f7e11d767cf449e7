"""Ratios of two things measured in turns, so that a machine that slows down slows both."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Ratio:
    """One ratio per pair of neighbours; above 1, ours took more."""

    pairs: tuple[float, ...]

    @classmethod
    def of(cls, ours: Iterable[float], bare: Iterable[float]) -> Ratio:
        return cls(tuple(mine / other for mine, other in zip(ours, bare, strict=True)))

    @property
    def median(self) -> float:
        return statistics.median(self.pairs)

    def against(self, goal: float) -> str:
        """Whether the goal is met: the range of six pairs covers the true median in 97 of 100 cases (1 - 2 / 2^6)."""
        if max(self.pairs) <= goal:
            return "reached"
        if min(self.pairs) > goal:
            return "missed"
        return "not settled: median " + ("within" if self.median <= goal else "beyond")

    def __str__(self) -> str:
        return f"{self.median:.3f}  ({min(self.pairs):.3f} to {max(self.pairs):.3f}, {len(self.pairs)} pairs)"


def in_turns(ours: Callable[[], Measured], bare: Callable[[], Measured], pairs: int) -> tuple[list[Measured], list[Measured]]:
    """Measure `pairs` times in the order bare, ours, ours, bare, ...; results of ours and of bare, pair by pair."""
    mine, others = [], []
    for pair in range(pairs):
        if pair % 2:
            mine.append(ours())
            others.append(bare())
        else:
            others.append(bare())
            mine.append(ours())
    return mine, others
