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
