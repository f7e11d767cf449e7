"""What each variant does to a real run of one worker, at small sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from core.model.variant import FRAMEWORKS
from core.traces.read import find_profile, read_trace
from tests.conftest import PROJECT
from tests.worker_runs import run_one

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_loader_and_png_files_give_the_same_batches_as_memory(tmp_path: Path, framework: str):
    losses = {}
    for text in ("input=memory", "input=loader,workers=1", "input=png"):
        run, blocks, _ = run_one(tmp_path / text, f"{framework}:{text}", steps=7)
        assert run.ok, run.error
        assert run.input_ms is not None
        losses[text] = blocks["loss"].to_list()
    # MNIST has 256 levels of grey, so not even PNG changes a number.
    assert losses["input=loader,workers=1"] == pytest.approx(losses["input=memory"], rel=1e-5)
    assert losses["input=png"] == pytest.approx(losses["input=memory"], rel=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_trains_as_float32_does_up_to_its_fewer_bits(tmp_path: Path, framework: str, precision: str):
    full, _, _ = run_one(tmp_path / "full", framework, steps=7)
    run, _, _ = run_one(tmp_path / "mixed", f"{framework}:precision={precision}", steps=7)
    assert run.ok, run.error
    assert run.final_loss != full.final_loss
    assert run.final_loss == pytest.approx(full.final_loss, rel=2e-2)
    assert run.skipped_steps == (0 if precision == "fp16" else None)


@pytest.mark.parametrize("text", ["tensorflow:execution=fit", "tensorflow", "pytorch", "pytorch:input=loader"])
def test_epochs_are_measured_whole_with_metrics_and_validation(tmp_path: Path, text: str):
    variant = f"{text}{',' if ':' in text else ':'}metrics=on,validation=on"
    run, blocks, _ = run_one(tmp_path, variant, steps=30, measure="epoch", train_samples=640)
    assert run.ok, run.error
    # 640 samples are 10 batches of 64, of which the validation split leaves 9; one epoch warms up, two are measured.
    assert blocks["steps"].to_list() == [9, 9, 9]
    assert blocks["phase"].to_list() == ["warmup", "steady", "steady"]
    assert run.epoch_ms == pytest.approx(9 * (run.step_ms or 0))


@pytest.mark.parametrize("text", ["tensorflow", "tensorflow:execution=fit", "pytorch"])
def test_inference_is_timed_batch_by_batch(tmp_path: Path, text: str):
    run, blocks, _ = run_one(tmp_path, text, steps=33, task="inference", batch_size=4)
    assert run.ok, run.error
    assert len(blocks) == 33
    assert blocks["loss"].null_count() == 33
    assert run.step_p99_ms is not None
    assert run.step_ms is not None
    assert run.step_p99_ms >= run.step_ms
    assert run.final_loss is None


def test_an_own_train_step_reports_its_loss_to_fit(tmp_path: Path):
    own, _, _ = run_one(tmp_path / "own", "tensorflow:execution=train_step", steps=7)
    fit, _, _ = run_one(tmp_path / "fit", "tensorflow:execution=fit", steps=7)
    assert own.final_loss == pytest.approx(fit.final_loss, rel=1e-5)


def test_checkpointing_of_a_workload_without_blocks_is_a_named_failure(tmp_path: Path):
    for framework in FRAMEWORKS:
        run, _, _ = run_one(tmp_path / framework, f"{framework}:checkpointing=on")
        assert run.error is not None
        assert run.error.kind == "variant"
        assert "no blocks to recompute" in run.error.message


_COUNT_TENSORFLOW = """
import json, keras, tensorflow as tf
from core.worker.executions.tensorflow import Recomputed
from core.workloads.registry import workload_module, workload_spec
known = workload_spec("resnet18")
side = workload_module("resnet18", "tensorflow")
model = side.model(known.small_sizes)
def convolutions(called):
    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(called(images, training=True))
        return tape.gradient(value, called.trainable_variables)
    graph = step.get_concrete_function(tf.zeros((2, 16, 16, 3))).graph
    return sum(node.type == "Conv2D" for node in graph.get_operations())
print(json.dumps([convolutions(model), convolutions(Recomputed(model, [layer.name for layer in known.layers]))]))
"""
_COUNT_PYTORCH = """
import json, torch
from torch.utils.flop_counter import FlopCounterMode
from core.worker.executions.pytorch import recompute_blocks
from core.workloads.registry import workload_module, workload_spec
known = workload_spec("resnet18")
side = workload_module("resnet18", "pytorch")
def flops(recompute):
    model = side.model(known.small_sizes)
    if recompute:
        recompute_blocks(model, side.CHECKPOINTED, "resnet18")
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(2, 3, 16, 16)).sum().backward()
    return counter.get_total_flops()
print(json.dumps([flops(False), flops(True)]))
"""


@pytest.mark.parametrize("code", [_COUNT_TENSORFLOW, _COUNT_PYTORCH], ids=FRAMEWORKS)
def test_checkpointing_really_computes_the_blocks_again(code: str):
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    plain, recomputed = json.loads(found.stdout.splitlines()[-1])
    assert recomputed > 1.2 * plain


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_freed_memory_that_is_kept_is_not_asked_for_anew(tmp_path: Path, framework: str):
    run, blocks, outcome = run_one(tmp_path, f"{framework}:malloc=keep", steps=20, role="profile", profile_steps=5, batch_size=64)
    assert run.ok, run.error
    profiled = blocks.filter(pl.col("phase") == "profiled")
    # 5,000 activations of 4 KiB pages a step go back and forth where it is not kept.
    assert (profiled["page_faults"] / profiled["steps"]).median() < 1_000  # type: ignore[operator]
    (environment,) = [event for event in outcome.events if event["event"] == "environment"]
    assert environment["variables"]["MALLOC_TRIM_THRESHOLD_"] == str(2**62)


def test_a_password_among_the_variables_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-123")
    monkeypatch.setenv("TORCH_LOGS", "-dynamo")
    _, _, outcome = run_one(tmp_path, "pytorch", steps=4)
    (environment,) = [event for event in outcome.events if event["event"] == "environment"]
    assert {name: environment["variables"][name] for name in ("NVIDIA_API_KEY", "TORCH_LOGS")} == {
        "NVIDIA_API_KEY": "withheld", "TORCH_LOGS": "-dynamo",
    }  # fmt: skip
    assert "nvapi-123" not in (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")


def test_a_profile_names_the_kernels_of_a_compiled_graph(tmp_path: Path):
    run, _, _ = run_one(tmp_path, "pytorch:execution=compile", steps=9, role="profile", profile_steps=2)
    assert run.ok, run.error
    operators = read_trace(find_profile(tmp_path / "run")).events.filter(pl.col("kind") == "operator", pl.col("step").is_not_null())
    compiled = operators.filter(pl.col("name").cast(pl.String).str.contains("^graph_[0-9]+_cpp_fused"))
    assert {"pooling"} <= set(compiled["op_class"])
    around = operators.filter(pl.col("name").cast(pl.String).str.starts_with("CompiledFunction"))
    assert compiled["self_ns"].sum() > 0
    assert len(around) == 4  # forward and backward of two steps
