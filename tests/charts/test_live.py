"""Live charts and what they are fed: few marks, the right ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from core.analysis.live import Pace, live_progress, live_steps, load_rows, nominal_duration_s, nominal_run_s, pair_ratios
from core.charts.live import cores_now, losses, machine_load, ratios_so_far, step_times
from core.charts.models import layer_parameters
from core.charts.palette import Sides
from core.model.comparison import PRESETS

SIDES = Sides(a="A · one", b="B · two", short_a="A", short_b="B", colour_a="#d4691a", colour_b="#4a7de0")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def run(index: int, role: str, side: str, begin: float, end: float | None = None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"event": "run_begin", "time": at(begin), "index": index, "role": role, "side": side, "pair": 0, "steps": 81}
    ]
    return events if end is None else [*events, {"event": "run_end", "time": at(end), "index": index, "role": role, "side": side}]


def progress(events: list[dict[str, Any]], now_s: float, preset: str = "quick"):
    return live_progress(events, PRESETS[preset], profile=True, now=START + timedelta(seconds=now_s))


def test_what_is_left_is_counted_in_runs_of_the_measured_length():
    events: list[dict[str, Any]] = [{"event": "state", "time": at(0), "state": "running"}, {"event": "stage", "stage": "parity", "runs": 2},
              *run(0, "parity", "a", 0, 10), *run(1, "parity", "b", 10, 20), {"event": "stage", "stage": "pilot", "runs": 2},
              *run(2, "pilot", "a", 20, 24), *run(3, "pilot", "b", 24, 28), {"event": "stage", "stage": "noise", "runs": 6},
              *run(4, "noise", "a", 28, 33), *run(5, "noise", "a", 33)]  # fmt: skip
    now = progress(events, 35)
    assert now.stage == "noise"
    assert (now.runs_done, now.runs_planned, now.pairs_done, now.pairs_planned) == (5, 24, 0, 6)
    # 5 more noise runs and 12 pair runs at 5 s each, 2 profiles at the nominal 6 s, less the 2 s of the current one.
    assert now.remaining_s == pytest.approx(5 * 5 + 12 * 5 + 2 * 6 - 2)
    assert now.fraction == pytest.approx(35 / (35 + now.remaining_s))
    assert now.current is not None
    assert now.current.index == 5


def test_a_queued_comparison_says_behind_whom_until_it_runs():
    events: list[dict[str, Any]] = [
        {"event": "state", "time": at(0), "state": "queued"},
        {"event": "waiting", "time": at(1), "behind": "another"},
    ]
    assert progress(events, 5).behind == "another"
    assert progress(events, 5).elapsed_s == 0
    assert progress([*events, {"event": "state", "time": at(60), "state": "running"}], 65).behind is None


def test_a_rigorous_comparison_counts_on_beyond_its_minimum():
    events: list[dict[str, Any]] = [{"event": "state", "time": at(0), "state": "running"}]
    for pair in range(10):
        events += [
            *run(2 * pair, "pair", "a", 10 * pair, 10 * pair + 5),
            *run(2 * pair + 1, "pair", "b", 10 * pair + 5, 10 * pair + 10),
        ]
        events.append({"event": "pair", "time": at(10 * pair + 10), "index": pair, "order": "ab", "ratio": 1.1})
    now = progress([*events, *run(20, "pair", "b", 100)], 101, "rigorous")
    assert (now.pairs_done, now.pairs_planned) == (10, 11)


@pytest.mark.parametrize(("preset", "minutes"), [("quick", (2, 4)), ("standard", (5, 10)), ("article", (25, 35))])
def test_the_estimate_agrees_with_what_the_preset_promises(preset: str, minutes: tuple[float, float]):
    assert minutes[0] <= nominal_duration_s(PRESETS[preset], profile=True) / 60 <= minutes[1]


def test_slow_steps_and_whole_epochs_make_a_comparison_longer():
    quick = PRESETS["quick"]
    slow = Pace(step_s=2.0, epoch_s=60.0)
    # 6 short runs of 6 s and 15 slow steps; 18 timed ones of 6 s and eight steps.
    assert nominal_duration_s(quick, True, slow) == pytest.approx(6 * (6 + 15 * 1.96) + 18 * (6 + 8 * 2.0))
    # Three epochs at least: one to warm up, two to measure.
    assert nominal_run_s("pair", quick, slow, measure="epoch") == pytest.approx(6 + 3 * 60)
    assert nominal_run_s("pair", replace(quick, epochs=5), slow, measure="epoch") == pytest.approx(6 + 6 * 60)


def test_a_role_outside_of_the_plan_is_counted_once_it_has_begun():
    events = [{"event": "state", "time": at(0), "state": "running"}, *run(0, "layers", "a", 0, 5)]
    assert progress(events, 6).runs_planned == 26


def test_steps_are_thinned_to_a_few_marks_without_the_first_one():
    count = 1000
    blocks = pl.DataFrame({"phase": ["first_step", *["steady"] * count], "step": [1, *range(5, 4 * count + 2, 4)], "steps": [1, *[4] * count],
                           "wall_ns": [900_000_000, *[40_000_000] * count], "loss": [2.3, *[0.1] * count]})  # fmt: skip
    thin = live_steps(blocks, marks=60)
    assert len(thin) <= 60
    assert thin["step_ms"].to_list() == pytest.approx([10.0] * len(thin))
    assert thin["step"][-1] == 4 * count + 1


def test_a_short_run_keeps_every_block():
    blocks = pl.DataFrame({"phase": ["steady"] * 3, "step": [2, 3, 4], "steps": [1, 1, 1], "wall_ns": [1_000_000, 2_000_000, 3_000_000],
                           "loss": [3.0, 2.0, 1.0]})  # fmt: skip
    assert live_steps(blocks).rows() == [(2, 1.0, 3.0), (3, 2.0, 2.0), (4, 3.0, 1.0)]


def test_load_is_the_last_minute_counted_back_from_now():
    samples = [{"time_s": 100.0 + second, "own_cores": 1.0, "other_cores": 0.5, "steal_cores": 0.0} for second in range(120)]
    rows = load_rows(samples)
    assert rows["ago_s"].min() == -60
    assert rows["ago_s"].max() == 0
    assert rows.filter(pl.col("ago_s") == 0)["cores"].to_list() == [1.0, 0.5, 0.0]
    assert load_rows([]).is_empty()


def values(chart: Any) -> list[list[dict[str, Any]]]:
    return list(chart.to_dict()["datasets"].values())


def test_curves_name_both_sides_and_stay_small():
    frame = pl.DataFrame({"side": ["a"] * 60 + ["b"] * 60, "step": [*range(60)] * 2, "step_ms": [10.0] * 120, "loss": [1.0] * 120})
    for chart, title in ((step_times(frame, SIDES), "time per step (ms)"), (losses(frame, SIDES), "training loss")):
        spec = chart.to_dict()
        assert title in str(spec)
        assert {row["name"] for rows in values(chart) for row in rows} == {"A · one", "B · two"}
        assert sum(len(rows) for rows in values(chart)) <= 200


def test_a_ratio_above_one_belongs_to_a_and_the_axis_holds_every_pair_to_come():
    ratios = pair_ratios(
        [{"event": "pair", "index": 0, "order": "ab", "ratio": 1.5}, {"event": "pair", "index": 1, "order": "ba", "ratio": 0.9}]
    )
    spec = ratios_so_far(ratios, SIDES, 6).to_dict()
    rows = next(rows for rows in spec["datasets"].values() if "ratio" in rows[0])
    assert [(row["pair"], row["name"]) for row in rows] == [(1, "A · one"), (2, "B · two")]
    assert str([1, 2, 3, 4, 5, 6]) in str(spec)


def test_machine_charts_mark_all_cores():
    rows = load_rows([{"time_s": 1.0, "own_cores": 1.0, "other_cores": 2.5, "steal_cores": 0.0}])
    assert "'domain': [0, 3.5]" in str(machine_load(rows, 2).to_dict())
    now = pl.DataFrame({"who": ["this app", "other processes"], "cores": [0.1, 1.5]})
    assert "busy cores, of 2" in str(cores_now(now, 2).to_dict())


def test_layers_stand_in_the_order_of_the_network():
    frame = pl.DataFrame({"layer": ["z", "a"] * 2, "framework": ["TensorFlow"] * 2 + ["PyTorch"] * 2, "parameters": [3, 5, 3, 5]})
    assert layer_parameters(frame).to_dict()["layer"][0]["encoding"]["y"]["sort"] == ["z", "a"]
