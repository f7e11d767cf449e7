"""A sweep's table and what it says, on comparisons made up so that the answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from core.analysis.live import nominal_duration_s
from core.analysis.sweep import SCHEMA, remaining_s, sweep_table, trends
from core.bench.sweep import comparison_spec, plan_sweep
from core.model.comparison import PRESETS, ComparisonResult
from core.model.sweep import SweepPair, SweepSpec
from core.store.comparisons import ComparisonStore
from tests.pages import samples

FASTER = (1.5, 1.52, 1.48, 1.51, 1.5, 1.49)


@pytest.fixture
def spec() -> SweepSpec:
    pair = SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)
    return plan_sweep([("mnist_cnn", {})], [pair], batch_sizes=(16, 32, 64))


def finish(home: Path, spec: SweepSpec, cell: int, ratios: tuple[float, ...], **more: tuple[str, ...]) -> ComparisonResult:
    store = ComparisonStore(home)
    one = comparison_spec(spec, spec.cells[cell])
    store.create(one)
    return samples.finish(store, one, ratios=ratios, **more)  # type: ignore[arg-type]


def test_a_row_per_cell_with_what_its_comparison_found(home: Path, spec: SweepSpec):
    result = finish(home, spec, 1, FASTER)
    table = sweep_table(spec, {1: result}, {2: "out of memory"})
    assert dict(table.schema) == SCHEMA
    assert table["batch_size"].to_list() == [16, 32, 64]
    row = table.row(1, named=True)
    assert (row["comparison"], row["ratio"], row["a_step_ms"], row["b_step_ms"]) == (result.id, result.ratio, 20.0, pytest.approx(30.0, rel=0.02))
    assert (row["low"], row["high"]) == result.interval_95
    assert table["verdict"].to_list() == [None, "faster", None]
    assert table["reason"].to_list() == ["", "", "out of memory"]
    assert row["flops_per_step"] == 32 * (spec.workloads[0].flops_per_sample or 0)


def test_six_pairs_that_are_faster_alone_are_not_faster_among_two(home: Path, spec: SweepSpec):
    """Each p is 2/64; Holm makes the smaller 4/64, which is above 5 %."""
    table = sweep_table(spec, {cell: finish(home, spec, cell, FASTER) for cell in (0, 1)}, {})
    assert table["alone"].to_list() == ["faster", "faster", None]
    assert table["verdict"].to_list() == ["cannot_tell", "cannot_tell", None]
    assert table["p_holm"].to_list() == [4 / 64, 4 / 64, None]
    assert "among 2 comparisons" in table["reason"][0]


def test_with_the_pairs_that_the_plan_asks_for_they_are_faster_together(home: Path, spec: SweepSpec):
    ratios = FASTER + FASTER[: spec.preset.pairs - len(FASTER)]
    assert len(ratios) == spec.preset.pairs
    table = sweep_table(spec, {cell: finish(home, spec, cell, ratios) for cell in range(3)}, {})
    assert table["verdict"].to_list() == ["faster"] * 3


def test_a_cell_that_is_not_comparable_has_no_ratio_and_does_not_count_among_the_others(home: Path, spec: SweepSpec):
    results = {0: finish(home, spec, 0, FASTER), 1: finish(home, spec, 1, FASTER, reasons=("The machine was crowded.",))}
    table = sweep_table(spec, results, {})
    assert table["verdict"].to_list() == ["faster", "not_comparable", None]
    assert table["ratio"].to_list()[1] is None
    assert "The machine was crowded" in table["reason"][1]


def grid(*cells: tuple[int | None, float, float, float]) -> pl.DataFrame:
    """Cells as operations per step, ratio and interval."""
    rows = [
        {"cell": index, "workload": f"w{index}", "batch_size": 16, "flops_per_step": flops, "pair": "A / B", "ratio": ratio, "low": low, "high": high}
        for index, (flops, ratio, low, high) in enumerate(cells)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


@pytest.mark.parametrize(
    ("large", "outcome"),
    [
        ((1.5, 1.4, 1.6), "widens"),
        ((1.2, 1.15, 1.6), "cannot_tell"),
        ((1.0, 0.99, 1.01), "narrows"),
        ((0.8, 0.75, 0.85), "turns"),
        ((1.0, 0.5, 2.0), "cannot_tell"),
    ],
)
def test_the_difference_at_the_most_work_against_that_at_the_least(large: tuple[float, float, float], outcome: str):
    (trend,) = trends(grid((10**9, *large), (10**6, 1.1, 1.05, 1.2), (10**7, 9.0, 8.0, 10.0)))
    assert (trend.smallest, trend.largest) == ("w1, batch 16", "w0, batch 16")
    assert (trend.small_ratio, trend.large_ratio, trend.outcome) == (1.1, large[0], outcome)


def test_without_two_counted_cells_there_is_no_trend():
    assert trends(grid((10**9, 1.5, 1.4, 1.6), (None, 1.1, 1.0, 1.2))) == []
    assert trends(grid((10**9, 1.5, 1.4, 1.6), (10**9, 1.1, 1.0, 1.2))) == []


def test_what_is_left_is_a_guess_from_the_cells_that_ended():
    quick = PRESETS["quick"]
    assert remaining_s(quick, 3, [10.0, 20.0, 90.0], running_s=5.0) == 55.0
    assert remaining_s(quick, 2, [10.0], running_s=500.0) == 10.0
    assert remaining_s(quick, 2, []) == 2 * nominal_duration_s(quick, profile=False)
    assert remaining_s(replace(quick, pairs=12), 0, []) == 0.0
