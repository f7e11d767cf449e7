"""The MNIST CNN against its own spec, with both frameworks in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.model.comparison import ComparisonResult
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from core.store.files import read_json
from core.workloads.inputs import read_inputs, sample_order, write_inputs
from core.workloads.layouts import ConvolutionKernel, DenseAfterFlatten, DenseKernel, Same
from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn.weights import initial, weight_map
from core.workloads.registry import function_sources, workload_spec
from core.workloads.spec import WorkloadError

SPEC = workload_spec("mnist_cnn")


def prove(a: str, b: str, seed: int = 1, learning_rate: float | None = None) -> tuple[ComparisonResult, dict[str, list[dict[str, Any]]]]:
    """The parity stage of a comparison; it is stopped where the timing would begin."""
    store = ComparisonStore()
    spec = make_spec("mnist_cnn", parse_variant(a, threads=1), parse_variant(b, threads=1), seed=seed, learning_rate=learning_rate)
    folder = store.create(spec)
    proven: list[bool] = []
    result = Referee(store, spec, lambda event: proven.append(True) if event["event"] == "parity" else None, lambda: bool(proven)).run()
    return result, read_json(folder / "parity.json", dict)["layers"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_frameworks_are_the_same_model_at_the_gates(home: Path, seed: int):
    result, layers = prove("tensorflow", "pytorch", seed)
    assert {stage.stage: (stage.error, stage.allowed) for stage in result.parity if not stage.passed} == {}
    assert [stage.allowed for stage in result.parity] == [0, 1e-6, 1e-6, 1e-5, 1e-6, 1e-4]
    for side, shapes in (("a", "tensorflow_shape"), ("b", "pytorch_shape")):
        built = {layer["name"]: (tuple(layer["shape"]), layer["parameters"]) for layer in layers[side]}
        assert built == {layer.name: (getattr(layer, shapes), layer.parameters) for layer in SPEC.layers}


@pytest.mark.slow
def test_parity_holds_at_other_learning_rates_and_still_catches_an_unmatched_form(home: Path):
    same, _ = prove("tensorflow", "pytorch", learning_rate=1e-2)
    assert {stage.stage: (stage.error, stage.allowed) for stage in same.parity if not stage.passed} == {}
    other, _ = prove("tensorflow", "pytorch:optimizer=native", learning_rate=1e-6)
    assert not {stage.stage: stage for stage in other.parity}["one_step"].passed


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["eager", "xla", "fit", "train_step"])
def test_every_execution_of_tensorflow_is_the_same_model(home: Path, execution: str):
    result, _ = prove(f"tensorflow:execution={execution}", "pytorch")
    assert {stage.stage: (stage.error, stage.allowed) for stage in result.parity if not stage.passed} == {}


@pytest.mark.slow
def test_compiled_pytorch_is_the_same_model(home: Path):
    result, _ = prove("pytorch:execution=compile", "pytorch")
    if result.error is not None and result.error.kind == "compile_failed":
        pytest.skip(result.error.message)
    assert {stage.stage: (stage.error, stage.allowed) for stage in result.parity if not stage.passed} == {}


@pytest.mark.slow
def test_the_network_that_the_article_prints_is_caught(home: Path):
    result, _ = prove("tensorflow", "pytorch:network=article")
    assert result.verdict == "not_comparable"
    stages = {stage.stage: stage for stage in result.parity}
    assert stages["parameters"].error == 1_199_882 - 225_034
    assert "mat1 and mat2 shapes cannot be multiplied (64x1600 and 9216x128)" in stages["forward"].detail
    assert result.ratio is None
    assert result.pairs == ()


@pytest.mark.slow
def test_an_unmatched_form_of_adam_is_caught_at_the_first_step(home: Path):
    result, _ = prove("tensorflow", "pytorch:optimizer=native")
    stages = {stage.stage: stage for stage in result.parity}
    assert [name for name, stage in stages.items() if stage.passed] == ["parameters", "forward", "loss", "gradients"]
    assert stages["one_step"].error is not None
    assert stages["one_step"].error > 1e-5
    assert "weights after 1 optimizer step fails" in result.sentence


def test_spec_adds_up():
    assert sum(layer.parameters for layer in SPEC.layers) == SPEC.parameters == 225_034
    assert sum(int(np.prod(tensor.shape)) for tensor in weight_map({})) == SPEC.parameters


@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_every_section_has_its_source_on_both_sides(framework: str):
    sources = function_sources("mnist_cnn", framework)
    for section in SPEC.sections:
        assert any(name in sources for name in section.functions), section.title
    assert "def train_step" in sources["train_step"]


def test_unknown_workload_is_one_sentence():
    with pytest.raises(WorkloadError, match="There is no workload 'nope'; choose mnist_cnn"):
        workload_spec("nope")


@pytest.mark.parametrize(
    ("layout", "shape"),
    [(Same(), (7,)), (ConvolutionKernel(), (3, 2, 4, 5)), (DenseKernel(), (4, 6)), (DenseAfterFlatten(height=2, width=3, channels=4), (24, 5))],
)
def test_layouts_are_their_own_inverse(layout: Same, shape: tuple[int, ...]):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert np.array_equal(layout.to_keras(layout.to_torch(array)), array)


def test_dense_after_flatten_permutes_the_inputs():
    """One image of 2x3x4 that is flattened in either order must meet the same weights."""
    generator = np.random.default_rng(0)
    image, kernel = generator.normal(size=(2, 3, 4)), generator.normal(size=(24, 5)).astype(np.float32)
    ported = DenseAfterFlatten(height=2, width=3, channels=4).to_torch(kernel)
    assert np.allclose(image.reshape(-1) @ kernel, ported @ image.transpose(2, 0, 1).reshape(-1))
    assert not np.allclose(image.reshape(-1) @ kernel, kernel.T @ image.transpose(2, 0, 1).reshape(-1))


def test_mnist_is_whole():
    train, test = load_mnist()
    assert train.inputs.shape == (60_000, 28, 28, 1)
    assert test.labels.shape == (10_000,)
    assert (train.inputs.min(), train.inputs.max()) == (0.0, 1.0)
    assert np.bincount(train.labels).min() > 5_000


def test_order_is_one_permutation_per_epoch_without_the_short_batch():
    order = sample_order(100, 8, 30, seed=3)
    assert order.shape == (30, 8)
    first, second = order[:12].ravel(), order[12:24].ravel()
    assert len(set(first)) == len(set(second)) == 96
    assert not np.array_equal(first, second)
    assert np.array_equal(order, sample_order(100, 8, 30, seed=3))
    assert not np.array_equal(order, sample_order(100, 8, 30, seed=4))


def test_inputs_come_back_as_they_were_written(tmp_path: Path):
    digest = write_inputs(tmp_path / "inputs.npz", "mnist_cnn", {}, batch_size=64, steps=5, seed=2)
    weights, order = read_inputs(tmp_path / "inputs.npz")
    assert order.shape == (5, 64)
    assert all(np.array_equal(weights[name], array) for name, array in initial({}, 2).items())
    assert digest == write_inputs(tmp_path / "again.npz", "mnist_cnn", {}, batch_size=64, steps=5, seed=2)
    assert digest != write_inputs(tmp_path / "other.npz", "mnist_cnn", {}, batch_size=64, steps=5, seed=3)
