"""A comparison as tables: made-up runs whose numbers are easy to compute by hand."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from core.analysis import comparison as tables
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.store.comparisons import ComparisonStore
from tests.pages import samples


@pytest.fixture
def spec(tmp_path: Path) -> ComparisonSpec:
    return samples.new(ComparisonStore(tmp_path))


@pytest.fixture
def result(tmp_path: Path, spec: ComparisonSpec) -> ComparisonResult:
    return samples.finish(ComparisonStore(tmp_path), spec)


def blocks(walls_ns: list[int], *, run: int = 0, steps: int = 2, phase: str = "steady") -> pl.DataFrame:
    count = len(walls_ns)
    return pl.DataFrame({
        "run": [run] * count, "role": ["pair"] * count, "side": ["a"] * count, "pair": [0] * count, "phase": [phase] * count,
        "step": [steps * (i + 1) for i in range(count)], "steps": [steps] * count, "wall_ns": walls_ns, "cpu_ns": walls_ns,
        "input_ns": [0] * count, "train_ns": [sum(walls_ns[: i + 1]) for i in range(count)], "since_start_s": [0.0] * count,
        "loss": [1.0 / (i + 1) for i in range(count)],
    })  # fmt: skip


def test_the_middle_of_pairs_without_a_verdict_is_that_of_their_logarithms(tmp_path: Path, spec: ComparisonSpec):
    result = samples.finish(ComparisonStore(tmp_path), spec, ratios=(0.5, 0.5, 0.5, 2.0, 2.0, 2.0))
    assert tables.middle_ratio(replace(result, ratio=None)) == pytest.approx(1.0)
    assert tables.middle_ratio(replace(result, ratio=1.25)) == 1.25


def test_a_sentence_falls_into_claim_and_numbers(result: ComparisonResult):
    claim, numbers = tables.headline(result)
    assert claim == "TensorFlow graph (tf.function) is faster than PyTorch eager on this machine"
    assert numbers == "1.50x, 95 % interval 1.48 to 1.52; this machine's noise floor is 1.0%."
    assert tables.headline(replace(result, sentence="Cancelled before it was finished.")) == ("Cancelled before it was finished", "")


def test_each_pair_has_a_ratio_for_each_clock(result: ComparisonResult):
    rows = tables.pair_ratios(result)
    assert rows.filter(pl.col("pair") == 2).rows() == [(2, "A first", "wall time", 1.52), (2, "A first", "CPU time", 1.52 * 0.99)]
    without = replace(result, pairs=tuple(replace(pair, cpu_ratio=None) for pair in result.pairs))
    assert tables.pair_ratios(without)["clock"].unique().to_list() == ["wall time"]


def test_marks_are_stretches_of_the_ratio(result: ComparisonResult):
    rows = {what: (low, high) for what, low, high in tables.ratio_marks(result).rows()}
    assert rows["95 % interval"] == result.interval_95
    assert rows["your threshold"] == (1 / 1.05, 1.05)
    assert rows["noise floor"][1] == pytest.approx(1.01, abs=1e-3)
    assert list(tables.ratio_marks(replace(result, interval_95=None, noise_floor=None))["what"]) == ["your threshold"]


def test_block_times_are_per_step_and_leave_out_short_and_unsteady_blocks():
    table = pl.concat([blocks([9_000_000], phase="warmup"), blocks([4_000_000, 6_000_000]), blocks([1_000_000], steps=1)])
    assert tables.block_times(table)["step_ms"].to_list() == [2.0, 3.0]
    assert tables.block_times(table)["block"].to_list() == [1, 2]


def test_a_box_holds_the_percentiles_of_its_run():
    table = pl.concat([blocks([2_000_000 * i for i in range(1, 102)]), blocks([8_000_000] * 3, run=1)])
    boxes = tables.block_boxes(tables.block_times(table))
    assert boxes.select("run", "pair", "blocks", "p05_ms", "p25_ms", "median_ms", "p75_ms", "p95_ms").rows() == [
        (0, 1, 101, 6.0, 26.0, 51.0, 76.0, 96.0),
        (1, 1, 3, 4.0, 4.0, 4.0, 4.0, 4.0),
    ]


def test_learning_curves_are_thinned_but_keep_their_ends():
    curves = tables.learning_curves(blocks([1_000_000] * 1000), marks=100)
    assert 100 <= len(curves) <= 101
    assert curves["step"][0] == 2
    assert curves["step"][-1] == 2000
    assert curves["seconds"][-1] == pytest.approx(1.0)
    assert len(tables.learning_curves(blocks([1_000_000] * 5))) == 5
    assert tables.learning_curves(blocks([])).is_empty()


def test_phases_of_a_side_add_up_to_its_wall_time(result: ComparisonResult):
    phases = tables.phase_times(result)
    a = phases.filter(pl.col("side") == "a")
    assert a["seconds"].sum() == pytest.approx(6.0)
    assert dict(a.select("phase", "seconds").rows())["other"] == pytest.approx(6.0 - sum(samples.PHASES.values()))
    assert a["phase"].to_list() == ["import", "data", "build", "first step", "warm-up", "training", "evaluation", "other"]


def test_a_phase_that_happens_again_counts_again(result: ComparisonResult):
    runs = tuple(replace(run, phases=(*run.phases, run.phases[-1])) for run in result.runs)
    phases = tables.phase_times(replace(result, runs=runs))
    assert phases.filter(pl.col("phase") == "evaluation")["seconds"].to_list() == [1.2, 1.2]


def test_figures_of_both_sides_stand_beside_their_ratio(result: ComparisonResult):
    rows = {row["figure"]: row for row in tables.side_table(result).iter_rows(named=True)}
    assert (rows["step"]["a"], rows["step"]["b"], rows["step"]["unit"]) == (20.0, 30.0, "ms")
    assert rows["peak memory"]["a"] == pytest.approx(300.0, abs=0.01)
    assert rows["test accuracy"]["ratio"] == 1.0
    assert "energy of a whole run" not in rows
    on_gpu = {side: replace(summary, energy_per_run_j=90.0) for side, summary in result.sides.items()}
    energy = tables.side_table(replace(result, sides=on_gpu)).row(by_predicate=pl.col("figure") == "energy of a whole run", named=True)
    assert (energy["a"], energy["unit"]) == (90.0, "J")


def test_every_run_is_in_the_run_table_failed_ones_too(result: ComparisonResult):
    broken = replace(result.runs[0], ok=False, error=samples.fail_error(), step_ms=None)
    table = tables.run_table(replace(result, runs=(broken, *result.runs[1:])))
    assert len(table) == 12
    assert table["error"][0] == "The run needed more memory than there is; use a smaller batch."
    assert table["pair"].to_list()[-1] == 6


def command_words(spec: ComparisonSpec) -> list[str]:
    """What a shell makes of the command."""
    return shlex.split(tables.command(spec).replace("\\\n", ""))


def test_the_command_can_be_read_back(spec: ComparisonSpec):
    from core.model.variant import parse_variant

    words = command_words(replace(spec, profile=False))
    assert words[:5] == ["python", "-m", "core", "compare", "mnist_cnn"]
    assert words[-1] == "--no-profile"
    assert "--no-profile" not in command_words(spec)
    assert parse_variant(words[words.index("--b") + 1], threads=9) == spec.b


def test_the_command_of_a_copied_folder_is_one_command(spec: ComparisonSpec):
    evil = "x'; rm -rf ~; '"
    words = command_words(replace(spec, b=replace(spec.b, python=evil), workload=evil, preset=replace(spec.preset, name=evil)))
    assert words[4] == evil
    assert words[words.index("--b") + 1].endswith(f",python={evil}")
    assert words[words.index("--preset") + 1] == evil


def test_the_command_carries_a_length_that_is_not_the_presets_own(spec: ComparisonSpec):
    from core.model.comparison import PRESETS

    steps = command_words(replace(spec, preset=replace(PRESETS["quick"], steps=300)))
    assert steps[steps.index("--steps") + 1] == "300"
    epochs = command_words(replace(spec, preset=replace(PRESETS["article"], epochs=1)))
    assert epochs[epochs.index("--epochs") + 1] == "1"
    assert not {"--epochs", "--steps"} & set(command_words(replace(spec, preset=PRESETS["article"])))


def test_the_command_says_what_is_computed_and_what_is_timed(tmp_path: Path):
    store = ComparisonStore(tmp_path)
    spec = samples.new(store, workload="gpt", sizes={"layers": 2}, measure="epoch", train_samples=64, batch_size=8, require_parity=False)
    words = command_words(spec)
    assert [words[i + 1] for i, word in enumerate(words) if word == "--size"] == ["length=256", "layers=2", "width=384", "vocabulary=1024"]
    assert words[words.index("--measure") + 1] == "epoch"
    assert words[words.index("--train-samples") + 1] == "64"
    assert "--no-require-parity" in words
    assert not {"--task", "--measure", "--train-samples", "--no-require-parity"} & set(command_words(samples.new(store)))
    inference = command_words(samples.new(store, task="inference"))
    assert inference[inference.index("--task") + 1] == "inference"


def test_every_option_of_the_command_exists(tmp_path: Path):
    from typer.testing import CliRunner

    from core.cli import app

    known = CliRunner().invoke(app, ["compare", "--help"], env={"COLUMNS": "400", "TERM": "dumb"}).output
    spec = samples.new(ComparisonStore(tmp_path), workload="mlp", measure="epoch", train_samples=640, require_parity=False, profile=False)
    assert [word for word in command_words(spec) if word.startswith("--") and word not in known] == []


def test_a_step_of_inference_is_a_batch(tmp_path: Path):
    store = ComparisonStore(tmp_path)
    spec = samples.new(store, task="inference")
    table = tables.side_table(samples.finish(store, spec), "inference")
    assert table.filter(pl.col("figure").str.starts_with("batch,")).select("figure", "a", "b").rows() == [
        ("batch, p50", 20.0, 30.0),
        ("batch, p99", 40.0, 60.0),
    ]
    assert [tables.unit_of_work(one) for one in (spec, replace(spec, task="train"), replace(spec, task="train", measure="epoch"))] == [
        "batch", "step", "epoch",
    ]  # fmt: skip


def test_the_likely_cause_stands_beside_the_gate_that_fails():
    proof = tables.parity_table(samples.parity(failing="gradients"))
    assert proof.filter(~pl.col("passed"))["cause"].to_list() == ["The optimizers have other constants."]
