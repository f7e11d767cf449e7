"""Sets of moments as sorted, disjoint intervals: unions, and how much of them lies where. All numbers are int64 nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.traces.nesting import Integers


@dataclass(frozen=True)
class Intervals:
    """Disjoint half-open intervals [start, end) in order; none is empty, none touches the next."""

    start_ns: Integers
    end_ns: Integers

    @classmethod
    def union(cls, start_ns: Integers, end_ns: Integers) -> Intervals:
        """The union of intervals in any order."""
        lasting = end_ns > start_ns
        start, end = start_ns[lasting], end_ns[lasting]
        if not len(start):
            return cls(start, end)
        order = np.argsort(start, kind="stable")
        start, reach = start[order], np.maximum.accumulate(end[order])
        first = np.concatenate([[True], start[1:] > reach[:-1]])
        last = np.concatenate([first[1:], [True]])
        return cls(start[first], reach[last])

    @classmethod
    def of(cls, events: pl.DataFrame) -> Intervals:
        """The union of events."""
        start = events["start_ns"].to_numpy()
        return cls.union(start, start + events["duration_ns"].to_numpy())

    @property
    def length_ns(self) -> int:
        return int((self.end_ns - self.start_ns).sum())

    def __or__(self, other: Intervals) -> Intervals:
        return Intervals.union(np.concatenate([self.start_ns, other.start_ns]), np.concatenate([self.end_ns, other.end_ns]))

    def without_ns(self, other: Intervals) -> int:
        """Length of what lies in this set and not in the other."""
        return (self | other).length_ns - other.length_ns

    def before_ns(self, moments_ns: Integers) -> Integers:
        """Length of the set before each moment."""
        if not len(self.start_ns):
            return np.zeros(len(moments_ns), np.int64)
        lengths = self.end_ns - self.start_ns
        done = np.concatenate([[0], np.cumsum(lengths)])
        place = np.searchsorted(self.start_ns, moments_ns, side="right") - 1
        inside = np.clip(moments_ns - self.start_ns[np.maximum(place, 0)], 0, lengths[np.maximum(place, 0)])
        return np.where(place < 0, 0, done[np.maximum(place, 0)] + inside)

    def inside_ns(self, start_ns: Integers, end_ns: Integers) -> Integers:
        """Length of the set inside each of the windows [start, end)."""
        return self.before_ns(end_ns) - self.before_ns(start_ns)

    def gaps(self) -> Intervals:
        """What lies between the first start and the last end without being in the set."""
        return Intervals(self.end_ns[:-1], self.start_ns[1:])
