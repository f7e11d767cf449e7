"""The rows behind the bars: searched, picked by a click, and shown as one table of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from core.analysis.operators import REMAINDER

#: A row that computes both gradients stands for the two that compute one each (`core.analysis.operators.mirror`).
_GRADIENTS = {"convolution backward": ("convolution backward data", "convolution backward weights")}


def matching(costs: pl.DataFrame, search: str | None) -> pl.DataFrame:
    """Rows with the search text in one of their names, letter by letter, upper and lower case alike."""
    if not search or not search.strip():
        return costs
    wanted = search.strip().lower()
    names = [name for name, kind in costs.schema.items() if kind == pl.String]
    return costs.filter(
        pl.any_horizontal(pl.col(name).fill_null("").str.to_lowercase().str.contains(wanted, literal=True) for name in names)
    )


def picked_rows(costs: pl.DataFrame, by: str, picked: Sequence[str], shown: Sequence[str]) -> pl.DataFrame:
    """Rows whose `by` was picked in the chart (all without a pick); the remainder stands for what was not shown."""
    key = pl.col(by).fill_null(f"no {by}")
    wanted = pl.lit(not picked)
    for name in picked:
        wanted |= ~key.is_in(list(shown)) if name.startswith(REMAINDER) else key.is_in([name, *_GRADIENTS.get(name, ())])
    return costs.filter(wanted)


#: What the columns are called, in their order; those that a table has not are left out.
_KEYS = {"operator": "operator", "op_class": "kind of operation", "layer": "layer", "phase": "phase"}
#: Column of `core.analysis.work` -> column of the table, what it is divided by, and its heading.
_TIMES = {"time_ns": ("time_ms", 1e6, "time"), "self_ns": ("self_ms", 1e6, "self"), "total_ns": ("total_ms", 1e6, "total")}
_OF_ONE = {"mean_ns": ("mean_us", 1e3, "mean (µs)"), "min_ns": ("min_us", 1e3, "min (µs)"), "max_ns": ("max_us", 1e3, "max (µs)")}


def row_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `core.analysis.work.summed_up` with `recording` before them, as a person reads them: ms, us of one launch, and percent."""

    def times(of: dict[str, tuple[str, float, str]]) -> list[pl.Expr]:
        return [(pl.col(name) / divisor).alias(column) for name, (column, divisor, _) in of.items() if name in rows.columns]

    device = [_answer(pl.col("tensor_core")).alias("tensor_cores"), (pl.col("occupancy") * 100).alias("occupancy_percent")]
    return rows.select(
        *(name for name in ("recording", "kernel") if name in rows.columns),
        *([] if "kernel" in rows.columns else ["operator"]),
        *times(_TIMES),
        (pl.col("share") * 100).alias("share_percent"),
        "count",
        *(name for name in _KEYS if "kernel" in rows.columns or name != "operator"),
        *(device if "occupancy" in rows.columns else []),
        *times(_OF_ONE),
    )


def _answer(tensor_core: pl.Expr) -> pl.Expr:
    return pl.when(tensor_core).then(pl.lit("yes")).when(~tensor_core).then(pl.lit("no"))


def row_columns(*, per_step: bool, device: bool) -> dict[str, Any]:
    """The table's column_config."""
    number, unit = st.column_config.NumberColumn, " per step" if per_step else ""
    return {
        **_KEYS,
        "kernel": st.column_config.TextColumn("kernel", width=330),
        "operator": st.column_config.TextColumn("operator", width="medium"),
        **{column: number(f"{label} (ms{unit})", format="%.3f") for column, _, label in _TIMES.values()},
        **{column: number(label, format="%.2f") for column, _, label in _OF_ONE.values()},
        "count": number(f"{'launches' if device else 'calls'}{unit}", format="%.1f"),
        "share_percent": number("share of device work" if device else "share of the step", format="%.1f %%"),
        "tensor_cores": st.column_config.TextColumn("tensor cores", help="By the kernel's name; empty: the name does not say, or it is no kernel."),
        "occupancy_percent": number("occupancy", format="%.0f %%", help="As the profiler estimated it, weighted by time."),
    }  # fmt: skip
