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
_NAMES = {
    "recording": "recording",
    "kernel": "kernel",
    "operator": "operator",
    "op_class": "kind of operation",
    "layer": "layer",
    "phase": "phase",
}
_TIMES = {
    "time_ns": "time (ms)",
    "self_ns": "self (ms)",
    "total_ns": "total (ms)",
    "mean_ns": "mean (µs)",
    "min_ns": "min (µs)",
    "max_ns": "max (µs)",
}
_OF_ONE_CALL = ("mean_ns", "min_ns", "max_ns")


def row_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `core.analysis.work.summed_up` with `recording` before them, as a person reads them: ms, us of one launch, and percent."""
    times = [name for name in _TIMES if name in rows.columns]
    device = "time_ns" in rows.columns
    return rows.select(
        *(name for name in _NAMES if name in rows.columns),
        "count",
        *((pl.col(name) / (1e3 if name in _OF_ONE_CALL else 1e6)).alias(name.removesuffix("ns") + ("us" if name in _OF_ONE_CALL else "ms")) for name in times),
        (pl.col("share") * 100).alias("share_percent"),
        *([_answer(pl.col("tensor_core")).alias("tensor_cores"), (pl.col("occupancy") * 100).alias("occupancy_percent")] if device else []),
    )  # fmt: skip


def _answer(tensor_core: pl.Expr) -> pl.Expr:
    return pl.when(tensor_core).then(pl.lit("yes")).when(~tensor_core).then(pl.lit("no"))


def row_columns(*, per_step: bool, device: bool) -> dict[str, Any]:
    """The table's column_config."""
    number, unit = st.column_config.NumberColumn, " per step" if per_step else ""
    called = {name.removesuffix("ns") + ("us" if name in _OF_ONE_CALL else "ms"): label for name, label in _TIMES.items()}
    return {
        **{name: label for name, label in _NAMES.items() if name != label},
        **{name: number(label if name.endswith("_us") else label.replace("(ms)", f"(ms{unit})"), format="%.3f" if name.endswith("_ms") else "%.2f")
           for name, label in called.items()},
        "count": number(f"{'launches' if device else 'calls'}{unit}", format="%.1f"),
        "share_percent": number("share of device work" if device else "share of the step", format="%.1f %%"),
        "tensor_cores": st.column_config.TextColumn("tensor cores", help="By the kernel's name; empty: the name does not say, or it is no kernel."),
        "occupancy_percent": number("occupancy", format="%.0f %%", help="As the profiler estimated it, weighted by time."),
    }  # fmt: skip
