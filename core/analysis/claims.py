"""The ledger of claims as tables: how many have which verdict, and the evidence of one as stretches that can be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import polars as pl

from core.model.claim import CLAIM_VERDICT_LABELS

#: Columns of evidence that hold an estimate, its lower and its upper end; the first that a row has is drawn.
_TRIPLES = (
    ("ratio", "low", "high"),
    ("mean_percent", "low_percent", "high_percent"),
    ("cost_per_epoch", "low", "high"),
    ("eager_over_compiled_step", "low", "high"),
)
#: Columns whose values are factors, to be drawn on a logarithmic axis.
_FACTORS = ("ratio", "eager_over_compiled_step")


def verdict_counts(verdicts: Sequence[str]) -> pl.DataFrame:
    """`verdict` (its label), `claims`: in the fixed order, those that occur."""
    rows = [(label, verdicts.count(verdict)) for verdict, label in CLAIM_VERDICT_LABELS.items() if verdict in verdicts]
    return pl.DataFrame(rows, schema={"verdict": pl.String, "claims": pl.Int64}, orient="row")


def evidence_table(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The evidence as it is; lists and objects as text."""
    flat = [{name: value if isinstance(value, int | float | str | None) else str(value) for name, value in row.items()} for row in rows]
    return pl.DataFrame(flat, infer_schema_length=None, strict=False)


def evidence_intervals(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """`what`, `value`, `low`, `high`, `measure` (the column it came from): the rows that have an estimate with an interval."""
    found = []
    for place, row in enumerate(rows):
        triple = next((names for names in _TRIPLES if all(isinstance(row.get(name), int | float) for name in names)), None)
        if triple is not None:
            found.append((_name(row) or f"row {place + 1}", *(float(row[column]) for column in triple), triple[0]))
    schema = {"what": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "measure": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _name(row: Mapping[str, Any]) -> str:
    """`what` it is, where that is said; else the texts before the first number."""
    if row.get("what"):
        return str(row["what"])
    return " · ".join(takewhile(lambda value: isinstance(value, str), row.values()))


def is_factor(measure: str) -> bool:
    """Is 1 the value of no difference?"""
    return measure in _FACTORS
