"""The charts of a comparison as Vega-Lite: what they say, in which unit, with how many marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest

from core.analysis import comparison as tables
from core.analysis.load import load_over_time
from core.charts.learning import accuracy_points, loss_curves
from core.charts.load import load_timeline
from core.charts.memory import memory_points
from core.charts.pairs import ratio_per_pair, ratio_summary, time_pairs
from core.charts.palette import Sides, sides_of
from core.charts.parity import parity_gates
from core.charts.phases import phase_bars
from core.charts.steps import block_distributions
from core.model.comparison import ComparisonResult
from core.model.run import RunResult
from core.store.comparisons import ComparisonStore
from tests.pages import samples

COLOUR = "#1a9a80"


class Sample:
    """A finished comparison and its blocks."""

    def __init__(self, home: Path) -> None:
        self.store = ComparisonStore(home)
        spec = samples.new(self.store)
        self.spec = spec
        self.result: ComparisonResult = samples.finish(self.store, spec)
        self.sides: Sides = sides_of(spec)
        self.blocks = pl.concat([self._blocks(run) for run in self.result.runs])

    def _blocks(self, run: RunResult) -> pl.DataFrame:
        path = self.store.load(self.result.id).run_folder(run.index, run.side) / "steps.parquet"
        keys = {"run": run.index, "role": run.role, "side": run.side, "pair": run.pair}
        return pl.read_parquet(path).select(*(pl.lit(value).alias(name) for name, value in keys.items()), pl.all())

    @property
    def load(self) -> pl.DataFrame:
        return load_over_time([{"time_s": float(i), "own_cores": 1.0, "other_cores": 0.2, "steal_cores": 0.0} for i in range(9)])

    @property
    def spans(self) -> pl.DataFrame:
        return pl.DataFrame({"run": [0, 1], "role": ["pair"] * 2, "side": ["a", "b"], "begin_s": [0.0, 4.0], "end_s": [4.0, 8.0]})


CHARTS: dict[str, Callable[[Sample], alt.LayerChart]] = {
    "ratio": lambda it: ratio_summary(tables.ratio_marks(it.result), 1.5, COLOUR),
    "ratio per pair": lambda it: ratio_per_pair(tables.pair_ratios(it.result), tables.ratio_marks(it.result), 1.5, COLOUR),
    "step times": lambda it: time_pairs(tables.pair_times(it.spec, it.result), "step_ms", it.sides),
    "blocks": lambda it: block_distributions(tables.block_boxes(tables.block_times(it.blocks)), it.sides),
    "loss": lambda it: loss_curves(tables.learning_curves(it.blocks), it.sides),
    "accuracy": lambda it: accuracy_points(tables.accuracies(it.result), it.sides),
    "phases": lambda it: phase_bars(tables.phase_times(it.result), it.sides),
    "memory": lambda it: memory_points(tables.peak_memory(it.result), it.sides),
    "parity": lambda it: parity_gates(tables.parity_table(it.result.parity)),
    "load": lambda it: load_timeline(it.load, it.spans, it.sides, 2),
}
TITLES = {
    "ratio": {"time of B ÷ time of A"},
    "ratio per pair": {"pair", "time of B ÷ time of A"},
    "step times": {"pair", "step time (ms)"},
    "blocks": {"run, in the order in which they ran", "time per step (ms)"},
    "loss": {"training step", "loss of the batch"},
    "accuracy": {"pair", "test accuracy (%)"},
    "phases": {"seconds since the process began"},
    "memory": {"peak memory (MiB)"},
    "parity": {"error ÷ allowed error"},
    "load": {"seconds since the first sample", "busy cores"},
}


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)


def encodings(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every channel of every layer."""
    yield from spec.get("encoding", {}).items()
    for layer in spec.get("layer", []):
        yield from encodings(layer)


def rows(spec: dict[str, Any]) -> int:
    """Marks, counted as rows of data over all layers."""
    own = len(spec["datasets"][spec["data"]["name"]]) if "data" in spec and "datasets" in spec else 0
    return own or sum(len(values) for values in spec.get("datasets", {}).values())


@pytest.mark.parametrize("name", CHARTS)
def test_axes_name_what_they_show_and_its_unit(sample: Sample, name: str):
    spec = CHARTS[name](sample).to_dict()
    titles = {channel.get("title") for place, channel in encodings(spec) if place in ("x", "y") and "field" in channel}
    assert titles - {None} == TITLES[name]


@pytest.mark.parametrize("name", CHARTS)
def test_charts_fill_their_place_stay_small_and_leave_the_look_to_the_theme(sample: Sample, name: str):
    spec = CHARTS[name](sample).to_dict()
    assert spec["autosize"] == {"type": "fit-x", "contains": "padding"}
    assert spec["height"] > 0
    assert rows(spec) < 2000
    assert "background" not in spec


@pytest.mark.parametrize("name", ["step times", "blocks", "accuracy", "memory"])
def test_a_side_has_a_shape_beside_its_colour(sample: Sample, name: str):
    places = dict(encodings(CHARTS[name](sample).to_dict()))
    assert places["shape"]["scale"]["range"] == ["circle", "diamond"]
    assert places["color"]["scale"] == {"domain": sample.sides.names, "range": [sample.sides.colour_a, sample.sides.colour_b]}


def test_one_lies_in_the_middle_of_the_ratio_axis(sample: Sample):
    x = next(channel for place, channel in encodings(CHARTS["ratio"](sample).to_dict()) if place == "x")
    low, high = x["scale"]["domain"]
    assert low * high == pytest.approx(1.0)
    assert low < min(x["axis"]["values"]) < 1 < max(x["axis"]["values"]) < high


@pytest.mark.parametrize("ratio", [1.001, 0.4, 7.0, 150.0])
def test_the_ratio_axis_has_round_ticks_at_any_scale(ratio: float):
    marks = pl.DataFrame({"what": ["95 % interval", "noise floor", "your threshold"], "low": [ratio * 0.99, 0.999, 0.999],
                          "high": [ratio * 1.01, 1.001, 1.001]})  # fmt: skip
    x = next(channel for place, channel in encodings(ratio_summary(marks, ratio, COLOUR).to_dict()) if place == "x")
    assert 1.0 in x["axis"]["values"]
    assert len(x["axis"]["values"]) <= 7


def test_loss_can_be_drawn_against_seconds(sample: Sample):
    spec = loss_curves(tables.learning_curves(sample.blocks), sample.sides, "seconds").to_dict()
    assert next(channel["field"] for place, channel in encodings(spec) if place == "x") == "seconds"


def test_an_exact_match_and_a_missing_error_have_their_place():
    proof = pl.DataFrame({"stage": ["loss", "gradients", "one_step"], "passed": [True, False, False], "error": [0.0, 3.0, None],
                          "allowed": [1e-6, 1.0, 1.0], "measure": [""] * 3, "tensor": [""] * 3, "detail": [""] * 3})  # fmt: skip
    spec = parity_gates(proof).to_dict()
    shares = [[row["share"] for row in values] for values in spec["datasets"].values() if "outcome" in values[0]]
    assert [0.0001, 3.0] in shares


def test_a_proof_that_ended_before_its_first_error_is_drawn_empty():
    proof = pl.DataFrame({"stage": ["loss"], "passed": [False], "error": [None], "allowed": [1e-6], "measure": [""], "tensor": [""], "detail": [""]},
                         schema_overrides={"error": pl.Float64})  # fmt: skip
    assert parity_gates(proof).to_dict()["layer"]


def test_a_load_without_a_known_number_of_cores_has_no_line(sample: Sample):
    with_line, without = (load_timeline(sample.load, sample.spans, sample.sides, cores).to_dict() for cores in (2, None))
    assert len(with_line["layer"]) == len(without["layer"]) + 1
