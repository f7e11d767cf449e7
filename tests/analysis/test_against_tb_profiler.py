"""Our analyses beside torch-tb-profiler's own code, on the samples that it was published with (ResNet-50 on a V100, torch 1.8).

Where the definitions are the same, so are the numbers:

- step breakdown: same classes, same order of precedence. The plugin moves the end of a step to the end of the last kernel launched in
  it, and the start of the next one with it, so ours is given its windows. Marks such as `Optimizer.step` are operators there and
  annotations here, so ours is given them as operators too.
- utilisation, SM efficiency, occupancy: same windows, same formulas. Numbers of a kernel are kept as float32 here, float64 there.
- kernels by name: count, sum, mean, least and greatest duration, blocks per SM and occupancy weighted by duration.
- memory: allocations by operator, the innermost one on the thread (the plugin leaves out what is in none); peaks, where the
  recording has totals, which these two have not.

Not the same, and not compared: tensor-core use (there a list of 18 names of kernels), device time of operators (there by the external
id alone, which gives 0 for every trace after 2021).
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
import pytest

from core.analysis.breakdown import PARTS, step_breakdown
from core.analysis.efficiency import efficiency
from core.analysis.kernels import kernel_table
from core.analysis.memory import UNKNOWN, increase_by, memory_account, memory_devices
from core.traces.read import read_trace
from core.traces.schema import KINDS, Step, Trace
from tests.traces.shared import SHARED, needs_shared

# The plugin is from before pandas 3.
pytestmark = [needs_shared, pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")]
data, event_parser, gpu_metrics_parser, kernel_parser, overall_parser = (
    pytest.importorskip(f"torch_tb_profiler.profiler.{name}", reason="torch-tb-profiler is not installed")
    for name in ("data", "event_parser", "gpu_metrics_parser", "kernel_parser", "overall_parser")
)

SAMPLES = ("resnet50_v100_workers0", "resnet50_v100_workers4")


@dataclass(frozen=True, kw_only=True)
class Both:
    """A recording as we read it, and what the plugin makes of it; its times are microseconds after `origin_us`."""

    trace: Trace
    steps_us: list[tuple[float, float]]
    costs_us: list[list[float]]
    """For each step, in the order of PARTS."""
    metrics: Any
    kernels: Any
    """A pandas frame by name."""
    taken: dict[tuple[str, str], tuple[int, int, int]]
    """Device and operator: allocations, their bytes, and those less what was released."""

    @property
    def steps(self) -> list[Step]:
        """The plugin's windows on our clock."""
        first = int(self.trace.facts.origin_ns)
        return [
            Step(number=number, start_ns=round(start * 1000) - first, end_ns=round(end * 1000) - first, lane="")
            for number, (start, end) in enumerate(self.steps_us)
        ]


@cache
def both(name: str) -> Both:
    path = SHARED / f"{name}.pt.trace.json.gz"
    profile = data.RunProfileData("worker0", None, json.loads(gzip.decompress(path.read_bytes())))
    parser = event_parser.EventParser()
    threads, _ = parser.parse(profile.events, profile.forward_backward_events)
    overall, kernels = overall_parser.OverallParser(), kernel_parser.KernelParser()
    overall.aggregate(parser.steps, parser.role_ranges)
    kernels.parse_events(profile.events)
    metrics = gpu_metrics_parser.GPUMetricsParser.parse_events(
        profile.events, parser.global_start_ts, parser.global_end_ts, parser.steps[0][0], parser.steps[-1][1]
    )
    return Both(
        trace=read_trace(path), steps_us=parser.steps, costs_us=[costs.costs for costs in overall.steps_costs], metrics=metrics,
        kernels=kernels.kernel_stat, taken=_taken(data.MemoryParser(profile._memory_events()).find_memory_nodes(threads)),
    )  # fmt: skip


def _taken(snapshot: Any) -> dict[tuple[str, str], tuple[int, int, int]]:
    taken: dict[tuple[str, str], tuple[int, int, int]] = {}
    for operator, records in snapshot.op_memory_table.items():
        for record in records:
            key = ("cpu" if record.device_name == "CPU" else "gpu:0", operator.name)
            count, took, kept = taken.get(key, (0, 0, 0))
            taken[key] = (count + (record.bytes > 0), took + max(record.bytes, 0), kept + record.bytes)
    return taken


@pytest.mark.parametrize("name", SAMPLES)
def test_each_step_is_made_of_the_same_parts(name: str):
    it = both(name)
    marks = (pl.col("kind") == "annotation") & ~pl.col("name").cast(pl.String).str.starts_with("ProfilerStep#")
    events = it.trace.events.with_columns(pl.when(marks).then(pl.lit("operator")).otherwise("kind").cast(pl.Enum(KINDS)).alias("kind"))
    ours = step_breakdown(events, it.steps).pivot("part", index="step", values="duration_ns").sort("step")
    theirs = pl.DataFrame([costs[: len(PARTS)] for costs in it.costs_us], schema=list(PARTS), orient="row")
    assert len(ours) == len(it.costs_us) > 1
    assert {part: ours[part].to_list() for part in PARTS} == {part: [round(us * 1000) for us in theirs[part]] for part in PARTS}
    assert all(ours[part].sum() > 0 for part in ("kernel", "memcpy", "memset", "runtime", "input", "operator", "other"))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_gpu_was_used_as_much(name: str):
    it = both(name)
    ours = efficiency(it.trace.events, it.steps, it.trace.facts.devices)["gpu:0"]
    assert ours.utilisation == pytest.approx(it.metrics.gpu_utilization[0], rel=1e-12)
    assert ours.sm_efficiency == pytest.approx(it.metrics.avg_approximated_sm_efficiency_per_device[0], rel=1e-6)
    assert ours.occupancy == pytest.approx(it.metrics.avg_occupancy_per_device[0] / 100, rel=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
def test_kernels_have_the_same_numbers(name: str):
    it = both(name)
    ours = kernel_table(it.trace.events).filter(pl.col("kind") == "kernel").sort("name")
    theirs = it.kernels.sort_index()
    assert ours["name"].to_list() == theirs.index.to_list()
    assert len(ours) > 30
    assert ours["count"].to_list() == theirs["count"].to_list()
    for column, their_column in (("total_ns", "sum"), ("min_ns", "min"), ("max_ns", "max")):
        assert ours[column].to_list() == (theirs[their_column] * 1000).round().astype("int64").to_list()
    for column, their_column, scale in (("mean_ns", "mean", 1000), ("blocks_per_sm", "blocks_per_sm", 1), ("occupancy_percent", "occupancy", 1)):
        assert ours[column].to_list() == pytest.approx((theirs[their_column] * scale).to_list(), rel=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
def test_operators_take_the_same_memory(name: str):
    it = both(name)
    ours = {
        (device, row["name"]): (row["allocations"], row["allocated_bytes"], row["increase_bytes"])
        for device in memory_devices(it.trace.memory)
        for row in increase_by(it.trace.memory, it.trace.events, device, "operator").to_dicts()
        if row["name"] != UNKNOWN.format("operator")
    }
    assert ours == it.taken
    assert ("gpu:0", "aten::empty") in ours


def test_memory_peaks_where_the_recording_has_totals():
    path = SHARED / "qwen_h100_memory.pt.trace.json.gz"
    profile = data.RunProfileData("worker0", None, json.loads(gzip.decompress(path.read_bytes())))
    theirs = data.MemoryParser(profile._memory_events()).find_memory_nodes({}).get_peak_memory()
    ours = {label: account["peak_allocated_bytes"] for label, account in memory_account(read_trace(path).memory).items()}
    assert ours == {"cpu" if kind == 0 else f"gpu:{number}": peak for (kind, number), peak in theirs.items()}
    assert max(theirs.values()) > 2**30
