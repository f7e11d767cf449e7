"""The model's layers as a tree, with what each costs: its own work and that of the layers in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from core.analysis.devices import device_work
from core.analysis.operators import name_layers
from core.traces import nesting
from core.traces.schema import HOST

_MODULE = "nn.Module: "
#: Of a path, so that a recording that nests deeper than any model costs no more than its events.
_MOST_NAMES = 64
_COSTS = ("device_self_ns", "device_forward_ns", "device_backward_ns", "host_self_ns", "kernels")


def layer_tree(events: pl.DataFrame) -> pl.DataFrame:
    """One row per layer, each after the layer it is part of: `layer`, `depth` (0: outermost), `path` (the innermost 65 names, joined
    by `/`), `calls`, `device_self_ns` (device work launched by the layer itself), `device_forward_ns` and `device_backward_ns` of
    it, `host_self_ns` (self time of its operators), `kernels`, and `device_total_ns`, `host_total_ns` (with the layers in it).

    What belongs to no layer is the last row, with null for a name, so both columns of self times sum to all device work and to
    all operators' self time. A layer is part of the one that encloses most of its calls; TensorFlow's layers are known by name
    alone and stand side by side.
    """
    costs = _costs(events)
    parent, calls = _nesting(events)
    names = dict.fromkeys([*costs["layer"].drop_nulls().to_list(), *parent])
    by_name = {row["layer"]: row for row in costs.iter_rows(named=True)}
    children: defaultdict[str | None, list[str]] = defaultdict(list)
    for name in names:
        children[parent.get(name)].append(name)
    rows: list[dict[str, Any]] = []
    outer: list[int] = []
    # A stack of its own: a recording may nest deeper than Python's.
    waiting: list[tuple[str, int, tuple[str, ...]]] = [(name, -1, ()) for name in reversed(children[None])]
    while waiting:
        name, above, path = waiting.pop()
        own = by_name.get(name, {})
        row: dict[str, Any] = {"layer": name, "depth": rows[above]["depth"] + 1 if above >= 0 else 0, "path": "/".join((*path, name))}
        row |= {"calls": calls.get(name, 0), **{cost: own.get(cost) or 0 for cost in _COSTS}}
        row |= {"device_total_ns": row["device_self_ns"], "host_total_ns": row["host_self_ns"]}
        waiting += [(child, len(rows), (*path, name)[-_MOST_NAMES:]) for child in reversed(children[name])]
        rows.append(row)
        outer.append(above)
    for row, above in zip(reversed(rows), reversed(outer), strict=True):
        if above >= 0:
            for total in ("device_total_ns", "host_total_ns"):
                rows[above][total] += row[total]
    if (outside := by_name.get(None)) is not None:
        rows.append({"layer": None, "depth": 0, "path": "", "calls": 0, **{cost: outside[cost] for cost in _COSTS},
                     "device_total_ns": outside["device_self_ns"], "host_total_ns": outside["host_self_ns"]})  # fmt: skip
    numbers = ("calls", *_COSTS, "device_total_ns", "host_total_ns")
    return pl.DataFrame(rows, schema={"layer": pl.String, "depth": pl.Int32, "path": pl.String, **dict.fromkeys(numbers, pl.Int64)})


def _costs(events: pl.DataFrame) -> pl.DataFrame:
    """Sums by layer; null is a layer too."""
    layer = pl.col("layer").cast(pl.String)
    duration = pl.col("duration_ns")
    device = device_work(events).group_by(layer).agg(
        duration.sum().alias("device_self_ns"),
        duration.filter(pl.col("phase") == "forward").sum().alias("device_forward_ns"),
        duration.filter(pl.col("phase") == "backward").sum().alias("device_backward_ns"),
        (pl.col("kind") == "kernel").sum().cast(pl.Int64).alias("kernels"),
        pl.col("start_ns").min().alias("first_ns"),
    )  # fmt: skip
    operators = events.filter((pl.col("kind") == "operator") & (pl.col("device") == HOST))
    host = operators.group_by(layer).agg(pl.col("self_ns").sum().alias("host_self_ns"), pl.col("start_ns").min().alias("begun_ns"))
    both = device.join(host, on="layer", how="full", coalesce=True, nulls_equal=True)
    return both.sort(pl.min_horizontal("first_ns", "begun_ns"), nulls_last=True).with_columns(pl.col(*_COSTS).fill_null(0))


def _nesting(events: pl.DataFrame) -> tuple[dict[str, str | None], Counter[str]]:
    """The layer that each layer lies in, and how often it was called, from the calls that were recorded."""
    calls = events.filter(pl.col("kind") == "layer").sort("row")
    if calls.is_empty():
        return {}, Counter()
    names = [name.removeprefix(_MODULE) for name in calls["name"].cast(pl.String).to_list()]
    lane = calls["lane"].to_physical().to_numpy().astype(np.int64)
    start = calls["start_ns"].to_numpy()
    around = nesting.parents(lane, start, start + calls["duration_ns"].to_numpy()).tolist()
    seen: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for name, index in zip(names, around, strict=True):
        outer = names[index] if index >= 0 else None
        if outer != name:
            seen[name][outer] += 1
    parent: dict[str, str | None] = {
        name: (seen[name].most_common(1)[0][0] if seen[name] else None) for name in dict.fromkeys(names)
    }
    settled: set[str] = set()
    for name in parent:
        path: dict[str, None] = {}
        above: str | None = name
        while above is not None and above not in settled and above not in path:
            path[above] = None
            above = parent.get(above)
        if above is not None and above in path:  # modules that call one another in turn: no tree holds that
            parent[above] = None
        settled.update(path)
    return parent, Counter(names)


_PAIRED = ("total", "self", "forward", "backward", "kernels", "calls")


def paired_layers(trees: Sequence[tuple[pl.DataFrame, Sequence[tuple[str, str]]]], *, clock: str) -> pl.DataFrame:
    """One or two trees of `layer_tree` as one: `layer`, `depth`, `path`, and per side (`a_`, `b_`) `total`, `self`, `forward`, `backward`,
    `kernels`, `calls`.

    `clock` is `device` or `host`: whose nanoseconds these are (the host's are not told apart by phase: 0). Each tree comes with the
    program's own layers, (name, kind) in order, and takes their names (`core.analysis.operators.name_layers`). Layers meet by name
    where both have declared ones, else by path. The tree that is nested deeper gives the order; what only the other has follows, and
    work in no layer is the last row. What a side has not is 0 there, so every column sums to its tree's.
    """
    by = "layer" if all(declared for _, declared in trees) else "path"
    names = [name for name in ("layer", "depth", "path") if name != by]
    sides = [
        _of_side(tree, declared, clock).rename({name: f"{letter}_{name}" for name in _PAIRED})
        for letter, (tree, declared) in zip("ab", trees, strict=False)
    ]
    joined, *other = sorted(sides, key=lambda side: -max(side["depth"], default=0))
    for side in other:
        following = side.rename({name: f"other_{name}" for name in names})
        joined = joined.join(following, on=by, how="full", coalesce=True, nulls_equal=True, maintain_order="left_right").with_columns(
            pl.coalesce(name, f"other_{name}").alias(name) for name in names
        )
    numbers = [f"{letter}_{name}" for letter in "ab"[: len(sides)] for name in _PAIRED]
    outside = pl.col("layer").is_null()
    return joined.select("layer", "depth", "path", pl.col(numbers).fill_null(0)).sort(outside, maintain_order=True)


def _of_side(tree: pl.DataFrame, declared: Sequence[tuple[str, str]], clock: str) -> pl.DataFrame:
    phases = [pl.col(f"device_{phase}_ns") if clock == "device" else pl.lit(0, pl.Int64) for phase in ("forward", "backward")]
    chosen = [pl.col(f"{clock}_total_ns"), pl.col(f"{clock}_self_ns"), *phases, pl.col("kernels"), pl.col("calls")]
    named = name_layers(tree, declared) if declared else tree
    return (
        named.select("layer", "depth", "path", *(column.alias(name) for column, name in zip(chosen, _PAIRED, strict=True)))
        .group_by("layer" if declared else "path", maintain_order=True)
        .agg(pl.col("path" if declared else "layer", "depth").first(), pl.col(_PAIRED).sum())
        .select("layer", "depth", "path", *_PAIRED)
    )
