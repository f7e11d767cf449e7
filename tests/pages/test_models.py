"""The Models page: source, layers, proof, weight map, and the network that cannot run."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from core.model.parity import ParityStage
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.workloads.registry import NAMES, weight_map, workload_spec
from pages._parts.layers import block_level, declared_layers, parameters_by_layer
from pages._parts.proof import newest_proof
from pages._parts.weight_map import torch_shape
from tests.pages import samples
from tests.pages.apps import links, open_page, words

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
    weights = weight_map("mnist_cnn", {})
    assert [torch_shape(tensor) for tensor in weights[:2]] == [(32, 1, 3, 3), (32,)]
    assert declared_layers(workload_spec("mnist_cnn"), {}, weights)["TensorFlow parameters"].sum() == 225_034


def test_each_workload_is_shown_at_the_sizes_that_are_chosen(home: Path):
    at = open_page("models", workload="gpt", size_layers="2", size_width="64")
    shown = words(at)
    assert "made-up data: accuracy means nothing" in shown
    table = at.dataframe[1].value
    assert table["layer"].tolist() == ["embedding", "positions", "layers_0", "layers_1", "norm", "head"]
    weights = weight_map("gpt", {"length": 256, "layers": 2, "width": 64, "vocabulary": 1024})
    assert f"Parameters, on both sides {table['PyTorch parameters'].sum():,}" in shown
    assert table["TensorFlow parameters"].sum() == sum(math.prod(tensor.shape) for tensor in weights)
    assert links(at)["Compare it"][1] == "workload=gpt&size_length=256&size_layers=2&size_width=64&size_vocabulary=1024"


@pytest.mark.parametrize("workload", NAMES)
def test_blocks_of_the_weight_map_are_the_declared_ones(workload: str):
    spec = workload_spec(workload)
    weights = weight_map(workload, spec.complete({}))
    declared = {layer.name: layer.parameters for layer in spec.layers if layer.parameters}
    assert parameters_by_layer(spec, weights) == declared


def test_layers_inside_a_block_are_not_listed_beside_it():
    def side(label: str, rows: list[tuple[str, int]]) -> pl.DataFrame:
        names, counts = zip(*rows, strict=True)
        return pl.DataFrame({"layer": names, f"{label} kind": ["?"] * len(rows), f"{label} parameters": counts})

    keras = side("TensorFlow", [("input", 0), ("layers_0_norm1", 4), ("layers_0", 20), ("head", 3)])
    torch = side("PyTorch", [("layers_0_norm", 4), ("layers_0", 20), ("layers", 20), ("head", 3), ("extra", 7)])
    both = keras.join(torch, on="layer", how="full", coalesce=True, maintain_order="left_right")
    assert block_level(both)["layer"].to_list() == ["layers_0", "head", "extra"]


def test_a_big_weight_map_is_read_layer_by_layer(home: Path):
    at = open_page("models", workload="vit_tiny", view="Weight map", map_layer="layers_3")
    assert "12 of 152 tensors" in words(at)
    rows = next(table.value for table in at.dataframe if "canonical name" in table.value.columns)
    assert set(rows["layout"]) == {"Same", "HeadsKernel", "HeadsOutput", "DenseKernel"}
    assert "layers.3.attention.packed" in rows["PyTorch name"].iloc[2] or "part 1 of 3" in rows["PyTorch name"].iloc[2]
    assert "**HeadsKernel** · Query, key or value of attention" in words(at)


def test_code_that_several_workloads_share_is_shown_with_each(home: Path):
    code = "\n".join(block.value for block in open_page("models", workload="gpt", section="Attention").code)
    assert "def self_attention" in code
    assert "class SelfAttention" in code


def test_the_librarys_model_is_shown_with_the_reason_why_it_is_another_one(home: Path):
    at = open_page("models", workload="resnet50")
    assert "keras.applications.ResNet50 is version 1" in at.warning[0].value.replace("\\", "")
    assert "require_parity=false" in links(at)["Set up the library's model in PyTorch against this one"][1]
    labels = [tab.label for tab in at.tabs]
    assert "The library's model" in labels
    assert "The article's network" not in labels
    assert "The library's model" not in [tab.label for tab in open_page("models", workload="lstm").tabs]


def test_the_proof_of_other_sizes_says_so(home: Path):
    store = ComparisonStore()
    spec = samples.new(store, workload="lstm", sizes={"length": 12})
    samples.finish(store, spec)
    write_json(store.folder(spec.id) / "parity.json", {"schema": 1, "stages": samples.parity(), "layers": LAYERS})
    assert "Not of the sizes above, but of length 12." in words(open_page("models", workload="lstm"))
    assert "Not of the sizes above" not in words(open_page("models", workload="lstm", size_length="12"))


def test_a_workload_of_ones_own_is_shown_and_a_broken_one_says_where(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = samples.own_workload(tmp_path / "mine")
    monkeypatch.setenv("SHOWDOWN_WORKLOADS", str(folder))
    (folder / "pytorch.py").write_text("def model(:\n")
    at = open_page("models", workload="mine (your own)")
    assert "My own net" in words(at)
    assert at.error[0].proto.title == "This file is no Python"
    (folder / "weights.py").write_text("def weight_map(sizes):\n    return 1 / 0\n\n\ndef initial(sizes, seed):\n    return {}\n")
    other = samples.own_workload(tmp_path / "other")
    (other / "weights.py").write_text((folder / "weights.py").read_text())
    monkeypatch.setenv("SHOWDOWN_WORKLOADS", str(other))
    at = open_page("models", workload="other (your own)")
    assert at.error[0].proto.title == "This workload cannot be shown"
    assert "division by zero" in at.error[0].value
