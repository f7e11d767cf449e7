"""What a step's work costs, told apart by everything it is known by: the rows that a page groups, filters, searches and sums up.

Two clocks can tell: the devices' (kernels, copies, memsets, collectives) and the host's (operators, which on a CPU are the kernels).
All times are nanoseconds per step: per marked step, or of the whole recording where none is marked.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from core.analysis.devices import device_work
from core.analysis.kernels import with_operator_names
from core.analysis.operators import operator_costs
from core.analysis.steps import windows
from core.analysis.tensor_cores import family
from core.traces.schema import HOST, Trace

#: What every row of work is known by; on the host there is no `kernel`.
KEYS = ("kernel", "operator", "op_class", "layer", "phase")
#: What lengths mean: on a device time on a stream; on the host self time, and total time with the operators nested inside.
DEVICE_TIMES, HOST_TIMES = ("time_ns",), ("self_ns", "total_ns")
_SUMS = ("count", *DEVICE_TIMES, *HOST_TIMES, "share", "resident_ns", "estimated_ns")


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Device work of a recording with marked steps that belongs to none of them, and so is in no sum per step."""

    events: int
    time_ns: int
    share: float
    """Of all device work."""


def has_device_work(trace: Trace) -> bool:
    return not device_work(trace.events).is_empty()


def has_operators(trace: Trace) -> bool:
    """Whether the host's operators were recorded; a trace of the device alone has none."""
    return not trace.events.filter((pl.col("kind") == "operator") & (pl.col("device") == HOST)).is_empty()


def device_costs(trace: Trace) -> pl.DataFrame:
    """Device work by all of KEYS, largest first: the keys (null: not known), `kind`, `count` and `time_ns` per step, `min_ns`, `max_ns`, `share` (of
    the work counted), `tensor_core` (null: the name does not say), and for occupancy `resident_ns` over `estimated_ns`.

    Where steps are marked only work that belongs to one counts; `outside_steps` says what that leaves out. Streams that work side by
    side count each, so the sum may exceed the busy time.
    """
    events = trace.events
    work, steps = _counted(trace)
    by = ["kernel", "kind", "operator", "op_class", "layer", "phase"]
    duration, occupancy = pl.col("duration_ns"), pl.col("occupancy_percent").cast(pl.Float64)
    table = with_operator_names(work, events).group_by(by).agg(
        (pl.len() / steps).alias("count"),
        (duration.sum() / steps).alias("time_ns"),
        duration.min().alias("min_ns"),
        duration.max().alias("max_ns"),
        (duration.sum() / max(int(work["duration_ns"].sum()), 1)).alias("share"),
        ((occupancy / 100 * duration).sum() / steps).alias("resident_ns"),
        (duration.filter(occupancy.is_not_null()).sum() / steps).alias("estimated_ns"),
    )  # fmt: skip
    known = table.select("kernel", "op_class").unique()
    answers = [family(*row).tensor_core for row in known.iter_rows()]
    return (
        table.join(
            known.with_columns(pl.Series("tensor_core", answers, dtype=pl.Boolean)),
            on=["kernel", "op_class"],
            how="left",
            nulls_equal=True,
        )
        .with_columns(pl.when(pl.col("kind") == "kernel").then("tensor_core").alias("tensor_core"), pl.col("kind").cast(pl.String))
        .sort("time_ns", *by, descending=[True, *[False] * len(by)])
    )


def outside_steps(trace: Trace) -> Outside | None:
    """What `device_costs` leaves out; None where it leaves nothing out."""
    work = device_work(trace.events)
    counted, _ = _counted(trace)
    if len(counted) == len(work):
        return None
    total_ns, inside_ns = (int(frame["duration_ns"].sum()) for frame in (work, counted))
    return Outside(events=len(work) - len(counted), time_ns=total_ns - inside_ns, share=(total_ns - inside_ns) / max(total_ns, 1))


def per_step(trace: Trace, *, device: bool) -> bool:
    """Whether the costs are those of one step; else those of the whole recording."""
    if not trace.facts.steps:
        return False
    return not device or device_work(trace.events)["step"].count() > 0


def in_steps(trace: Trace) -> pl.DataFrame:
    """The events that belong to a marked step; all of them where none is marked."""
    return trace.events.filter(pl.col("step").is_not_null()) if trace.facts.steps else trace.events


def _counted(trace: Trace) -> tuple[pl.DataFrame, int]:
    """Device work to count, and the steps to divide it by: all of it and 1 where no step was marked, or none has any."""
    work = device_work(trace.events)
    inside = work.filter(pl.col("step").is_not_null()) if trace.facts.steps else work.clear()
    return (work, 1) if inside.is_empty() else (inside, len(trace.facts.steps))


def host_costs(trace: Trace) -> pl.DataFrame:
    """Operators on the host by all of KEYS, largest first, as `core.analysis.operators` defines them: the keys but `kernel`, `count`,
    `self_ns` and `total_ns` per step, `share` (self time, of the steps' wall time).
    """
    return operator_costs(trace.events, windows(trace))


def summed_up(costs: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Rows of `device_costs` or `host_costs` put together by some of their keys, largest first.

    Sums of what can be summed, and `mean_ns` (of one launch), `min_ns`, `max_ns`, `occupancy` (0 to 1, weighted by time; null where the
    profiler estimated none) and `tensor_core` (null also where they differ). Each key that is not in `by` holds the value that all rows
    share, `3 layers` where they have several.
    """
    device = "time_ns" in costs.columns
    own = [key for key in KEYS if key in costs.columns]
    order = "time_ns" if device else "self_ns"
    same = pl.when(pl.col("tensor_core").n_unique() == 1)
    found = costs.group_by(by).agg(
        *(_one_of(key) for key in own if key not in by),
        *(pl.col(name).sum() for name in _SUMS if name in costs.columns),
        *([pl.col("min_ns").min(), pl.col("max_ns").max(), same.then(pl.col("tensor_core").first())] if device else []),
    )  # fmt: skip
    if device:
        found = found.with_columns(
            pl.when(pl.col("count") > 0).then(pl.col("time_ns") / pl.col("count")).alias("mean_ns"),
            pl.when(pl.col("estimated_ns") > 0).then(pl.col("resident_ns") / pl.col("estimated_ns")).alias("occupancy"),
        ).drop("resident_ns", "estimated_ns")
    rest = [name for name in found.columns if name not in KEYS]
    return found.select(*own, *rest).sort(order, *by, descending=[True, *[False] * len(by)])


_PLURALS = {"kernel": "kernels", "operator": "operators", "op_class": "classes", "layer": "layers", "phase": "phases"}


def _one_of(key: str) -> pl.Expr:
    values = pl.col(key).drop_nulls()
    many = pl.format("{} " + _PLURALS[key], values.n_unique())
    return pl.when(values.n_unique() > 1).then(many).otherwise(values.first()).alias(key)
