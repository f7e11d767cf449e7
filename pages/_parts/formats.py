"""Numbers with their units, as reports write them too; labels; and text of unknown origin for markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from core.report.formats import NONE, ago, count, factor, framework, local_time, moment, ms, percent, scientific, seconds, size

__all__ = [
    "NONE", "ago", "count", "distinct", "factor", "framework", "local_time", "moment", "ms", "percent", "plain", "scientific", "seconds", "size",
]  # fmt: skip

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Label by id, no two alike: of those that are, each has the end of its id. A browser says by its label which one was chosen."""
    several = Counter(labels.values())
    return {id: f"{label} · {id[-6:]}" if several[label] > 1 else label for id, label in labels.items()}


def plain(text: str) -> str:
    """Text of unknown origin, so that Streamlit's markdown shows it letter by letter."""
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))
