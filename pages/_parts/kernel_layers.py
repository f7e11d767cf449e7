"""The model's layers as a tree, with what each costs on either side."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from core.analysis.layers import paired_layers
from pages._parts import formats
from pages._parts.charts import downloads
from pages._parts.kernel_work import DEVICE, HOST, View, analysis, choose_clock
from pages._parts.opened import Opened

#: Kept by the table, which cuts plain spaces at the beginning of a cell.
_INDENT = "\u2003"
_DEEPEST = 24


def show_layers(it: View) -> None:
    """A row per layer under the one it is part of; two sides meet by the layers' names."""
    device = all(analysis(one, "has device work") for one in it.opened)
    clock = DEVICE if device else HOST
    if device and all(analysis(one, "has operators") for one in it.opened):
        clock = choose_clock()
    tree = paired_layers([(analysis(one, "layers"), one.declared) for one in it.opened], clock=clock)
    named = tree.filter(pl.col("layer").is_not_null())
    if named.is_empty():
        _show_none(it)
        return
    letters = [one.side if len(it.opened) > 1 else "a" for one in it.opened]
    steps = dict(zip(letters, (max(len(one.trace.facts.steps), 1) for one in it.opened), strict=True))
    indent = pl.lit(_INDENT).repeat_by(pl.col("depth").clip(upper_bound=_DEEPEST)).list.join("")
    table = tree.select(
        (indent + pl.col("layer").fill_null("in no layer")).alias("layer"),
        *(column for letter in letters for column in _columns(letter, steps[letter])),
        "path",
    )
    longest = max((max(table[f"{letter}_total_ms"], default=0.0) for letter in letters), default=0.0) or 1.0
    bar, number = st.column_config.ProgressColumn, st.column_config.NumberColumn
    config: dict[str, Any] = {
        "layer": st.column_config.TextColumn("layer", width="large"),
        "path": st.column_config.TextColumn("path", width="medium"),
    }
    for letter, one in zip(letters, it.opened, strict=True):
        before = f"{one.side.upper()} · " if len(it.opened) > 1 else ""
        config |= {
            f"{letter}_total_ms": bar(f"{before}with inner layers (ms)", format="%.3f", min_value=0, max_value=longest),
            f"{letter}_self_ms": number(f"{before}own (ms)", format="%.3f"),
            f"{letter}_forward_ms": number(f"{before}forward (ms)", format="%.3f"),
            f"{letter}_backward_ms": number(f"{before}backward (ms)", format="%.3f"),
            f"{letter}_kernels": number(f"{before}kernels", format="%.0f"),
            f"{letter}_calls": number(f"{before}calls", format="%.1f"),
        }
    if clock == HOST:
        table = table.drop([name for name in table.columns if name.endswith(("_kernels", "_forward_ms", "_backward_ms"))])
    # TensorFlow's layers are known by name alone: nobody counted their calls.
    table = table.drop([name for name in table.columns if name.endswith("_calls") and max(table[name], default=0) == 0])
    first = named.sort("a_total", descending=True).row(0, named=True)
    st.markdown(f"**{len(named):,} layers, time on the {clock}, per step where steps are marked**")
    st.dataframe(table, hide_index=True, height=min(640, 40 + 35 * len(table)), column_config=config,
                 alt=f"Layers as an indented table with bars; most has {first['layer']}.")  # fmt: skip
    downloads(table.with_columns(tree["layer"], tree["depth"]), "layers")
    outside = tree.filter(pl.col("layer").is_null())
    for letter, one in zip(letters, it.opened, strict=True):
        whole = float(tree[f"{letter}_self"].sum())
        if len(outside) and whole:
            st.caption(
                f"{formats.plain(one.label)}: {formats.percent(float(outside[f'{letter}_self'].sum()) / whole)} of the time belongs to no layer."
            )


def _columns(letter: str, steps: int) -> list[pl.Expr]:
    return [
        *(
            (pl.col(f"{letter}_{name}") / 1e6 / steps).alias(f"{letter}_{name}_ms")
            for name in ("total", "self", "forward", "backward")
        ),
        *((pl.col(f"{letter}_{name}") / steps).alias(f"{letter}_{name}") for name in ("kernels", "calls")),
    ]


def _show_none(it: View) -> None:
    sources = {_how(one) for one in it.opened}
    st.info(
        f"No layer is known: {' '.join(sorted(sources))}",
        title="The recording does not say which layer an operator belongs to",
        icon=":material/account_tree:",
    )


def _how(one: Opened) -> str:
    return {
        "pytorch": "PyTorch names modules in a trace where it was recorded with `with_stack=True` (or `with_modules=True`).",
        "tensorflow": "TensorFlow's layers are in the names of a graph's operations; eager operators carry none.",
        "jax": "JAX names them with `jax.named_scope`.",
    }.get(one.trace.facts.framework or "", "its operators carry no scope.")
