"""Bytes as people read them: axes whose ticks are round binary numbers, and texts in the unit that fits each value."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_TICKS = 6


def size_expression(value: str) -> str:
    """A Vega expression that writes a number of bytes, itself an expression such as `datum.bytes`, in the largest unit that leaves at least 1."""
    text = f"format({value}, ',.0f') + ' B'"
    for name, unit in reversed(UNITS):
        text = f"abs({value}) >= {unit} ? format({value} / {unit}, ',.4~r') + ' {name}' : {text}"
    return text


def byte_axis(low: float, high: float, **more: Any) -> alt.Axis:
    """An axis for values from `low` to `high` bytes, with ticks a power of two apart."""
    return alt.Axis(
        **{"values": ticks(low, high), "labelExpr": f"datum.value == 0 ? '0' : {size_expression('datum.value')}", **more}
    )


def ticks(low: float, high: float) -> list[float]:
    """Multiples of a power of two, eight at most: whole numbers, halves or quarters of a binary unit."""
    step = 2 ** max(math.ceil(math.log2(max(high - low, 1) / _TICKS)), 0)
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
