"""The stats of a plane's events as columns, one per stat that is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from core.traces.building import NO_INDEX, Table
from core.traces.nesting import Integers
from core.traces.xplane_messages import text
from core.traces.xplane_wire import Stats

Distinct = tuple[Integers, Integers]

#: A range of values up to this many times their number is looked up in a table instead of sorted.
_TABLE_SHARE = 4
_LONGEST_NUMBER = 18


def distinct(values: Integers) -> Distinct:
    """The distinct values in ascending order, and for each value its place among them."""
    if len(values) and (high := int(values.max())) - (low := int(values.min())) < _TABLE_SHARE * len(values):
        used = np.zeros(high - low + 1, np.bool_)
        used[values - low] = True
        places = np.cumsum(used) - 1
        return np.flatnonzero(used) + low, places[values - low]
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse.astype(np.int64)


def distinct_rows(columns: Sequence[Integers]) -> Distinct:
    """One row of each distinct combination, and for each row the place of its combination among them."""
    place = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        found, own = distinct(column)
        if len(found) > 1:
            place = distinct(place * len(found) + own)[1]
    rows = np.zeros(int(place.max(initial=-1)) + 1, np.int64)
    rows[place] = np.arange(len(place))
    return rows, place


class PlaneStats:
    """The stats that a plane knows, as far as they are wanted."""

    def __init__(self, plane: Any, wanted: Collection[str], texts: Table) -> None:
        """`texts` are the recording's distinct texts; new ones are added."""
        self._plane = plane
        self._texts = texts
        named = sorted((number, text(metadata.name)) for number, metadata in plane.stat_metadata.items())
        self.names = {number: name for number, name in named if name in wanted}
        self.ids = np.array(list(self.names), np.int64)
        self._references: dict[int, int] = {}
        self._defaults: dict[int, dict[str, Any]] = {}

    def text_of(self, reference: int) -> int:
        """Code of the text that a stat refers to; NO_INDEX where the plane has none, or an empty one."""
        if reference not in self._references:
            # An id is an int64 in the plane and a uint64 in the reference.
            metadata = self._plane.stat_metadata.get(reference if reference < 2**63 else reference - 2**64)
            self._references[reference] = self._texts[text(metadata.name)] if metadata is not None and metadata.name else NO_INDEX
        return self._references[reference]

    def code_of(self, written: bytes) -> int:
        return self._texts[text(written)] if written else NO_INDEX

    def of_all(self, metadata_id: int) -> dict[str, Any]:
        """Name -> stat of an event's metadata: what holds for every event of that name which does not say otherwise."""
        if metadata_id not in self._defaults:
            metadata = self._plane.event_metadata.get(metadata_id)
            stats = metadata.stats if metadata is not None else ()
            self._defaults[metadata_id] = {self.names[stat.metadata_id]: stat for stat in stats if stat.metadata_id in self.names}
        return self._defaults[metadata_id]


class StatColumns:
    """The stats of one batch of events: dense columns of numbers or of texts, NO_INDEX where an event has none."""

    def __init__(self, plane: PlaneStats, stats: Stats, ids: Distinct) -> None:
        """`ids` are the events' metadata ids, as `distinct` gives them."""
        self.size = len(ids[1])
        """Events in the batch."""
        self._plane = plane
        self._place = ids[1]
        self._of_all = [plane.of_all(number) for number in ids[0].tolist()]
        self._names_of_all = {name for stats_of_all in self._of_all for name in stats_of_all}
        place = np.minimum(np.searchsorted(plane.ids, stats.metadata_id), max(len(plane.ids) - 1, 0))
        known = np.flatnonzero(plane.ids[place] == stats.metadata_id) if len(plane.ids) else np.zeros(0, np.int64)
        # Stable, because of two stats of one name in an event the last counts.
        order = np.argsort(place[known], kind="stable")
        cuts = np.searchsorted(place[known][order], np.arange(len(plane.ids) + 1))
        self._own: dict[str, list[Stats]] = {}
        for index, name in enumerate(plane.names.values()):
            if cuts[index] < cuts[index + 1]:
                self._own.setdefault(name, []).append(stats[known[order[cuts[index] : cuts[index + 1]]]])

    def numbers(self, name: str) -> Integers:
        """Whole numbers; the bits of one that is larger than an int64."""
        return self._column(name, _numbers, _number)

    def texts(self, name: str) -> Integers:
        """Places among the recording's texts."""
        return self._column(name, self._codes, self._code)

    def with_number(self, name: str) -> tuple[Integers, Integers]:
        """Events that have such a stat of their own, and its numbers; for one whose every value means something."""
        found = [_numbers(stats) for stats in self._own.get(name, ())]
        owners = np.concatenate([owner for owner, _ in found]) if found else np.zeros(0, np.int64)
        values = np.concatenate([value for _, value in found]) if found else np.zeros(0, np.int64)
        return owners, values

    def _column(self, name: str, own: Callable[[Stats], tuple[Integers, Integers]], of_all: Callable[[Any], int]) -> Integers:
        column = np.full(self.size, NO_INDEX, np.int64)
        if name in self._names_of_all:
            values = [of_all(stats[name]) if name in stats else NO_INDEX for stats in self._of_all]
            column = np.array(values, np.int64)[self._place]
        for stats in self._own.get(name, ()):
            owner, value = own(stats)
            column[owner] = value
        return column

    def _codes(self, stats: Stats) -> tuple[Integers, Integers]:
        codes = np.full(len(stats.owner), NO_INDEX, np.int64)
        refers = np.flatnonzero(stats.references())
        if len(refers):
            references, place = np.unique(stats.value[refers], return_inverse=True)
            codes[refers] = np.array([self._plane.text_of(reference) for reference in references.tolist()], np.int64)[place]
        rows, written = stats.texts()
        codes[rows] = [self._plane.code_of(value) for value in written]
        return stats.owner, codes

    def _code(self, stat: Any) -> int:
        form = stat.WhichOneof("value")
        if form == "ref_value":
            return self._plane.text_of(stat.ref_value)
        return self._plane.code_of(stat.str_value) if form == "str_value" else NO_INDEX


def _numbers(stats: Stats) -> tuple[Integers, Integers]:
    values, known = stats.numbers()
    rows, written = stats.texts()
    for row, value in zip(rows.tolist(), written, strict=True):
        known[row] = _is_number(value)
        values[row] = int(value) if known[row] else 0
    return stats.owner[known], values[known]


def _number(stat: Any) -> int:
    form = stat.WhichOneof("value")
    if form == "str_value":
        return int(stat.str_value) if _is_number(stat.str_value) else NO_INDEX
    if form == "double_value":
        return int(stat.double_value) if abs(stat.double_value) < 2.0**62 else NO_INDEX
    if form == "uint64_value":
        return int(stat.uint64_value) - (2**64 if stat.uint64_value >= 2**63 else 0)
    return int(stat.int64_value) if form == "int64_value" else NO_INDEX


def _is_number(written: bytes) -> bool:
    return written.isdigit() and len(written) <= _LONGEST_NUMBER
