"""A profiler's own account of memory: how much was allocated when, what held it at any moment, and who took it.

What was allocated before the recording began is known only as a base: the profiler's total less what the rows add up to. Every table
has it as a row of its own, so that each sums to the total to the byte.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from core.traces.schema import HOST

#: Names of rows that stand for no operator, layer or phase.
BEFORE = "allocated before the recording"
UNSEEN = "released, but not in the recording"
UNKNOWN = "no {} known"
REMAINDER = "all others"

#: What can be drawn over time.
MEASURES = ("allocated_bytes", "reserved_bytes", "unused_bytes")
#: Rows that `reduced` keeps of each of its parts: first and last, lowest and highest, most reserved.
_KEPT_PER_PART = 5


def memory_devices(memory: pl.DataFrame) -> list[str]:
    """Devices with memory rows; accelerators first, in the order of their numbers."""
    labels = memory["device"].unique().cast(pl.String).to_list()
    return sorted(labels, key=lambda label: (label == HOST, len(label), label))


def over_time(memory: pl.DataFrame, device: str) -> pl.DataFrame:
    """Memory of a device right after each of its rows, in bytes; the first row is what stood there before them.

    Columns: `time_ns`, `address`, `delta_bytes` (0 in the first), `allocated_bytes`, `reserved_bytes` (null where not recorded),
    `unused_bytes` (reserved less allocated), `operator`, `layer`, `phase`, `step`. The place of a row in it is what `live_after` takes.

    A profiler that keeps no total tells 0 or nothing. Then allocated bytes are counted from what the recording releases without having
    seen it allocated, and are a lower bound: what was there before and stays is in no row.
    """
    own = memory.filter(pl.col("device") == device)
    sums = pl.col("delta_bytes").cum_sum()
    told = pl.when(pl.col("allocated_bytes").max() > 0).then("allocated_bytes")
    base = (told - sums).forward_fill().backward_fill().fill_null(_released_unseen(own))
    reserved = pl.when(pl.col("reserved_bytes").max() > 0).then("reserved_bytes")
    counted = own.with_columns((base + sums).alias("allocated_bytes"), reserved.alias("reserved_bytes")).drop("device")
    before = counted.head(1).with_columns(
        pl.min_horizontal(pl.lit(0, pl.Int64), "time_ns").alias("time_ns"),
        (pl.col("allocated_bytes") - pl.col("delta_bytes")).alias("allocated_bytes"),
        pl.lit(0, pl.Int64).alias("delta_bytes"),
        *(pl.lit(None, own.schema[name]).alias(name) for name in ("address", "operator", "layer", "phase", "step")),
    )
    return pl.concat([before, counted]).with_columns((pl.col("reserved_bytes") - pl.col("allocated_bytes")).alias("unused_bytes"))


def keeps_total(memory: pl.DataFrame, device: str) -> bool:
    """Whether the profiler tells a device's total; where it does not, `over_time` gives a lower bound."""
    return bool(memory.filter((pl.col("device") == device) & (pl.col("allocated_bytes") > 0)).height)


def _released_unseen(rows: pl.DataFrame) -> int:
    """Bytes of releases whose block was not seen allocated; of a size, as many as its releases ever outnumber its allocations."""
    delta = pl.col("delta_bytes")
    at_addresses = rows.filter(pl.col("address").is_not_null()).filter(
        (delta < 0) & (delta.shift(1).over("address").fill_null(0) <= 0)
    )
    without = rows.filter(pl.col("address").is_null())
    of_sizes = without.group_by(delta.abs().alias("size")).agg((-delta.sign().cum_sum().min()).clip(0).alias("count"))
    return int(of_sizes.select((pl.col("size") * pl.col("count")).sum()).item()) - int(at_addresses["delta_bytes"].sum())


#: Which rows speak of the same block: one address holds one block at a time; without addresses, blocks of a size cannot be told apart.
_SAME_BLOCK = ("address", "size")


def _size() -> pl.Expr:
    return pl.when(pl.col("address").is_null()).then(pl.col("delta_bytes").abs()).alias("size")


def place_at(series: pl.DataFrame, time_ns: int) -> int:
    """Place in `over_time` of the last row up to a time; 0, what stood there before, where there is none."""
    return max(int((series["time_ns"] <= time_ns).sum()) - 1, 0)


def peak_place(
    series: pl.DataFrame, start_ns: int | None = None, end_ns: int | None = None, *, measure: str = "allocated_bytes"
) -> int:
    """Place of the most allocated (or of another measure) in [start_ns, end_ns], at its first moment; what stands at `start_ns` counts.

    Without `start_ns` only the recording's own rows count, so that the peak is the largest total that the profiler told.
    """
    first = min(1, len(series) - 1) if start_ns is None else place_at(series, start_ns)
    last = len(series) - 1 if end_ns is None else place_at(series, end_ns)
    return first + int(series[measure][first : last + 1].arg_max() or 0)


def memory_account(memory: pl.DataFrame) -> dict[str, dict[str, int | None]]:
    """Per device: `peak_allocated_bytes`, `peak_time_ns` and `peak_step` (at its first moment, after a row of the recording), `peak_reserved_bytes`,
    `allocated_bytes` and `reserved_bytes` at the end, `fragmentation_bytes` (reserved less allocated at the peak; None without a
    reserved total), `events`.
    """
    return {label: account(over_time(memory, label)) for label in memory_devices(memory)}


def account(series: pl.DataFrame) -> dict[str, int | None]:
    """`memory_account` of one device, from its `over_time`."""
    peak, last = series.row(peak_place(series), named=True), series.row(-1, named=True)
    reserved: Any = series["reserved_bytes"].max()
    return {
        "peak_allocated_bytes": peak["allocated_bytes"],
        "peak_time_ns": peak["time_ns"],
        "peak_step": peak["step"],
        "peak_reserved_bytes": reserved,
        "allocated_bytes": last["allocated_bytes"],
        "reserved_bytes": last["reserved_bytes"],
        "fragmentation_bytes": peak["unused_bytes"],
        "events": len(series) - 1,
    }


def live_at(memory: pl.DataFrame, device: str, time_ns: int) -> pl.DataFrame:
    """`live_after` the last row of a device up to a time."""
    series = over_time(memory, device)
    return live_after(series, place_at(series, time_ns))


def live_after(series: pl.DataFrame, place: int) -> pl.DataFrame:
    """What was allocated right after a row of `over_time`, largest first: a row per block that had not been released.

    Columns: `bytes`, `allocated_ns`, `operator`, `layer`, `phase`, `step`; the last row is the base, with null in all others. Rows
    sum to `allocated_bytes` of that row exactly. An address holds one block at a time, so a block lives until the next row at its
    address; where addresses are not recorded, a release ends the last block allocated of its size.
    """
    until = series[1 : place + 1].with_columns(_size()).with_row_index("place")
    depth = pl.col("delta_bytes").sign().cum_sum()
    above = depth - depth.cum_min().clip(upper_bound=0)
    rows = until.with_columns(above.over(_SAME_BLOCK).alias("above"), pl.col("place").max().over(_SAME_BLOCK).alias("last"))
    lowest_after = pl.col("above").cum_min(reverse=True).over(_SAME_BLOCK)
    stays = pl.when(pl.col("address").is_null()).then(pl.col("above") <= lowest_after).otherwise(pl.col("place") == pl.col("last"))
    names = pl.col("layer", "phase").cast(pl.String)
    held = (
        rows.filter(stays & (pl.col("delta_bytes") > 0))
        .select(pl.col("delta_bytes").alias("bytes"), pl.col("time_ns").alias("allocated_ns"), "operator", names, "step")
        .sort("bytes", "allocated_ns", descending=[True, False])
    )
    base = int(series["allocated_bytes"][place]) - int(held["bytes"].sum())
    return pl.concat([held, pl.DataFrame([{"bytes": base}], schema=held.schema)]) if base else held


def operator_names(table: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The table with the operator's name for its row in `events`."""
    return table.with_columns(events["name"].gather(table["operator"]).cast(pl.String).alias("operator"))


def live_by(live: pl.DataFrame, events: pl.DataFrame, by: str) -> pl.DataFrame:
    """What was live by `operator`, `layer` or `phase`, largest first; rows sum to all of `live`.

    Columns: `name`, `origin` (`recorded`, or `before` for the base, which is a row of its own), `bytes`, `count` (of blocks; null
    for the base), `share`. What has no operator, layer or phase is a row too.
    """
    before = pl.col("allocated_ns").is_null()
    base = pl.when(pl.col("bytes") < 0).then(pl.lit(UNSEEN)).otherwise(pl.lit(BEFORE))
    return (
        operator_names(live, events)
        .group_by(
            pl.when(before).then(base).otherwise(pl.col(by).fill_null(UNKNOWN.format(by))).alias("name"),
            pl.when(before).then(pl.lit("before")).otherwise(pl.lit("recorded")).alias("origin"),
        )
        .agg(pl.col("bytes").sum(), pl.col("allocated_ns").count().cast(pl.Int64).alias("count"))
        .with_columns(
            pl.when(pl.col("origin") == "recorded").then("count").alias("count"),
            (pl.col("bytes") / pl.col("bytes").sum().clip(1)).alias("share"),
        )
        .sort("bytes", "name", descending=[True, False])
    )


def paired(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Two sides of `live_by` in one, largest of either first: `name`, `origin`, `a_bytes`, `b_bytes`, `difference_bytes` (b less a),
    `a_count`, `b_count`.

    A name that one side does not have is 0 there, so each column sums to its side's.
    """
    keys = ["name", "origin"]
    left, right = (side.select(*keys, pl.col("bytes", "count").name.prefix(f"{letter}_")) for letter, side in (("a", a), ("b", b)))
    both = left.join(right, on=keys, how="full", coalesce=True).with_columns(pl.col("a_bytes", "b_bytes").fill_null(0))
    difference = (pl.col("b_bytes") - pl.col("a_bytes")).alias("difference_bytes")
    return both.select(*keys, "a_bytes", "b_bytes", difference, "a_count", "b_count").sort(
        pl.max_horizontal("a_bytes", "b_bytes"), "name", descending=[True, False]
    )


def folded(table: pl.DataFrame, top: int = 15) -> pl.DataFrame:
    """The table with the rows beyond `top`, in its order, as one row `REMAINDER` at the end; sums stay as they are.

    `table` has a `name` and numbers to sum; rows whose `origin`, if it has one, is not `recorded` do not count.
    """
    if "origin" not in table.columns:
        return folded(table.with_columns(pl.lit("recorded").alias("origin")), top).drop("origin")
    recorded = table.filter(pl.col("origin") == "recorded")
    rest = recorded[top:]
    if len(rest) < 2:
        return table
    summed = rest.select(
        pl.lit(f"{REMAINDER} ({len(rest)})").alias("name"), pl.lit("rest").alias("origin"), pl.exclude("name", "origin").sum()
    )
    stays = (pl.col("origin") != "recorded") | ((pl.col("origin") == "recorded").cum_sum() <= top)
    return pl.concat([table.filter(stays), summed.select(table.columns)], how="vertical_relaxed")


def increase_by(memory: pl.DataFrame, events: pl.DataFrame, device: str, by: str, steps: int = 0) -> pl.DataFrame:
    """Who took and gave memory, most of either first: `name` (an `operator`, a `layer` or a `phase`), `allocations`,
    `allocated_bytes`, `released_bytes`, `increase_bytes` (allocated less released).

    With the number of marked steps, per step: the rows inside them, divided by it. Without, the sums of all rows. As torch.profiler's
    self memory: what an operator's callees take is theirs, and what was released outside of every operator is a row of its own.
    """
    own = memory.filter((pl.col("device") == device) & (pl.col("step").is_not_null() if steps else pl.lit(True)))
    named = operator_names(own, events).with_columns(pl.col("layer", "phase").cast(pl.String))
    times = max(steps, 1)
    took, gave = (pl.col("delta_bytes").filter(chosen) for chosen in (pl.col("delta_bytes") > 0, pl.col("delta_bytes") < 0))
    return (
        named.group_by(pl.col(by).fill_null(UNKNOWN.format(by)).alias("name"))
        .agg(
            (took.len() / times).alias("allocations"),
            (took.sum() / times).alias("allocated_bytes"),
            (-gave.sum() / times).alias("released_bytes"),
            (pl.col("delta_bytes").sum() / times).alias("increase_bytes"),
        )
        .sort(pl.max_horizontal("allocated_bytes", "released_bytes"), "name", descending=[True, False])
    )


def reduced(
    series: pl.DataFrame, start_ns: int, end_ns: int, *, measure: str = "allocated_bytes", at_most: int = 1000
) -> pl.DataFrame:
    """At most `at_most` rows (10 or more) of `over_time` for a stepped chart of [start_ns, end_ns], with the `place` of each.

    `series` needs `time_ns` and MEASURES. The window is cut into equal parts; of each, the first and the last row, the lowest and the
    highest of the measure and the most reserved are kept, so that every row is true and each peak is kept exactly. The level at the
    start of the window is carried to it from the row before, and the last one to its end.
    """
    first, last = place_at(series, start_ns), place_at(series, end_ns)
    rows = series.select("time_ns", *MEASURES).with_row_index("place")[first : last + 1]
    inner = rows.filter(pl.col("time_ns") >= start_ns)
    carried = rows.head(len(rows) - len(inner)).with_columns(pl.lit(start_ns, pl.Int64).alias("time_ns"))
    end = rows.tail(1).with_columns(pl.lit(end_ns, pl.Int64).alias("time_ns"))
    if len(inner) + 2 > at_most:
        parts = (at_most - 2) // _KEPT_PER_PART
        part = (
            ((pl.col("time_ns") - start_ns).cast(pl.Float64) / max(end_ns - start_ns, 1) * parts).cast(pl.Int64).clip(0, parts - 1)
        )
        kept = inner.group_by(part.alias("part")).agg(
            pl.col("place").first().alias("first"),
            pl.col("place").last().alias("last"),
            pl.col("place").sort_by(measure).first().alias("lowest"),
            pl.col("place").get(pl.col(measure).arg_max()).alias("highest"),
            pl.col("place").get(pl.col("reserved_bytes").arg_max()).alias("reserved"),
        )
        inner = inner.filter(pl.col("place").is_in(pl.concat([kept[name] for name in kept.columns[1:]]).unique().implode()))
    return pl.concat([carried, inner, end])
