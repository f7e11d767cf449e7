"""Numbers as profilers write them, to whole columns: exact where they can be, null where they are none."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from itertools import compress

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.traces.building import NO_INDEX
from core.traces.kineto_messages import TIMES_DECODER, Scalar, Text
from core.traces.nesting import Integers

#: A float64 of microseconds below this is less than half a nanosecond from the three decimals it was written with.
_EXACT_BELOW_US = float(2**43)
#: Further from the clock's zero than this, 292 years, no recording lies.
FARTHEST_US = 9.2e15


def whole(values: Iterable[Scalar], size: int, null: int = NO_INDEX) -> Integers:
    """Whole numbers; what is none, or does not fit, is null."""
    kept = list(values)
    try:
        return np.fromiter(kept, np.int64, size)
    except (ValueError, OverflowError, TypeError):
        return np.fromiter((number(value, null) for value in kept), np.int64, size)


def number(value: Scalar, null: int) -> int:
    try:
        number = int(value, 0) if isinstance(value, str) else null if value is None else int(value)
    except (ValueError, OverflowError):
        return null
    return number if -(2**63) <= number < 2**63 else null


def real(values: Iterable[Scalar], size: int) -> NDArray[np.float64]:
    kept = list(values)
    try:
        return np.fromiter(kept, np.float64, size)
    except (ValueError, OverflowError, TypeError):
        return np.fromiter(
            (float(value) if isinstance(value, (int, float)) and abs(value) < 2**1000 else np.nan for value in kept),
            np.float64,
            size,
        )


def addresses(values: Iterable[Scalar]) -> NDArray[np.uint64]:
    kept = list(values)
    try:
        return np.fromiter(kept, np.uint64, len(kept))
    except (ValueError, OverflowError, TypeError):
        numbers = (value if isinstance(value, int) else number(value, 0) for value in kept)
        return np.fromiter((number if 0 <= number < 2**64 else 0 for number in numbers), np.uint64, len(kept))


def volume(text: bytes) -> int:
    try:
        sides = msgspec.json.decode(text, type=list[int])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NO_INDEX
    volume = 1
    for side in sides:
        volume *= side
    return volume if sides and 0 <= volume < 2**63 else NO_INDEX


def exact(
    start_us: NDArray[np.float64], duration_us: NDArray[np.float64], text: Text, wanted: Iterable[bool]
) -> tuple[Integers, Integers]:
    """Whole nanoseconds, from the digits themselves where a float64 is too coarse for them; `wanted` says which events of the
    text it is about.
    """
    with np.errstate(invalid="ignore"):
        coarse = (np.abs(start_us) >= _EXACT_BELOW_US) & (np.abs(start_us) <= FARTHEST_US)
        if (coarse & (start_us != np.floor(start_us))).any():
            chosen = list(compress(TIMES_DECODER.decode(text), wanted))
            return digits([time.ts for time in chosen]), digits([time.dur for time in chosen])
        return nanoseconds(start_us), nanoseconds(duration_us)


def nanoseconds(microseconds: NDArray[np.float64]) -> Integers:
    usable = np.where(np.isfinite(microseconds) & (np.abs(microseconds) <= FARTHEST_US), microseconds, 0.0)
    whole = np.floor(usable)
    return whole.astype(np.int64) * 1000 + np.rint((usable - whole) * 1000).astype(np.int64)


def digits(raws: list[msgspec.Raw]) -> Integers:
    return np.array([decimal(bytes(raw)) for raw in raws], np.int64)


def decimal(text: bytes) -> int:
    """Nanoseconds of a JSON number of microseconds, exactly; 0 for what is no number or far out of range, which others judge."""
    whole, _, decimals = text.partition(b".")
    if decimals.isdigit() and len(whole) < 17:
        return int(whole + decimals[:3].ljust(3, b"0")) + (decimals[3:4] >= b"5")
    try:
        value = Decimal(text.decode().strip('"'))
        return int(value.scaleb(3).to_integral_value()) if abs(value) <= FARTHEST_US else 0
    except (InvalidOperation, ValueError):
        return 0
