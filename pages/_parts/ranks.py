"""The ranks of one run next to each other: how each spent its time, how much it communicated unhidden, who kept whom waiting."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.communication import joined_ranks, rank_account, rank_steps, slowest_ranks
from core.charts.breakdown import stacked_rows
from core.charts.ranks import MOST_CELLS, straggler_cells
from core.traces.library import Entry
from core.traces.schema import TraceError
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.kept import kept
from pages._parts.kernel_work import View
from pages._parts.opened import kept_bytes, library

#: Parts of a rank's span that exclude each other, so that they sum to it.
_BUSY = {
    "computing": "compute_ns", "communicating alone": "exposed_communication_ns", "copying alone": "exposed_memcpy_ns",
    "setting memory alone": "memset_alone_ns", "idle": "idle_ns",
}  # fmt: skip
#: Ranks and devices in the chart; all of them are in the table.
_MOST_ROWS = 40


def rank_entries(it: View) -> list[Entry]:
    """Recordings of the run that the first open one is a rank of: of its folder, with its framework and number of ranks, one for each rank."""
    first = it.opened[0]
    try:
        own = library().get(first.digest)
    except TraceError:
        return []
    facts = first.trace.facts
    if facts.rank is None:
        return [own]
    by_rank = {facts.rank: own}
    for entry in library().ranks(own):
        other = library().facts(entry.digest)
        if (
            other is not None
            and other.rank is not None
            and (other.framework, other.world_size) == (facts.framework, facts.world_size)
        ):
            by_rank.setdefault(other.rank, entry)
    return [by_rank[rank] for rank in sorted(by_rank)]


def _cost(digest: str, place: int) -> int:
    return kept_bytes(digest)


@kept(max_entries=1024, show_spinner="Reading the ranks", cost=_cost)
def _of_rank(digest: str, place: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The account and the steps of one rank; the trace itself is not kept."""
    trace = library().trace(digest)
    return rank_account(trace, place), rank_steps(trace, place)


def show_ranks(it: View) -> None:
    """Per rank: busy parts, overlap, and the steps in which others waited for it."""
    entries = rank_entries(it)
    world = it.opened[0].trace.facts.world_size
    accounts, steps = [], []
    for place, entry in enumerate(entries):
        try:
            account, own = _of_rank(entry.digest, place)
        except TraceError as error:
            st.warning(
                formats.plain(str(error)), title=f"{formats.plain(entry.name)} cannot be read", icon=":material/broken_image:"
            )
            continue
        accounts.append(account)
        steps.append(own)
    table = joined_ranks(accounts)
    of = f" of {world}" if world else ""
    st.caption(f"{len(entries)}{of} ranks are here. Their clocks are not compared, only lengths of time.")
    if table.is_empty():
        st.info("None of the ranks has work on a device.", icon=":material/info:")
        return
    labelled = table.with_columns(_label(table).alias("label"))
    _show_busy(labelled)
    _show_stragglers(slowest_ranks(steps), labelled)


def _label(table: pl.DataFrame) -> pl.Expr:
    """`rank 3`, with the device where one rank has several."""
    several = table.group_by("rank").len()["len"].max() != 1
    return pl.format("rank {} · {}", "rank", "device") if several else pl.format("rank {}", "rank")


def _show_busy(table: pl.DataFrame) -> None:
    alone = pl.col("busy_ns") - pl.col("compute_ns") - pl.col("exposed_communication_ns") - pl.col("exposed_memcpy_ns")
    parts = table.with_columns(alone.alias("memset_alone_ns"))
    rows = pl.concat(
        parts.head(_MOST_ROWS).select("label", pl.lit(part).alias("part"), pl.col(column).alias("ns"))
        for part, column in _BUSY.items()
    )
    hidden = pl.when(pl.col("communication_ns") > 0).then(
        (1 - pl.col("exposed_communication_ns") / pl.col("communication_ns")) * 100
    )
    times = (
        "step_ns",
        "span_ns",
        "busy_ns",
        "idle_ns",
        "compute_ns",
        "communication_ns",
        "exposed_communication_ns",
        "memcpy_ns",
        "exposed_memcpy_ns",
        "memset_ns",
    )
    shown = table.select(
        "rank", "device", "steps", *((pl.col(name) / 1e6).alias(f"{name.removesuffix('_ns').replace('_', ' ')} ms") for name in times),
        hidden.alias("communication hidden"), "events",
    ).rename({"step ms": "median step ms"})  # fmt: skip
    slowest = table.sort("busy_ns", descending=True).row(0, named=True)
    st.markdown("**How each rank's device spent its time**")
    chart_with_table(
        stacked_rows(rows, tuple(_BUSY), title="ms from the first start to the last end"), shown, download_name="ranks",
        alt=f"Computing, exposed communication, copying and idle time of {len(table)} ranks; "
            f"busiest is {slowest['label']}, {formats.ms(slowest['busy_ns'] / 1e6)}.",
        columns={name: st.column_config.NumberColumn(name, format="%.1f %%" if name == "communication hidden" else "%.3f")
                 for name in shown.columns[3:-1]},
    )  # fmt: skip
    if len(table) > _MOST_ROWS:
        st.caption(f"{len(table) - _MOST_ROWS} more ranks are in the table.")


def _show_stragglers(table: pl.DataFrame, accounts: pl.DataFrame) -> None:
    st.markdown("**Who kept the others waiting**")
    if table.is_empty():
        st.caption("No step was recorded by all of these ranks.")
        return
    named = table.join(accounts.select("rank", "device", "label"), on=["rank", "device"], how="left", maintain_order="left")
    counts = (
        named.filter(pl.col("straggler")).group_by("label").agg(pl.len(), pl.col("behind_ns").median()).sort("len", descending=True)
    )
    cells = named["step"].n_unique() * named["label"].n_unique()
    words = "All ranks compute equally long."
    if len(counts):
        label, times, behind_ns = counts.row(0)
        words = f"{label} computes longest in {times} of {named['step'].n_unique()} steps, by {formats.ms(behind_ns / 1e6)} in the middle"
    shown = named.select(
        "step",
        "rank",
        "device",
        *((pl.col(f"{name}_ns") / 1e6).alias(f"{name} ms") for name in ("compute", "communication", "behind")),
        "straggler",
    )
    chart_with_table(
        straggler_cells(named), shown, alt=f"Milliseconds that each rank computed beyond the quickest, by step. {words}.", download_name="stragglers",
        columns={f"{name} ms": st.column_config.NumberColumn(f"{name} (ms)", format="%.3f") for name in ("compute", "communication", "behind")},
    )  # fmt: skip
    st.caption(f"{words}. Framed: the slowest of a step, for whom the others' collectives wait."
               + (" The chart has the first steps, the table all." if cells > MOST_CELLS else ""))  # fmt: skip
