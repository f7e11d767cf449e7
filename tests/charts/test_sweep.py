"""The ratio over a grid, against work and against batch."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from core.analysis.sweep import SCHEMA
from core.charts.sweep import MOST_NAMES, ratio_by_batch, ratio_by_flops

PAIR = "TensorFlow graph / PyTorch eager"


def table(*cells: tuple[str, int, int | None, float | None]) -> pl.DataFrame:
    """Cells as workload, batch size, operations per step and ratio."""
    rows = [
        {"cell": index, "workload": workload, "batch_size": batch, "flops_per_step": flops, "pair": PAIR, "ratio": ratio,
         "low": ratio and ratio / 1.1, "high": ratio and ratio * 1.1, "verdict": "faster"}
        for index, (workload, batch, flops, ratio) in enumerate(cells)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


TABLE = table(
    ("mlp", 16, 1_000_000, 1.5), ("mlp", 64, 4_000_000, 1.4),
    ("gpt, layers 2", 16, 2_000_000_000, 0.8), ("gpt, layers 2", 64, 8_000_000_000, None),
)  # fmt: skip


def layers(made: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    return [layer for layer in made["layer"] if layer["mark"]["type"] == mark]


def drawn(made: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = made["datasets"][layers(made, mark)[-1]["data"]["name"]]
    return rows


def test_work_is_in_billions_of_operations_on_a_logarithmic_axis_that_holds_all_of_them():
    made = ratio_by_flops(TABLE).to_dict()
    points = drawn(made, "point")
    assert [row["gflop"] for row in points] == [0.001, 0.004, 2.0]
    x = layers(made, "point")[0]["encoding"]["x"]
    assert x["title"] == "billion floating-point operations per training step"
    assert x["scale"]["type"] == "log"
    low, high = x["scale"]["domain"]
    assert low < 0.001
    assert high > 2.0


@pytest.mark.parametrize("chart", [ratio_by_flops, ratio_by_batch])
def test_a_cell_without_a_ratio_is_not_drawn_and_each_other_has_its_interval(chart: Any):
    made = chart(TABLE).to_dict()
    assert len(drawn(made, "point")) == 3
    spread = layers(made, "rule")[-1]["encoding"]
    assert (spread["y"]["field"], spread["y2"]["field"]) == ("low", "high")


@pytest.mark.parametrize("chart", [ratio_by_flops, ratio_by_batch])
def test_equal_times_have_a_line_and_both_ways_from_it_are_named(chart: Any):
    made = chart(TABLE).to_dict()
    rules = [made["datasets"][layer["data"]["name"]] for layer in layers(made, "rule")]
    assert [{"ratio": 1.0}] in rules
    said = {row["words"] for layer in layers(made, "text") for row in made["datasets"][layer["data"]["name"]] if "words" in row}
    assert said == {"↑ A is faster", "↓ B is faster"}


def test_a_workload_has_its_name_beside_its_colour_and_a_pair_its_shape():
    made = ratio_by_flops(TABLE).to_dict()
    encoding = layers(made, "point")[0]["encoding"]
    assert encoding["color"]["scale"]["domain"] == ["mlp", "gpt, layers 2"]
    assert encoding["shape"]["scale"]["domain"] == [PAIR]
    assert layers(made, "text")[-1]["encoding"]["text"]["field"] == "short"
    assert {row["short"] for row in drawn(made, "text")} == {"mlp", "gpt"}


def test_names_are_left_to_the_legend_where_they_would_cover_each_other():
    many = table(*((f"own_{index}", 16, 10**index, 1.2) for index in range(1, 3)), *(("mlp", 16, 1000 + n, 1.2) for n in range(MOST_NAMES)))
    texts = layers(ratio_by_flops(many).to_dict(), "text")
    assert all(layer["encoding"]["text"]["field"] == "words" for layer in texts)


def test_batches_of_one_workload_and_pair_are_joined_and_named_once():
    made = ratio_by_batch(TABLE).to_dict()
    assert layers(made, "line")[0]["encoding"]["detail"] == [{"field": "pair", "type": "nominal"}]
    assert [(row["workload"], row["batch_size"]) for row in drawn(made, "text")] == [("mlp", 64), ("gpt, layers 2", 16)]


def test_one_cell_alone_has_room_on_its_axis():
    low, high = layers(ratio_by_batch(TABLE.head(1)).to_dict(), "point")[0]["encoding"]["x"]["scale"]["domain"]
    assert low < 16 < high
