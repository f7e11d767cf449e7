"""Parts of steps, streams and ranks: order and units kept, few marks however long the recording, colour never alone."""

from __future__ import annotations

import polars as pl
import pytest

from core.charts.breakdown import MOST_STEPS, grouped_bars, neighbours, share_bars, stacked_rows, step_bars
from core.charts.ranks import MOST_CELLS, straggler_cells

PARTS = ("kernel", "memcpy", "other")


def steps(count: int) -> pl.DataFrame:
    """Step n: n ms of kernels and 1 ms of nothing."""
    return pl.concat(
        pl.DataFrame({"step": [n, n, n], "part": PARTS, "duration_ns": [n * 1_000_000, 0, 1_000_000]}) for n in range(1, count + 1)
    )


def rows_of(made, layer: int = 0):
    data = made["layer"][layer].get("data", made.get("data"))
    return made["datasets"][data["name"]]


def test_a_bar_per_step_with_a_piece_per_part_that_is_there():
    made = step_bars(steps(3), PARTS, reach_ms=10).to_dict()
    drawn = {(row["label"], row["part"]): row["ms"] for row in rows_of(made)}
    assert drawn == {
        ("1", "kernel"): 1,
        ("1", "other"): 1,
        ("2", "kernel"): 2,
        ("2", "other"): 1,
        ("3", "kernel"): 3,
        ("3", "other"): 1,
    }
    encoding = made["layer"][0]["encoding"]
    assert encoding["color"]["scale"]["domain"] == ["kernel", "other"]
    assert encoding["y"]["scale"]["domain"] == [0, 10]
    assert encoding["y"]["title"] == "ms of a step"
    assert encoding["x"]["title"] == "step"


def test_many_steps_are_drawn_as_means_of_neighbours_and_keep_their_sum():
    table = steps(MOST_STEPS * 2)
    found = neighbours(table)
    assert found["label"].unique(maintain_order=True).to_list()[:2] == ["1-2", "3-4"]
    assert found.filter(pl.col("label") == "1-2", pl.col("part") == "kernel").row(0)[2:] == (1.5, pytest.approx(0.6))
    assert found["ms"].sum() * 2 == pytest.approx(sum(table["duration_ns"]) / 1e6)
    made = step_bars(table, PARTS).to_dict()
    assert len(rows_of(made)) <= 2_000
    assert made["layer"][0]["encoding"]["x"]["title"] == "steps, means of neighbours"


def test_rows_of_parts_keep_their_order_and_say_their_share():
    table = pl.DataFrame(
        {"label": ["gpu:0"] * 2 + ["gpu:0 · 7"] * 2, "part": ["busy", "host wait"] * 2, "ns": [3_000_000, 1_000_000, 0, 2_000_000]}
    )
    made = stacked_rows(table, ("busy", "host wait"), title="ms").to_dict()
    assert made["layer"][0]["encoding"]["y"]["sort"] == ["gpu:0", "gpu:0 · 7"]
    assert [(row["label"], row["ms"], row["share"]) for row in rows_of(made)] == [
        ("gpu:0", 3.0, 0.75),
        ("gpu:0", 1.0, 0.25),
        ("gpu:0 · 7", 2.0, 1.0),
    ]


def test_a_share_that_was_not_recorded_has_no_bar_and_says_so():
    table = pl.DataFrame({"label": ["utilisation", "occupancy"], "group": ["A", "A"], "share": [0.5, None]})
    made = share_bars(table, {"A": "#4a7de0"}).to_dict()
    assert [row["length"] for row in rows_of(made)] == [0.5, 0.0]
    assert "not recorded" in str(made["layer"][1]["transform"])


def test_groups_have_the_colours_they_were_given_and_their_words():
    table = pl.DataFrame({"key": ["copy"] * 2, "group": ["A", "B"], "ms": [1.0, 2.0], "text": ["1 ms", "2 ms"]})
    made = grouped_bars(table, {"A": "#4a7de0", "B": "#a07c10"}, title="ms").to_dict()
    assert made["layer"][0]["encoding"]["color"]["scale"] == {"domain": ["A", "B"], "range": ["#4a7de0", "#a07c10"]}
    assert {row["text"] for row in rows_of(made)} == {"1 ms", "2 ms"}


def behind(ranks: int, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        [(step, f"rank {rank}", rank * 1_000_000, 5_000_000, rank == ranks - 1) for step in range(count) for rank in range(ranks)],
        schema=["step", "label", "behind_ns", "compute_ns", "straggler"], orient="row",
    )  # fmt: skip


def test_a_cell_per_rank_and_step_with_its_number_where_there_is_room():
    made = straggler_cells(behind(2, 3)).to_dict()
    assert len(made["layer"]) == 2
    assert [row["behind_ms"] for row in rows_of(made)] == [0.0, 1.0] * 3
    assert len(straggler_cells(behind(2, 30)).to_dict()["layer"]) == 1


def test_more_ranks_and_steps_than_cells_leave_the_last_steps_to_the_table():
    assert len(rows_of(straggler_cells(behind(128, 100)).to_dict())) <= MOST_CELLS
