"""The machine's load while a comparison ran, and when each of its runs happened, on one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

LOAD_LABELS = {"own_cores": "this run", "other_cores": "other processes", "steal_cores": "taken by the hypervisor"}


def load_over_time(samples: Sequence[Mapping[str, Any]], marks: int = 400) -> pl.DataFrame:
    """`seconds` since the first sample, `who`, `cores`: means over at most `marks` stretches of equal length."""
    schema = {"time_s": pl.Float64, **dict.fromkeys(LOAD_LABELS, pl.Float64)}
    table = pl.DataFrame([{name: sample.get(name) for name in schema} for sample in samples], schema=schema).drop_nulls()
    every_s = 1.0 if table.is_empty() else max(1.0, (table["time_s"][-1] - table["time_s"][0]) / marks)
    return (
        table.with_columns(((pl.col("time_s") - pl.col("time_s").min()) // every_s * every_s).alias("seconds"))
        .group_by("seconds", maintain_order=True)
        .agg(pl.col(name).mean().alias(label) for name, label in LOAD_LABELS.items())
        .unpivot(index="seconds", variable_name="who", value_name="cores")
    )


def run_spans(events: Sequence[Mapping[str, Any]], began_s: float) -> pl.DataFrame:
    """`run`, `role`, `side`, `begin_s`, `end_s`: when each run happened, in seconds since `began_s` (seconds since 1970)."""
    begins = {event["index"]: event for event in events if event["event"] == "run_begin"}
    rows = [
        (event["index"], event["role"], event["side"], *(seconds_since_1970(one["time"]) - began_s for one in (begins[event["index"]], event)))
        for event in events
        if event["event"] == "run_end" and event["index"] in begins
    ]
    schema = {"run": pl.Int64, "role": pl.String, "side": pl.String, "begin_s": pl.Float64, "end_s": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def seconds_since_1970(iso: str) -> float:
    """An ISO 8601 time on the clock of the load samples."""
    return datetime.fromisoformat(iso).timestamp()
