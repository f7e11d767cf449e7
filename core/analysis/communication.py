"""Collectives: what they cost, how much of them hides behind computing, and which rank everybody waits for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.analysis.devices import device_account, device_labels, device_work
from core.analysis.intervals import Intervals
from core.traces.schema import Step, Trace


def collective_table(events: pl.DataFrame) -> pl.DataFrame:
    """Collectives on devices by kernel: `device`, `name`, `count`, `total_ns`, `mean_ns`, `min_ns`, `max_ns`, `bytes` (of their
    input; null where the profiler did not say); largest first.
    """
    return (
        device_work(events)
        .filter(pl.col("kind") == "communication")
        .group_by(pl.col("device", "name").cast(pl.String))
        .agg(
            pl.len().alias("count"),
            pl.col("duration_ns").sum().alias("total_ns"),
            pl.col("duration_ns").mean().alias("mean_ns"),
            pl.col("duration_ns").min().alias("min_ns"),
            pl.col("duration_ns").max().alias("max_ns"),
            pl.when(pl.col("bytes").is_not_null().any()).then(pl.col("bytes").sum()).alias("bytes"),
        )
        .sort("total_ns", "name", descending=[True, False])
    )


def overlap(events: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """Per device and step (all together where none is marked): `device`, `step`, `wall_ns`, `compute_ns`, `communication_ns`,
    `overlap_ns` (both at once), `exposed_ns` (communication alone), `neither_ns`; compute + communication - overlap + neither
    is the wall time.
    """
    work = device_work(events)
    rows = []
    for label in device_labels(events):
        own = work.filter(pl.col("device") == label)
        compute, communication = (Intervals.of(own.filter(pl.col("kind") == kind)) for kind in ("kernel", "communication"))
        windows: list[tuple[int | None, int, int]] = [(step.number, step.start_ns, step.end_ns) for step in steps] or [
            (None, *_span(own))
        ]
        starts, ends = (np.array([window[place] for window in windows], np.int64) for place in (1, 2))
        computing, talking, either = (part.inside_ns(starts, ends) for part in (compute, communication, compute | communication))
        for (number, start, end), c, t, e in zip(windows, computing.tolist(), talking.tolist(), either.tolist(), strict=True):
            rows.append((label, number, end - start, c, t, c + t - e, e - c, end - start - e))
    columns = ("wall_ns", "compute_ns", "communication_ns", "overlap_ns", "exposed_ns", "neither_ns")
    return pl.DataFrame(rows, schema={"device": pl.String, "step": pl.Int32, **dict.fromkeys(columns, pl.Int64)}, orient="row")


def _span(work: pl.DataFrame) -> tuple[int, int]:
    start, end = work.select(pl.col("start_ns").min(), (pl.col("start_ns") + pl.col("duration_ns")).max().alias("end")).row(0)
    return start, end


def rank_account(trace: Trace, place: int) -> pl.DataFrame:
    """How the devices of one rank spent their time: `rank` (`place` where the recording does not say), `device`, `steps`,
    `step_ns` (median; null without steps), and the columns of `device_account`; a row per device.
    """
    lengths = [step.end_ns - step.start_ns for step in trace.facts.steps]
    median = float(np.median(lengths)) if lengths else None
    rows = [
        {"rank": _rank(trace, place), "device": label, "steps": len(lengths), "step_ns": median, **account}
        for label, account in device_account(trace.events).items()
    ]
    return pl.DataFrame(rows, schema_overrides={"step_ns": pl.Float64})


def ranks_table(traces: Sequence[Trace]) -> pl.DataFrame:
    """One row per rank and device, as `rank_account`."""
    return joined_ranks([rank_account(trace, place) for place, trace in enumerate(traces)])


def joined_ranks(accounts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Accounts of several ranks as one table, by rank; a rank without device work has no row."""
    known = [account for account in accounts if not account.is_empty()]
    return pl.concat(known).sort("rank", "device") if known else pl.DataFrame()


def rank_steps(trace: Trace, place: int) -> pl.DataFrame:
    """`overlap` of one rank, with its `rank`."""
    return overlap(trace.events, trace.facts.steps).select(pl.lit(_rank(trace, place), pl.Int32).alias("rank"), pl.all())


def stragglers(traces: Sequence[Trace]) -> pl.DataFrame:
    """`slowest_ranks` of whole recordings."""
    return slowest_ranks([rank_steps(trace, place) for place, trace in enumerate(traces)])


def slowest_ranks(ranks: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Who waited for whom, step by step: `step`, `rank`, `device`, `compute_ns`, `communication_ns`, `behind_ns` (compute
    beyond the quickest rank's in that step), `straggler` (the rank that computed longest; the others' collectives wait for it).

    `ranks` as `rank_steps` makes them. Only steps that all ranks recorded. Clocks of ranks are not compared, lengths are.
    """
    if not ranks:
        return pl.DataFrame(schema={"step": pl.Int32, "rank": pl.Int32, "device": pl.String, "compute_ns": pl.Int64, "communication_ns": pl.Int64,
                                    "behind_ns": pl.Int64, "straggler": pl.Boolean})  # fmt: skip
    together = pl.concat(ranks)
    everywhere = pl.col("rank").n_unique().over("step") == together["rank"].n_unique()
    least, most = pl.col("compute_ns").min().over("step"), pl.col("compute_ns").max().over("step")
    return (
        together.filter(everywhere & pl.col("step").is_not_null())
        .with_columns(
            (pl.col("compute_ns") - least).alias("behind_ns"), ((pl.col("compute_ns") == most) & (most > least)).alias("straggler")
        )
        .select("step", "rank", "device", "compute_ns", "communication_ns", "behind_ns", "straggler")
        .sort("step", "rank", "device")
    )


def _rank(trace: Trace, place: int) -> int:
    return place if trace.facts.rank is None else trace.facts.rank
