"""The workloads made of tokens (and of patches, which are tokens too) against their specs, each framework in processes of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.workloads.registry import flops, function_sources, samples, weight_map, workload_module, workload_spec
from tests.workloads.proof import answers, built_layers, failed, prove

NAMES = ("lstm", "transformer_encoder", "gpt", "vit_tiny")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_both_frameworks_are_the_same_model_at_the_gates(home: Path, name: str):
    result, layers = prove(name, "tensorflow", "pytorch")
    assert failed(result) == {}
    assert [stage.allowed for stage in result.parity] == [0, 1e-5, 1e-6, 1e-4, 1e-5, 1e-4]
    built = {side: {layer["name"]: layer["parameters"] for layer in layers[side]} for side in ("a", "b")}
    both = [layer.name for layer in workload_spec(name).layers if layer.name in built["a"]]
    assert {layer: built["a"][layer] for layer in both} == {layer: built["b"][layer] for layer in both}


@pytest.mark.slow
def test_the_loop_of_an_lstm_is_the_same_compiled_and_in_keras_fit(home: Path):
    result, _ = prove("lstm", "tensorflow:execution=xla", "tensorflow:execution=fit")
    assert failed(result) == {}


@pytest.mark.slow
def test_keras_own_update_of_an_embedding_is_caught(home: Path):
    """It adds the squares of a repeated token's gradients, where PyTorch squares their sum; all its other numbers are the same."""
    result, _ = prove("lstm", "tensorflow:optimizer=native", "pytorch")
    stages = {stage.stage: stage for stage in result.parity}
    assert [name for name, stage in stages.items() if stage.passed] == ["parameters", "forward", "loss", "gradients"]
    assert stages["one_step"].tensor == "embedding/embeddings"


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_the_layers_are_those_of_the_specs(framework: str):
    built = built_layers(framework, NAMES)
    for name in NAMES:
        for layer in workload_spec(name).layers:
            assert built[name][layer.name] == [list(getattr(layer, f"{framework}_shape")), layer.parameters], (name, layer.name)


@pytest.mark.slow
def test_no_token_of_the_decoder_sees_those_after_it():
    (first,) = answers("""
import torch
from core.workloads.registry import workload_module, workload_spec
sizes = workload_spec("gpt").small_sizes
model = workload_module("gpt", "pytorch").model(sizes)
tokens = torch.arange(16)[None]
other = tokens.clone()
other[0, 9] = 99
changed = (model(tokens) != model(other)).any(dim=-1)[0]
print("answer", changed.nonzero().flatten().tolist())
""")
    assert first == [9, 10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("name", NAMES)
def test_spec_adds_up(name: str):
    spec = workload_spec(name)
    mapped = weight_map(name, spec.complete({}))
    assert sum(int(np.prod(tensor.shape)) for tensor in mapped) == spec.parameters
    assert sum(layer.parameters for layer in spec.layers) == spec.parameters


@pytest.mark.parametrize("name", NAMES)
def test_every_section_has_its_source_on_both_sides(name: str):
    tensorflow, pytorch = (function_sources(name, framework).keys() for framework in ("tensorflow", "pytorch"))
    for section in workload_spec(name).sections:
        named = set(section.functions)
        assert named & tensorflow, section.title
        assert named & pytorch, section.title
        assert named <= tensorflow | pytorch, section.title


@pytest.mark.parametrize("name", NAMES)
def test_the_data_is_made_up_and_fits_the_sizes(name: str):
    spec = workload_spec(name)
    sizes = spec.small_sizes
    train, test = samples(name, sizes)
    assert spec.generated
    assert (len(train.inputs), len(test.inputs)) == (spec.train_samples, spec.test_samples) == (len(train.labels), len(test.labels))
    assert train.inputs.shape[1:] == ((sizes["image_size"],) * 2 + (3,) if name == "vit_tiny" else (sizes["length"],))
    assert np.array_equal(train.inputs, samples(name, sizes)[0].inputs)


def test_the_label_of_a_token_is_the_one_that_follows():
    train, _ = samples("gpt", workload_spec("gpt").small_sizes)
    assert np.array_equal(train.labels[:, :-1], train.inputs[:, 1:])


def test_attention_grows_with_the_square_of_the_length_and_the_rest_in_proportion():
    """Without attention, doubling the length would double the work; 2 layers of 2 products of (T, 64) and (64, T), 2 operations each."""
    once, twice = (flops("gpt", workload_spec("gpt").complete({"length": length, "layers": 2, "width": 64})) for length in (16, 32))
    assert once is not None
    assert twice is not None
    assert twice.forward - 2 * once.forward == 2 * (2 * 2 * 64) * (32 * 32 - 2 * 16 * 16)
    assert twice.training == 3 * twice.forward


def test_the_forget_gate_of_the_lstm_starts_open():
    """Its second of four gates: input, forget, cell, output."""
    bias = workload_module("lstm", "weights").initial({"length": 12}, 1)["lstm/lstm_cell/bias"]
    assert np.array_equal(bias.reshape(4, 128).mean(axis=1), [0, 1, 0, 0])
