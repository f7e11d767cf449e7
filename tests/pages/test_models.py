"""The Models page: source, layers, proof, weight map, and the network that cannot run."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.parity import ParityStage
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.workloads.registry import workload_spec
from pages._parts.layers import declared_layers, torch_shape
from pages._parts.proof import newest_proof
from tests.pages import samples
from tests.pages.apps import open_page, words

ARTICLE = Variant(framework="pytorch", execution="eager", network="article")
LAYERS = {"a": [{"name": "conv1", "kind": "Conv2D", "shape": [26, 26, 32], "parameters": 320}],
          "b": [{"name": "conv1", "kind": "Conv2d", "shape": [32, 26, 26], "parameters": 321}]}  # fmt: skip


def test_without_a_comparison_the_code_and_the_declared_layers_are_shown(home: Path):
    at = open_page("models")
    text = words(at)
    assert "225,034 in TensorFlow, 225,034 in PyTorch" in text
    assert "As the workload declares them" in text
    assert any("class MnistCnn(nn.Module)" in code.value for code in at.code)
    assert any("keras.Sequential" in code.value for code in at.code)


def test_the_section_in_the_address_is_the_one_that_is_shown(home: Path):
    at = open_page("models", section="Optimizer")
    assert any("def keras_epsilon" in code.value for code in at.code)
    assert not any("class MnistCnn" in code.value for code in at.code)
    assert "Adam has two forms" in words(at)


def test_the_article_is_shown_with_the_command_that_proves_it(home: Path):
    code = [element.value for element in open_page("models").code]
    assert "python -m core compare mnist_cnn --a tensorflow --b pytorch:network=article" in code
    assert any("nn.Linear(9216, 128)" in text for text in code)


def test_measured_layers_and_proof_come_from_the_newest_comparison_of_both_frameworks(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    samples.finish(store, spec)
    write_json(store.folder(spec.id) / "parity.json", {"schema": 1, "stages": samples.parity(), "layers": LAYERS})
    same = samples.new(store, a=samples.PYTORCH)
    write_json(store.folder(same.id) / "parity.json", {"schema": 1, "stages": samples.parity(), "layers": LAYERS})
    proof = newest_proof(store.all(), "mnist_cnn")
    assert proof is not None
    assert proof.comparison.id == spec.id
    at = open_page("models")
    assert "320 in TensorFlow, 321 in PyTorch" in words(at)
    assert "both sides give the same numbers" in at.success[0].value


def test_a_stored_run_of_the_article_shows_its_error(home: Path):
    store = ComparisonStore()
    spec = samples.new(store, b=ARTICLE)
    stages = (
        ParityStage(stage="parameters", measure="difference", error=974_848, allowed=0, passed=False,
                    detail="A has 225,034 parameters, B has 1,199,882"),
        ParityStage(stage="forward", measure="relative L2", error=None, allowed=1e-6, passed=False,
                    detail="B: mat1 and mat2 shapes cannot be multiplied (64x1600 and 9216x128)"),
    )  # fmt: skip
    write_json(store.folder(spec.id) / "parity.json", {"schema": 1, "stages": stages, "layers": {"a": [], "b": []}})
    at = open_page("models")
    assert "2 of 2 gates fail" in at.error[0].value
    assert any("64x1600 and 9216x128" in code.value for code in at.code)


@pytest.mark.parametrize("content", ["{", '{"stages": [], "layers": 3}', '{"layers": {}}'])
def test_a_damaged_proof_counts_as_none(home: Path, content: str):
    store = ComparisonStore()
    spec = samples.new(store)
    (store.folder(spec.id) / "parity.json").write_text(content)
    assert newest_proof(store.all(), "mnist_cnn") is None


def test_shapes_are_those_that_the_weight_map_makes():
    from core.workloads.mnist_cnn.weights import WEIGHT_MAP

    assert [torch_shape(tensor) for tensor in WEIGHT_MAP[:2]] == [(32, 1, 3, 3), (32,)]
    assert declared_layers(workload_spec("mnist_cnn"))["TensorFlow parameters"].sum() == 225_034
