"""The MLP and the convolutional workloads against their specs, each framework in processes of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.workloads.layouts import RunningVariance
from core.workloads.mobilenet_v2.spec import blocks
from core.workloads.registry import flops, function_sources, samples, weight_map, workload_module, workload_spec
from core.workloads.shared.convolutional import residual_blocks
from tests.workloads.proof import answers, built_layers, failed, prove

GENERATED = ("resnet18", "resnet50", "mobilenet_v2")
NAMES = ("mlp", *GENERATED)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_both_frameworks_are_the_same_model_at_the_gates(home: Path, name: str):
    result, layers = prove(name, "tensorflow", "pytorch")
    assert failed(result) == {}
    if name != "mlp":
        assert [stage.allowed for stage in result.parity] == [0, 1e-5, 1e-6, 1e-4, 1e-5, 1e-4]
    built = {side: {layer["name"]: layer["parameters"] for layer in layers[side]} for side in ("a", "b")}
    for layer in workload_spec(name).layers:
        assert built["a"][layer.name] == built["b"][layer.name], layer.name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "execution"), [("resnet18", "xla"), ("mobilenet_v2", "fit"), ("resnet50", "eager")])
def test_other_executions_of_tensorflow_are_the_same_model(home: Path, name: str, execution: str):
    result, _ = prove(name, f"tensorflow:execution={execution}", "tensorflow")
    assert failed(result) == {}


@pytest.mark.slow
def test_channels_last_is_the_same_model(home: Path):
    result, _ = prove("mobilenet_v2", "pytorch:layout=channels_last", "pytorch")
    assert failed(result) == {}


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_the_layers_are_those_of_the_specs(framework: str):
    built = built_layers(framework, NAMES)
    for name in NAMES:
        for layer in workload_spec(name).layers:
            assert built[name][layer.name] == [list(getattr(layer, f"{framework}_shape")), layer.parameters], (name, layer.name)


@pytest.mark.slow
def test_torchvisions_resnet50_is_this_one_and_its_mobilenet_differs_by_the_shifts_alone():
    """Same tensors under the same names and, from the same weights, the same outputs."""
    same_names, difference, shapes = answers("""
import torch
from core.workloads.layouts import to_torch
from core.workloads.registry import weight_map, workload_module
workload, sizes = workload_module("resnet50", "pytorch"), {"image_size": 64, "width": 64}
ours, library = workload.model(sizes), workload.model(sizes, network="library")
print("answer", int(ours.state_dict().keys() == library.state_dict().keys()))
library.load_state_dict(ours.state_dict())
images = torch.randn(2, 3, 64, 64)
print("answer", float((ours(images) - library(images)).abs().max()))
workload, found = workload_module("mobilenet_v2", "pytorch"), []
for percent in (35, 100, 140):
    sizes = {"image_size": 64, "width_percent": percent}
    shapes = [[list(tensor.shape) for tensor in workload.model(sizes, network=network).state_dict().values()] for network in ("spec", "library")]
    found.append(shapes[0] == shapes[1])
print("answer", sum(found))
""")
    assert same_names == 1
    assert difference < 1e-5
    assert shapes == 3


@pytest.mark.slow
def test_keras_own_networks_are_others():
    """Version 1 has biases in its convolutions; MobileNetV2 has the shifts, 1,504 of them, that have no effect."""
    resnet, mobilenet = answers("""
from core.workloads.registry import workload_module, workload_spec
for name in ("resnet50", "mobilenet_v2"):
    model = workload_module(name, "tensorflow").model(workload_spec(name).complete({}), network="library")
    print("answer", sum(int(variable.numpy().size) for variable in model.trainable_variables))
""")
    assert resnet == workload_spec("resnet50").parameters + 26_560
    assert mobilenet == workload_spec("mobilenet_v2").parameters + 1_504


@pytest.mark.parametrize("name", NAMES)
def test_spec_adds_up(name: str):
    spec = workload_spec(name)
    learned = [tensor for tensor in weight_map(name, spec.complete({})) if "/moving_" not in tensor.name]
    assert sum(int(np.prod(tensor.shape)) for tensor in learned) == spec.parameters
    assert sum(layer.parameters for layer in spec.layers) == spec.parameters


@pytest.mark.parametrize("name", NAMES)
def test_every_section_has_its_source_on_both_sides(name: str):
    tensorflow, pytorch = (function_sources(name, framework).keys() for framework in ("tensorflow", "pytorch"))
    for section in workload_spec(name).sections:
        named = set(section.functions)
        assert named & tensorflow, section.title
        assert named & pytorch, section.title
        assert named <= tensorflow | pytorch, section.title


@pytest.mark.parametrize("name", GENERATED)
def test_the_data_is_made_up_and_fits_the_sizes(name: str):
    spec = workload_spec(name)
    train, test = samples(name, spec.small_sizes)
    size = spec.small_sizes["image_size"]
    assert spec.generated
    assert train.inputs.shape == (spec.train_samples, size, size, 3)
    assert (len(train.labels), len(test.inputs)) == (spec.train_samples, spec.test_samples)


@pytest.mark.parametrize("name", GENERATED)
def test_running_variances_know_the_size_of_their_image(name: str):
    """The image that BatchNorm sees halves on the way; a wrong size would rescale PyTorch's variance wrongly."""
    sizes = workload_spec(name).small_sizes
    positions = [row.layout.positions for row in weight_map(name, sizes) if isinstance(row.layout, RunningVariance)]
    assert positions == sorted(positions, reverse=True)
    expected = {"resnet18": (16 * 16, 2 * 2), "resnet50": (32 * 32, 2 * 2), "mobilenet_v2": (32 * 32, 2 * 2)}
    assert (positions[0], positions[-1]) == expected[name]


def test_the_stride_of_a_bottleneck_is_in_its_3x3():
    """Version 1.5; the shortcut of a halved block is a 1x1 with the stride."""
    parts = residual_blocks(stages=(1, 1), width=8, kernels=(1, 3, 1), expansion=4, inputs=8, size=20)
    rows = {part.convolution: (part.kernel, part.inputs, part.outputs, part.size) for part in parts}
    assert rows == {
        "layer1.0.conv1": (1, 8, 8, 20), "layer1.0.conv2": (3, 8, 8, 20), "layer1.0.conv3": (1, 8, 32, 20),
        "layer1.0.downsample.0": (1, 8, 32, 20),
        "layer2.0.conv1": (1, 32, 16, 20), "layer2.0.conv2": (3, 16, 16, 10), "layer2.0.conv3": (1, 16, 64, 10),
        "layer2.0.downsample.0": (1, 32, 64, 10),
    }  # fmt: skip


def test_channels_of_a_narrow_mobilenet_are_multiples_of_eight_and_lose_at_most_a_tenth():
    assert [block.outputs for block in blocks(35)[::4]] == [8, 16, 24, 32, 112]
    assert all(block.outputs % 8 == 0 for percent in range(10, 205, 5) for block in blocks(percent))


def test_rounding_stays_small_because_few_values_lie_near_a_relu():
    """Shifts start at 2 and the last scale of a block at 0.1; a stem behind a max pool keeps its shift, or it had no gradient."""
    spec = workload_spec("resnet50")
    weights = workload_module("resnet50", "weights").initial(spec.small_sizes, 1)
    assert (weights["layer2_1_bn1/beta"] == 2).all()
    assert (weights["layer2_1_bn3/gamma"] == np.float32(0.1)).all()
    assert (weights["bn1/beta"] == 0).all()


def test_resnet50_takes_eight_billion_operations_an_image():
    """He et al. (2016) count 3.8 billion multiply-adds; with the stride in the 3x3 it is 4.1."""
    counted = flops("resnet50", workload_spec("resnet50").complete({}))
    assert counted is not None
    assert counted.forward == pytest.approx(2 * 4.09e9, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_measured_is_looked_at_too_where_it_is_larger_or_coarser_than_what_was_proven(home: Path, precision: str):
    """The gates at the small sizes, then one batch at the size, and at the precision, that would be timed."""
    result, _ = prove("resnet18", f"tensorflow:precision={precision}", f"pytorch:precision={precision}", sizes={"image_size": 32, "width": 32})
    assert failed(result) == {}
    seen = {stage.stage: stage.error for stage in result.parity[6:]}
    assert list(seen) == ["measured_forward", "measured_loss", "measured_gradients"][: 3 if precision == "fp32" else 2]
    # bfloat16 has 8 bits: had the look been taken in float32, its error would be far smaller.
    assert ((seen["measured_forward"] or 0) > 1e-4) is (precision == "bf16")
