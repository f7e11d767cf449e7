"""How well the devices were filled while the steps ran, and which kernels use tensor cores."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.charts.breakdown import share_bars
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads
from pages._parts.kernel_work import View, analysis, on_devices
from pages._parts.opened import Opened

_MEASURES = {"GPU utilisation": "utilisation", "SM efficiency": "sm_efficiency", "occupancy": "occupancy"}
_TENSOR_CORES = {"tensor cores, of kernel time": "kernels", "tensor cores, of matrix products": "products"}
_ALL = "all devices"
#: Devices of a recording in the chart; all of them are in the table.
_MOST_DEVICES = 8
_SCHEMA = {"measure": pl.String, "device": pl.String, "group": pl.String, "share": pl.Float64}


def show_efficiency(it: View) -> None:
    """Shares by device, then the families of kernel names that the tensor cores' share rests on."""
    here = on_devices(it)
    table = pl.concat(_shares(one) for one in here).sort(
        pl.col("measure").cast(pl.Enum([*_MEASURES, *_TENSOR_CORES])), maintain_order=True
    )
    several = {one.short: table.filter(pl.col("group") == one.short)["device"].n_unique() > 1 for one in here}
    first = {device for one in here for device in list(analysis(one, "efficiency"))[:_MOST_DEVICES]} | {_ALL}
    label = pl.col("measure") + pl.when(pl.col("group").replace_strict(several)).then(", " + pl.col("device")).otherwise(pl.lit(""))
    drawn = table.filter(pl.col("device").is_in(first)).select(
        (label + pl.lit(", ") + pl.col("group").str.slice(0, 1) if len(it.opened) > 1 else label).alias("label"), "group", "share"
    )
    best = drawn.drop_nulls("share")
    words = f"{best['label'][0]}: {formats.percent(best['share'][0])}." if len(best) else "Nothing was recorded."
    shown = table.select(
        *([] if len(it.opened) == 1 else [pl.col("group").alias("recording")]), "measure", "device", pl.col("share") * 100
    )
    chart_with_table(
        share_bars(drawn, it.colours), shown, alt=f"How well the devices were used. {words}", download_name="efficiency",
        columns={"share": st.column_config.NumberColumn("share", format="%.2f %%")},
    )  # fmt: skip
    st.caption(
        "*GPU utilisation*: a kernel ran, of the steps' time (of the device's own span where no step is marked). *SM efficiency*, "
        "estimated: mean share of multiprocessors with a block. *Occupancy*, estimated: mean share of a multiprocessor's threads that are "
        "resident while kernels run, as the profiler wrote it or from the size of the grid. *Tensor cores* (matrix cores): by the families "
        "of kernel names below; a name that does not say counts as not using them."
    )
    for one in here:
        _show_families(one)


def _shares(one: Opened) -> pl.DataFrame:
    found, cores = analysis(one, "efficiency"), analysis(one, "tensor core share")
    rows = [
        (measure, device, one.short, getattr(value, name)) for device, value in found.items() for measure, name in _MEASURES.items()
    ]
    whole = _ALL if len(found) > 1 else next(iter(found))
    for measure, of in _TENSOR_CORES.items():
        total_ns = sum(cores[of].values())
        rows.append((measure, whole, one.short, cores[of]["yes_ns"] / total_ns if total_ns else None))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _show_families(one: Opened) -> None:
    answer = pl.when("tensor_core").then(pl.lit("yes")).when(~pl.col("tensor_core")).then(pl.lit("no")).otherwise(pl.lit("unknown"))
    shown = analysis(one, "tensor cores").select(
        "family", answer.alias("tensor_cores"), "count", (pl.col("total_ns") / 1e6).alias("ms"), pl.col("share") * 100
    )
    st.markdown(f"**Families of kernels: {formats.plain(one.label)}**")
    st.dataframe(
        shown, hide_index=True,
        column_config={
            "tensor_cores": "tensor cores",
            "count": st.column_config.NumberColumn("launches", format="localized"),
            "ms": st.column_config.NumberColumn("ms", format="%.3f"),
            "share": st.column_config.ProgressColumn("share of kernel time", format="%.1f %%", min_value=0, max_value=100),
        },
    )  # fmt: skip
    downloads(shown, f"tensor-cores-{one.side}")
