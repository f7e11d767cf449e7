"""Recordings of a few events for the Timeline, written down by hand."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.traces.schema import EVENT_SCHEMA


def events(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """(device, lane, start, duration, name[, kind[, more]]) as the schema has them; a kernel on a device, an operator on the host."""
    made = []
    for device, lane, start, duration, name, *rest in rows:
        kind = rest[0] if rest else "operator" if device == "cpu" else "kernel"
        made.append({"device": device, "lane": lane, "start_ns": start, "duration_ns": duration, "name": name, "kind": kind,
                     "op_class": "matrix multiply" if kind in ("operator", "kernel") else None, **(rest[1] if len(rest) > 1 else {})})  # fmt: skip
    made.sort(key=lambda row: (row["device"], row["lane"], row["start_ns"], -row["duration_ns"]))
    return pl.DataFrame([{"row": number, **row} for number, row in enumerate(made)], schema=EVENT_SCHEMA)
