"""Who uses the processor at this moment: two readings of its counters, a second apart."""

from __future__ import annotations

import os
import time

import polars as pl

from core.charts.live import cores_now
from core.machine.cpu import usable_cpus
from core.machine.load import MachineReader, load_between
from pages._parts.charts import chart_with_table

WINDOW_S = 1.0


def processor_load() -> pl.DataFrame:
    """`who`, `cores` over the last second; this app and what it started count as its own."""
    reader = MachineReader()
    reader.follow(os.getpid())
    first = reader.read()
    time.sleep(WINDOW_S)
    load = load_between([first, reader.read()])
    reader.close()
    rows = [("this app", load.own_cores), ("other processes", load.other_cores), ("taken by the hypervisor", load.steal_cores)]
    return pl.DataFrame(rows, schema={"who": pl.String, "cores": pl.Float64}, orient="row")


def show_processor() -> None:
    frame, cores = processor_load(), len(usable_cpus())
    chart_with_table(
        cores_now(frame, cores), frame, download_name="processor-now",
        alt="Bars of busy cores: " + ", ".join(f"{who} {used:.2f}" for who, used in frame.iter_rows()) + f", of {cores}.",
    )  # fmt: skip
