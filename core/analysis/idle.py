"""Why a device waited: each gap between two of its events, and what it waited for.

- *host wait*: the next event was launched only after the one before had ended; the host was late.
- *launch gap*: it had been launched before, and began within 30 us: the device's own time from one kernel to the next.
- *dependency*: it had been launched before and still waited longer: for another stream, an event, a lock; or nothing is known of
  its launch and the gap is long.

The threshold and the order of the questions are those of Holistic Trace Analysis's idle-time breakdown; times are exact here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from core.analysis.devices import device_work

LAUNCH_GAP_BELOW_NS = 30_000
CAUSES = ("host wait", "launch gap", "dependency")


def stream_gaps(events: pl.DataFrame) -> pl.DataFrame:
    """Every gap of every stream: `device`, `lane`, `start_ns`, `duration_ns`, `cause`, `next` (row of the event that ended it).

    Per stream the gaps sum to its span minus the union of its events.
    """
    return _gaps(device_work(events), events, ["device", "lane"])


def device_gaps(events: pl.DataFrame) -> pl.DataFrame:
    """Every gap in which no stream of a device worked; per device they sum to its idle time. Columns as in `stream_gaps`; `lane` is
    that of the event that ended the gap.
    """
    return _gaps(device_work(events), events, ["device"])


def _gaps(work: pl.DataFrame, events: pl.DataFrame, over: list[str]) -> pl.DataFrame:
    ordered = (
        work.with_columns(events["start_ns"].gather(work["launch"]).alias("launched_ns"))
        .sort(*over, "start_ns", "row")
        .with_columns((pl.col("start_ns") + pl.col("duration_ns")).cum_max().over(over).alias("reach_ns"))
        .with_columns(pl.col("reach_ns").shift(1).over(over).alias("before_ns"))
        .filter(pl.col("start_ns") > pl.col("before_ns"))
    )
    gap_ns = pl.col("start_ns") - pl.col("before_ns")
    cause = (
        pl.when(pl.col("launched_ns") > pl.col("before_ns"))
        .then(pl.lit("host wait"))
        .when(gap_ns < LAUNCH_GAP_BELOW_NS)
        .then(pl.lit("launch gap"))
        .otherwise(pl.lit("dependency"))
    )
    return ordered.select(
        pl.col("device", "lane").cast(pl.String),
        pl.col("before_ns").alias("start_ns"),
        gap_ns.alias("duration_ns"),
        cause.cast(pl.Enum(CAUSES)).alias("cause"),
        pl.col("row").alias("next"),
    )


def causes(gaps: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Idle time by cause: the columns `by`, `cause`, `count`, `idle_ns`, `share` of the idle time of its group."""
    table = gaps.group_by(*by, "cause").agg(pl.len().alias("count"), pl.col("duration_ns").sum().alias("idle_ns"))
    share = pl.col("idle_ns") / (pl.col("idle_ns").sum().over(list(by)) if by else pl.col("idle_ns").sum())
    return table.with_columns(share.alias("share")).sort(*by, "cause")


def longest(gaps: pl.DataFrame, events: pl.DataFrame, top: int = 20) -> pl.DataFrame:
    """The longest gaps, with what ended them: `device`, `lane`, `start_ns`, `duration_ns`, `cause`, `next_name`, `operator`,
    `layer`.
    """
    chosen = gaps.sort("duration_ns", descending=True).head(top)
    following = events[pl.Series(chosen["next"].to_numpy().astype(np.int64))] if len(chosen) else events.clear()
    names = events["name"].gather(following["operator"]).cast(pl.String)
    return chosen.drop("next").with_columns(
        following["name"].cast(pl.String).alias("next_name"),
        names.alias("operator"),
        following["layer"].cast(pl.String).alias("layer"),
    )


def busy_and_idle(accounts: Mapping[str, Mapping[str, int]], idle: Mapping[str, Any], streams: pl.DataFrame, *, before: str = "") -> pl.DataFrame:
    """`label`, `events`, `part`, `ns`: devices, each followed by its streams, the busiest first; the part is `busy` or one of `CAUSES`.

    From `core.analysis.devices.device_account`, `idle_causes` and `core.analysis.devices.stream_account`; `before` begins every label.
    """
    rows: list[tuple[str, int, str, int]] = []
    for device, account in accounts.items():
        rows += _parts(f"{before}{device}", account["events"], account["busy_ns"], idle[device])
        own = streams.filter(pl.col("device") == device)
        if len(own) > 1:
            for lane, events, busy_ns in own.select("lane", "events", "busy_ns").iter_rows():
                rows += _parts(f"{before}{device} · {lane}", events, busy_ns, idle[device]["streams"][lane])
    return pl.DataFrame(rows, schema={"label": pl.String, "events": pl.Int64, "part": pl.String, "ns": pl.Int64}, orient="row")


def _parts(label: str, events: int, busy_ns: int, idle: Mapping[str, int]) -> list[tuple[str, int, str, int]]:
    return [(label, events, "busy", busy_ns), *((label, events, cause, idle[f"{cause.replace(' ', '_')}_ns"]) for cause in CAUSES)]
