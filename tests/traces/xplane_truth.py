"""The messages of an XPlane file in full, and its events decoded one by one: what the reader's columns are held against."""

from __future__ import annotations

from typing import Any

from core.traces.xplane_messages import message_classes

_CLASSES = message_classes(
    "showdown.tests",
    {
        "XSpace": (
            (1, "repeated XPlane", "planes"), (2, "repeated string", "errors"), (3, "repeated string", "warnings"),
            (4, "repeated string", "hostnames"),
        ),
        "XPlane": (
            (1, "int64", "id"),
            (2, "bytes", "name"),
            (3, "repeated XLine", "lines"),
            (4, "map XEventMetadata", "event_metadata"),
            (5, "map XStatMetadata", "stat_metadata"),
            (6, "repeated XStat", "stats"),
        ),
        "XLine": ((1, "int64", "id"), (2, "bytes", "name"), (3, "int64", "timestamp_ns"), (4, "repeated XEvent", "events")),
        "XEvent": (
            (1, "int64", "metadata_id"),
            (2, "oneof data int64", "offset_ps"),
            (5, "oneof data int64", "num_occurrences"),
            (3, "int64", "duration_ps"),
            (4, "repeated XStat", "stats"),
        ),
        "XStat": (
            (1, "int64", "metadata_id"),
            (2, "oneof value double", "double_value"),
            (3, "oneof value uint64", "uint64_value"),
            (4, "oneof value int64", "int64_value"),
            (5, "oneof value bytes", "str_value"),
            (6, "oneof value bytes", "bytes_value"),
            (7, "oneof value uint64", "ref_value"),
        ),
        "XEventMetadata": ((1, "int64", "id"), (2, "bytes", "name"), (4, "bytes", "display_name"), (5, "repeated XStat", "stats")),
        "XStatMetadata": ((1, "int64", "id"), (2, "bytes", "name")),
    },
)  # fmt: skip
XSpace: Any = _CLASSES["XSpace"]
XEvent: Any = _CLASSES["XEvent"]


def stat_value(stat: Any) -> Any:
    """The value, None where there is none."""
    form = stat.WhichOneof("value")
    return None if form is None else getattr(stat, form)
