"""The diagnosis on arrays with one mistake each, made by hand: named where the numbers say so, and not guessed where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.bench.diagnosis.diagnose import with_cause
from core.bench.diagnosis.evidence import Evidence, SideEvidence
from core.bench.diagnosis.reference import ACTIVATIONS, attention, convolution, lstm, softmax
from core.model.parity import STAGES, ParityStage
from core.workloads.layouts import (
    ConvolutionKernel,
    DenseAfterFlatten,
    DenseKernel,
    GateKernel,
    HeadsKernel,
    HeadsOutput,
    Layout,
    Same,
    Tensor,
)

Arrays = dict[str, np.ndarray]
GENERATOR = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape)


def cause(stage: str, *, tensor: str = "", tensorflow: Arrays | None = None, pytorch: Arrays | None = None, first: Arrays | None = None,
          second: Arrays | None = None, rows: tuple[Tensor, ...] = (), weights: Arrays | None = None, inputs: Any = None,
          labels: Any = None, message: str = "", built: tuple[Any, Any] = ((), ())) -> str:  # fmt: skip
    """What is said of TensorFlow (A) against PyTorch (B) where `stage` is the first that failed."""
    passed = STAGES.index(stage)
    stages = tuple(ParityStage(stage=name, measure="", error=1.0, allowed=0.0, passed=index < passed, tensor=tensor if index == passed else "")
                   for index, name in enumerate(STAGES))  # fmt: skip
    evidence = Evidence(
        a=SideEvidence(label="TensorFlow", framework="tensorflow", arrays=tensorflow or {}, layers=first or {}, rows=built[0]),
        b=SideEvidence(label="PyTorch", framework="pytorch", arrays=pytorch or {}, layers=second or {}, rows=built[1], message=message),
        weight_map=rows, weights={name: array.astype(np.float32) for name, array in (weights or {}).items()},
        inputs=np.zeros((2, 1)) if inputs is None else inputs, labels=np.zeros(2, np.int64) if labels is None else labels, learning_rate=1e-3,
    )  # fmt: skip
    found = with_cause(stages, evidence)
    assert [one.cause for index, one in enumerate(found) if index != passed] == [""] * (len(STAGES) - 1)
    return found[passed].cause


def row(name: str, torch: str, array: np.ndarray, layout: Layout, **part: int) -> Tensor:
    return Tensor(name, torch, array.shape, layout, **part)


# -- weights that are refused, and counts ----------------------------------------------------------------------------


def test_a_shape_that_is_refused_names_the_layout_that_fits():
    dense = Tensor("head/kernel", "head.weight", (64, 10), Same())
    said = cause("forward", rows=(dense,), message="head.weight has shape (64, 10), PyTorch's model has (10, 64) there")
    assert said == ("Kernel layout: head/kernel is (64, 10) in Keras and (10, 64) in PyTorch, and the weight map ports it with Same(); "
                    "use DenseKernel(), which turns (inputs, outputs) into (outputs, inputs).")  # fmt: skip


def test_a_layer_of_another_size_is_not_taken_for_a_layout():
    dense = Tensor("head/kernel", "head.weight", (64, 10), DenseKernel())
    said = cause("forward", rows=(dense,), message="head.weight has shape (10, 64), PyTorch's model has (10, 128) there")
    assert said == "No layout turns head/kernel (64, 10) into PyTorch's head.weight (10, 128): one of the two layers has another size."


def test_the_second_bias_of_an_lstm_is_named():
    assert cause("parameters", message="PyTorch's model has lstm.bias_hh_l0, which is not in the weight map").startswith("LSTM bias:")


def test_the_first_layer_with_another_number_of_parameters_is_named():
    built = tuple(({"name": "conv", "kind": "", "shape": [8, 8, 16], "parameters": count},) for count in (432, 448))
    assert cause("parameters", built=(built[0], built[1])) == (
        "The first layer that differs is conv: 432 parameters in TensorFlow, 448 in PyTorch; 16 is what a bias of 16 would make."
    )


# -- forward ---------------------------------------------------------------------------------------------------------

IMAGES, KERNEL = normal(2, 8, 8, 3), normal(3, 3, 3, 4)


def convolved(kernel: np.ndarray = KERNEL, *, stride: int = 1, before: tuple[int, int] = (1, 1), size: int = 8) -> np.ndarray:
    return convolution(IMAGES, kernel.astype(np.float32), stride=stride, before=before, size=(size, size), depthwise=False)


def test_a_convolution_kernel_with_height_and_width_exchanged():
    class Turned(ConvolutionKernel):
        def to_torch(self, array: np.ndarray) -> np.ndarray:
            return array.transpose(3, 2, 1, 0)

    said = cause("forward", inputs=IMAGES, first={"conv": convolved()}, second={"conv": convolved(KERNEL.transpose(1, 0, 2, 3))},
                 weights={"conv/kernel": KERNEL}, rows=(row("conv/kernel", "conv.weight", KERNEL, Turned()),))  # fmt: skip
    assert said.startswith("Kernel layout: the weight map gives PyTorch conv/kernel with width where height should be")


def test_padding_of_a_strided_convolution():
    said = cause("forward", inputs=IMAGES, first={"conv": np.maximum(convolved(stride=2, before=(0, 0), size=4), 0)},
                 second={"conv": convolved(stride=2, before=(1, 1), size=4)},
                 weights={"conv/kernel": KERNEL}, rows=(row("conv/kernel", "conv.weight", KERNEL, ConvolutionKernel()),))  # fmt: skip
    assert said.startswith("Padding: above and left of the image of conv TensorFlow puts no zeros, PyTorch 1 zero;")


@pytest.mark.parametrize("with_module", [True, False])
def test_flatten_order_where_flatten_is_a_module_and_where_it_is_not(with_module: bool):
    kernel = normal(192, 5).astype(np.float32)
    keras, torch = IMAGES.reshape(2, -1), IMAGES.transpose(0, 3, 1, 2).reshape(2, -1)
    first = {"pool": IMAGES, "flatten": keras, "dense": np.maximum(keras @ kernel, 0)}
    second = {"pool": IMAGES, **({"flatten": torch} if with_module else {}), "dense": torch @ kernel}
    rows = (row("dense/kernel", "dense.weight", kernel, DenseKernel()),)
    said = cause("forward", first=first, second=second, weights={"dense/kernel": kernel}, rows=rows)
    assert said.startswith("Flatten order: Keras flattens the image in front of dense as (height, width, channels)")
    assert said.endswith("use DenseAfterFlatten(height=8, width=8, channels=3).")


def test_flatten_order_with_wrong_numbers():
    kernel = normal(192, 5).astype(np.float32)
    wrong = DenseAfterFlatten(height=3, width=8, channels=8)
    keras, torch = IMAGES.reshape(2, -1), IMAGES.transpose(0, 3, 1, 2).reshape(2, -1)
    first = {"pool": IMAGES, "flatten": keras, "dense": keras @ kernel}
    second = {"pool": IMAGES, "flatten": torch, "dense": torch @ wrong.to_torch(kernel).T}
    said = cause("forward", first=first, second=second, weights={"dense/kernel": kernel}, rows=(row("dense/kernel", "dense.weight", kernel, wrong),))
    assert said.endswith("use DenseAfterFlatten(height=8, width=8, channels=3).")


def test_a_square_kernel_that_is_not_transposed():
    inputs, kernel = normal(2, 6), normal(6, 6).astype(np.float32)
    said = cause("forward", inputs=inputs, first={"dense": inputs @ kernel}, second={"dense": inputs @ kernel.T},
                 weights={"dense/kernel": kernel}, rows=(row("dense/kernel", "dense.weight", kernel, Same()),))  # fmt: skip
    assert said.startswith("Kernel layout: dense/kernel is (inputs, outputs) in Keras")


def test_another_activation_between_two_layers_that_have_none():
    inputs, kernel = normal(2, 64), normal(64, 6).astype(np.float32)
    said = cause("forward", first={"norm": inputs, "dense": ACTIVATIONS["exact GELU"](inputs) @ kernel},
                 second={"norm": inputs, "dense": ACTIVATIONS["tanh GELU"](inputs) @ kernel},
                 weights={"dense/kernel": kernel}, rows=(row("dense/kernel", "dense.weight", kernel, DenseKernel()),))  # fmt: skip
    assert said == "In front of dense TensorFlow applies an exact GELU, PyTorch a tanh GELU."


def test_probabilities_against_logits():
    inputs, kernel = normal(2, 6), normal(6, 10).astype(np.float32)
    said = cause("forward", inputs=inputs, first={"head": softmax(inputs @ kernel)}, second={"head": inputs @ kernel},
                 weights={"head/kernel": kernel}, rows=(row("head/kernel", "head.weight", kernel, DenseKernel()),))  # fmt: skip
    assert said.startswith("head ends in a softmax in TensorFlow and in no activation in PyTorch")


def batch_norm(epsilons: tuple[float, float], keeps: tuple[float, float]) -> dict[str, Any]:
    """Both sides of one BatchNorm: its outputs for two images of a batch of eight, and its statistics after a step."""
    batch = normal(8, 4, 4, 3) * [0.05, 0.1, 0.2] + 0.5
    mean, variance, gamma = batch.mean(axis=(0, 1, 2)), batch.var(axis=(0, 1, 2)), np.array([1.0, 0.5, 2.0])
    sides = [
        {"outputs": {"conv": batch[:2], "bn": gamma * (batch[:2] - mean) / np.sqrt(variance + epsilon)},
         "arrays": {"one_step:bn/moving_mean": (1 - keep) * mean, "one_step:bn/moving_variance": keep + (1 - keep) * variance}}
        for epsilon, keep in zip(epsilons, keeps, strict=True)
    ]  # fmt: skip
    weights = {"bn/gamma": gamma, "bn/beta": np.zeros(3), "bn/moving_mean": np.zeros(3), "bn/moving_variance": np.ones(3)}
    return {"first": sides[0]["outputs"], "second": sides[1]["outputs"], "tensorflow": sides[0]["arrays"], "pytorch": sides[1]["arrays"],
            "weights": weights, "rows": tuple(row(name, name, array, Same()) for name, array in weights.items())}  # fmt: skip


def test_epsilon_of_batch_norm_on_both_sides():
    said = cause("forward", **batch_norm((1e-3, 1e-5), (0.9, 0.9)))
    assert said.startswith("BatchNorm epsilon: in bn TensorFlow's looks like 0.001 and PyTorch's like 1e-05;")


def test_momentum_of_batch_norm_on_both_sides():
    said = cause("one_step", tensor="bn/moving_variance", **batch_norm((1e-3, 1e-3), (0.99, 0.9)))
    assert said.startswith("BatchNorm momentum: bn keeps 0.99 of its old statistics at each step in TensorFlow and 0.9 in PyTorch")


def test_epsilon_of_layer_norm_on_both_sides():
    tokens = normal(2, 5, 32) * 0.1
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    sides = [{"embedding": tokens, "norm": centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)} for epsilon in (1e-3, 1e-5)]
    weights = {"norm/gamma": np.ones(32), "norm/beta": np.zeros(32)}
    said = cause("forward", first=sides[0], second=sides[1], weights=weights, rows=tuple(row(name, name, a, Same()) for name, a in weights.items()))
    assert said.startswith("LayerNorm epsilon: in norm TensorFlow's looks like 0.001 and PyTorch's like 1e-05;")


TOKENS = normal(2, 6, 8)
CELL = {"lstm/cell/kernel": normal(8, 16).astype(np.float32), "lstm/cell/recurrent_kernel": normal(4, 16).astype(np.float32) * 0.5,
        "lstm/cell/bias": normal(16).astype(np.float32)}  # fmt: skip


def states(gates: tuple[int, ...] = (0, 1, 2, 3)) -> np.ndarray:
    kernel, recurrent, bias = CELL.values()
    return lstm(TOKENS, kernel, recurrent, bias, gates)


class Moved(GateKernel):
    """Output before cell."""

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        return np.concatenate([np.split(array.T, 4)[block] for block in (0, 1, 3, 2)])


class MovedBias(Same):
    def to_torch(self, array: np.ndarray) -> np.ndarray:
        return np.concatenate([np.split(array, 4)[block] for block in (0, 1, 3, 2)])


@pytest.mark.parametrize("bias", [Same(), MovedBias()])
def test_gates_that_the_map_exchanges(bias: Same):
    layouts: tuple[Layout, ...] = (Moved(), Moved(), bias)
    rows = tuple(row(name, name, array, layout) for (name, array), layout in zip(CELL.items(), layouts, strict=True))
    kernel, recurrent, held_bias = (layout.to_torch(array).T for layout, array in zip(layouts, CELL.values(), strict=True))
    said = cause("forward", inputs=TOKENS, weights=CELL, rows=rows, first={"lstm": states()[:, -1]},
                 second={"lstm": lstm(TOKENS, kernel, recurrent, held_bias)[:, -1]})  # fmt: skip
    assert said.startswith("LSTM gates:")
    if isinstance(bias, MovedBias):
        assert "in the order input, forget, output, cell;" in said


def test_gates_that_the_layer_reads_in_another_order():
    layouts: tuple[Layout, ...] = (GateKernel(), GateKernel(), Same())
    rows = tuple(row(name, name, array, layout) for (name, array), layout in zip(CELL.items(), layouts, strict=True))
    said = cause("forward", inputs=TOKENS, weights=CELL, rows=rows, first={"lstm": states()},
                 second={"lstm": states((1, 0, 2, 3))})  # fmt: skip
    assert said.startswith("LSTM gates: in lstm PyTorch's layer reads the four blocks in the order forget, input, cell, output;")


HEADS = {f"mha/{part}/kernel": normal(8, 2, 4).astype(np.float32) for part in ("query", "key", "value")}
OUTPUT = {"mha/attention_output/kernel": normal(2, 4, 8).astype(np.float32)}


def attended(query: np.ndarray, key: np.ndarray, value: np.ndarray, *, causal: bool = False) -> np.ndarray:
    queries, keys, values = (np.einsum("bte,end->btnd", TOKENS, kernel) for kernel in (query, key, value))
    return attention(queries, keys, values, OUTPUT["mha/attention_output/kernel"], causal=causal)


def heads_rows(parts: tuple[int, int, int] = (0, 1, 2), layout: Layout | None = None) -> tuple[Tensor, ...]:
    kept = layout or HeadsKernel(2)
    packed = (row(name, "mha.in", array, kept, part=part, parts=3) for (name, array), part in zip(HEADS.items(), parts, strict=True))
    return (*packed, *(row(name, "mha.out", array, HeadsOutput(2)) for name, array in OUTPUT.items()))


def test_parts_of_packed_attention_that_the_map_exchanges():
    query, key, value = HEADS.values()
    said = cause("forward", inputs=TOKENS, weights=HEADS | OUTPUT, rows=heads_rows((1, 0, 2)), first={"mha": attended(query, key, value)},
                 second={"mha": attended(key, query, value)})  # fmt: skip
    # Exchanging query and key turns the scores over, which softmax sees.
    assert said.startswith("Packed attention: the weight map packs the parts of mha in the order key, query, value")


def test_heads_that_the_map_flattens_the_other_way():
    class Crossed(HeadsKernel):
        def to_torch(self, array: np.ndarray) -> np.ndarray:
            return array.transpose(0, 2, 1).reshape(array.shape[0], -1).T

    crossed = [kernel.transpose(0, 2, 1).reshape(8, 2, 4) for kernel in HEADS.values()]
    said = cause("forward", inputs=TOKENS, weights=HEADS | OUTPUT, rows=heads_rows(layout=Crossed(2)), first={"mha": attended(*HEADS.values())},
                 second={"mha": attended(*crossed)})  # fmt: skip
    assert said.startswith("Packed attention: the weight map flattens mha/query/kernel as (features, heads)")


def test_a_mask_on_one_side():
    said = cause("forward", inputs=TOKENS, weights=HEADS | OUTPUT, rows=heads_rows(), first={"mha": attended(*HEADS.values(), causal=True)},
                 second={"mha": attended(*HEADS.values())})  # fmt: skip
    assert said == "Attention mask: mha hides what comes later in TensorFlow and not in PyTorch."


def test_what_nothing_explains_is_the_first_layer_that_differs_and_no_guess():
    noise = normal(2, 8, 8, 4)
    said = cause("forward", inputs=IMAGES, first={"conv": convolved(), "next": noise}, second={"conv": convolved() + 0.1 * noise, "next": -noise},
                 weights={"conv/kernel": KERNEL}, rows=(row("conv/kernel", "conv.weight", KERNEL, ConvolutionKernel()),))  # fmt: skip
    assert said.startswith("The first layer that differs is conv, by ")
    assert said.endswith("No known cause fits.")


def test_layers_without_a_common_name_say_so():
    assert "name the Keras layers as the PyTorch modules" in cause("forward", first={"a": IMAGES}, second={"b": IMAGES})


# -- loss, gradients, steps ------------------------------------------------------------------------------------------

LOGITS, LABELS = normal(16, 5), np.random.default_rng(1).integers(0, 5, 16)


def forward(loss: float) -> Arrays:
    return {"forward": LOGITS, "loss": np.asarray(loss)}


def test_a_loss_that_takes_logits_for_probabilities_against_one_that_does_not():
    each = -np.log(softmax(LOGITS))[np.arange(16), LABELS]
    twice = -np.log(softmax(softmax(LOGITS)))[np.arange(16), LABELS]
    assert cause("loss", labels=LABELS, tensorflow=forward(twice.mean()), pytorch=forward(each.mean())).startswith(
        "Loss: TensorFlow computes the mean cross-entropy of a second softmax, PyTorch the mean cross-entropy of logits;"
    )


def test_keras_without_from_logits_takes_them_for_probabilities():
    clipped = np.clip(LOGITS, 1e-7, 1 - 1e-7)
    each = -np.log(clipped / clipped.sum(axis=1, keepdims=True))[np.arange(16), LABELS]
    right = -np.log(softmax(LOGITS))[np.arange(16), LABELS]
    assert cause("loss", labels=LABELS, tensorflow=forward(each.mean()), pytorch=forward(right.mean())).startswith(
        "Loss: TensorFlow computes the mean cross-entropy that takes the outputs for probabilities, PyTorch the mean cross-entropy of logits;"
    )


def test_a_sum_against_a_mean():
    each = -np.log(softmax(LOGITS))[np.arange(16), LABELS]
    said = cause("loss", labels=LABELS, tensorflow=forward(each.mean()), pytorch=forward(each.sum()))
    assert "PyTorch the sum over the batch of the cross-entropy of logits" in said


def test_gradients_that_are_missing_and_gradients_of_another_size():
    gradients = {"gradients:a/kernel": normal(4, 4), "gradients:b/kernel": normal(4, 4)}
    assert cause("gradients", tensor="b/kernel", tensorflow=gradients, pytorch={"gradients:a/kernel": gradients["gradients:a/kernel"]}).startswith(
        "PyTorch has no gradient of b/kernel"
    )
    scaled = {name: 16 * array for name, array in gradients.items()}
    assert cause("gradients", tensor="b/kernel", tensorflow=gradients, pytorch=scaled).startswith("All gradients are 16 times as large in PyTorch")
    one = {**gradients, "gradients:b/kernel": 2 * gradients["gradients:b/kernel"]}
    said = cause("gradients", tensor="b/kernel", tensorflow=gradients, pytorch=one)
    assert said.startswith("The gradient of b/kernel is 2 times as large in PyTorch")


WEIGHTS, GRADIENT = normal(40, 50) * 0.1, normal(40, 50) * 10.0 ** -np.random.default_rng(2).integers(2, 8, (40, 50))


def stepped(rate: float = 1e-3, epsilon: float = 1e-8, decay: float = 0.0, adam: bool = True) -> Arrays:
    """One side's gradient and weights after a step; in float32, as a worker writes them."""
    direction = GRADIENT / (np.abs(GRADIENT) + epsilon) if adam else GRADIENT
    after = WEIGHTS.astype(np.float32) - rate * direction - rate * decay * WEIGHTS
    return {"gradients:w": GRADIENT, "one_step:w": after.astype(np.float32)}


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"epsilon": 1e-7 / 0.001**0.5}, {"epsilon": 1e-8}, "an epsilon of 1e-07 in Keras's form (epsilon-hat) against 1e-08 in the paper's form"),
        ({"rate": 1e-3}, {"rate": 3e-3}, "a step of 1 learning rate against 3 learning rates"),
        ({"rate": 1e-3 * 0.1 / 0.001**0.5}, {}, "a step of 3.16 learning rates (as without bias correction) against 1 learning rate"),
        ({"decay": 0.01}, {"decay": 0.004}, "a weight decay of 0.01 against 0.004"),
        ({}, {"adam": False, "rate": 0.1}, "first step is about the same size for every weight, as Adam's, PyTorch's is along the gradient"),
    ],
)
def test_what_differs_in_the_optimizers_step(first: dict[str, Any], second: dict[str, Any], words: str):
    said = cause("one_step", tensor="w", weights={"w": WEIGHTS}, tensorflow=stepped(**first), pytorch=stepped(**second))
    assert said.startswith("Optimizer: ")
    assert words in said
    assert " and a" not in said  # one difference, one reason


def test_steps_that_no_rule_explains_are_not_named():
    other = {**stepped(), "one_step:w": WEIGHTS + normal(40, 50)}
    said = cause("one_step", tensor="w", weights={"w": WEIGHTS}, tensorflow=stepped(), pytorch=other)
    assert said == "No known cause fits; everything before agrees, so look at the one step of w."


@pytest.mark.parametrize(("size", "words"), [(0.3, "what is carried from step to step differs"), (1e-4, "that is how rounding grows")])
def test_sides_that_part_after_the_first_step(size: float, words: str):
    moved = normal(40, 50)
    sides: dict[str, Any] = {"tensorflow": {"ten_steps:w": WEIGHTS + moved}, "pytorch": {"ten_steps:w": WEIGHTS + moved + size * normal(40, 50)}}
    assert words in cause("ten_steps", weights={"w": WEIGHTS}, **sides)
