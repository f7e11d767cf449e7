"""Numbers with their units, as every page and every report writes them; a dash where there is no number."""

from __future__ import annotations

from datetime import UTC, datetime

from core.model.variant import FRAMEWORK_LABELS

NONE = "—"

#: What the end of a column's name says of its unit.
_UNITS = {"_ms": "ms", "_us": "µs", "_ns": "ns", "_s": "s", "_bytes": "bytes", "_mib": "MiB", "_percent": "%", "_cores": "cores", "_j": "J"}


def ms(value: float | None) -> str:
    """A time given in milliseconds, with three significant digits."""
    return NONE if value is None else f"{_digits(value)} ms"


def seconds(value: float | None) -> str:
    """A time given in seconds: `0.42 s`, `42 s`, `3 min`, `3 min 20 s`, `1 h 5 min`."""
    if value is None:
        return NONE
    if value < 60:
        return f"{_digits(value)} s"
    minutes, rest = divmod(round(value), 60)
    if minutes >= 60:
        minutes, rest, large, small = minutes // 60, minutes % 60, "h", "min"
    else:
        large, small = "min", "s"
    return f"{minutes} {large} {rest} {small}" if rest else f"{minutes} {large}"


def size(value: float | None) -> str:
    """Bytes in the largest binary unit that leaves at least 1."""
    if value is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{_digits(value)} {unit}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share of 1 as percent."""
    return NONE if value is None else f"{value * 100:.{digits}f} %"


def factor(value: float | None, digits: int = 2) -> str:
    """A ratio."""
    return NONE if value is None else f"{value:.{digits}f}x"


def scientific(value: float | None) -> str:
    """A tiny number: `4.4e-07`; whole numbers as they are."""
    return NONE if value is None else f"{value:,.0f}" if value == round(value) else f"{value:.1e}"


def count(value: float | None, unit: str = "") -> str:
    """A whole number with thousands separated."""
    return NONE if value is None else f"{value:,.0f} {unit}".rstrip()


def local_time(iso: str) -> datetime | None:
    """An ISO 8601 time of a file in this machine's time zone; None for what is no time."""
    try:
        return datetime.fromisoformat(iso).astimezone()
    except (ValueError, OverflowError, OSError):  # the years 1 and 9999 have no local time everywhere
        return None


def moment(iso: str) -> str:
    """An ISO 8601 time in UTC as this machine's local time, to the minute; what is no time as it is."""
    when = local_time(iso)
    return iso if when is None else f"{when:%d %b %Y, %H:%M}"


def universal_moment(iso: str) -> str:
    """An ISO 8601 time for a reader anywhere: to the minute, in UTC; what is no time as it is."""
    when = local_time(iso)
    return iso if when is None else f"{when.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def ago(iso: str, now: datetime | None = None) -> str:
    """How long ago an ISO 8601 time was."""
    then = local_time(iso)
    if then is None:
        return "at an unknown time"
    passed = ((now or datetime.now(UTC)) - then).total_seconds()
    if passed < 90:
        return "just now"
    for unit, length, until in (("minutes", 60, 90), ("hours", 3600, 36), ("days", 86400, 60)):
        if passed < until * length:
            return f"{passed / length:.0f} {unit} ago"
    return f"{then:%B %Y}"


def framework(name: str | None) -> str:
    """What wrote a recording, by the name that its facts give it; `unknown` where nothing in it tells."""
    return "unknown" if name is None else {**FRAMEWORK_LABELS, "jax": "JAX"}.get(name, name)


def heading(column: str) -> str:
    """A column's name as a person reads it, its unit in brackets: `step_ms` is `step (ms)`."""
    for end, unit in _UNITS.items():
        if column.endswith(end) and column != end:
            return f"{column.removesuffix(end).replace('_', ' ')} ({unit})"
    return column.replace("_", " ")


def cell(value: object) -> str:
    """Any value of a table: whole numbers with thousands separated, others with six significant digits, `yes` and `no`."""
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
        case _:
            return str(value)


def _digits(value: float) -> str:
    """Three significant digits without an exponent."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3}f}"
