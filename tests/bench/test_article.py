"""Three epochs, as the article trained: accuracy of both sides, with the run that the `article` preset makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.collect import collect
from core.bench.launch import Limits, run_worker
from core.model.comparison import PRESETS
from core.model.run import RunSpec
from core.model.variant import parse_variant
from core.workloads.inputs import write_inputs
from core.workloads.registry import workload_spec

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_three_epochs_reach_98_percent(tmp_path: Path, framework: str):
    spec, preset = workload_spec("mnist_cnn"), PRESETS["article"]
    assert preset.epochs == 3
    epoch = spec.steps_per_epoch(spec.batch_size)
    inputs = tmp_path / "inputs.npz"
    write_inputs(inputs, spec.name, {}, batch_size=spec.batch_size, steps=3 * epoch, seed=1)
    run_spec = RunSpec(
        index=0, role="pair", side="a", workload=spec.name, variant=parse_variant(framework, threads=1), batch_size=spec.batch_size,
        learning_rate=spec.learning_rate, seed=1, inputs=str(inputs), folder=str(tmp_path / "run"), steps=3 * epoch, warmup_steps=20,
        block_steps=5, evaluate_every_steps=epoch,
    )  # fmt: skip
    outcome = run_worker(run_spec, Limits(total_s=preset.run_limit_s, silence_s=preset.silence_limit_s), cancelled=lambda: False)
    run, blocks = collect(run_spec, outcome, None)
    assert run.ok, run.error
    assert [evaluation.step for evaluation in run.evaluations] == [epoch, 2 * epoch, 3 * epoch]
    assert run.steps == 3 * epoch == blocks["steps"].sum()
    assert run.test_accuracy is not None
    assert run.test_accuracy >= 0.98
