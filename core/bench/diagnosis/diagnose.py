"""From failed gates to their cause: which stage failed first, and who can explain it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.bench.diagnosis.evidence import Evidence, LayerEvidence, conventional
from core.bench.diagnosis.layer import keep_of, layer_cause
from core.bench.diagnosis.reference import Numbers, activation_between, agree, difference
from core.bench.diagnosis.step import gradient_cause, later_steps_cause, loss_cause, optimizer_cause
from core.model.parity import ParityStage
from core.workloads.layouts import ConvolutionKernel, DenseKernel, DepthwiseKernel, GateKernel, Same, Tensor

#: How the workers say what does not fit, in `set_weights`.
_WRONG_SHAPE = re.compile(r"(?P<name>\S+) has shape (?P<given>\([\d, ]*\)), (?P<framework>\w+)'s model has (?P<has>\([\d, ]*\)|nothing) there")
_NOT_IN_MAP = re.compile(r"(?P<framework>\w+)'s model has (?P<name>\S+), which is not in the weight map")
#: The inputs of a layer are looked for among so many layers before it.
_NEAREST = 16


def with_cause(stages: tuple[ParityStage, ...], evidence: Evidence) -> tuple[ParityStage, ...]:
    """The same stages; the first one that failed says what most likely makes the difference."""
    failed = next((index for index, stage in enumerate(stages) if not stage.passed), None)
    if failed is None:
        return stages
    stage = stages[failed]
    return (*stages[:failed], replace(stage, cause=_cause(stage, evidence)), *stages[failed + 1 :])


def _cause(stage: ParityStage, evidence: Evidence) -> str:
    if refused := _refused_cause(evidence):
        return refused
    match stage.stage:
        case "parameters":
            return _parameter_cause(evidence)
        case "forward":
            return _forward_cause(evidence)
        case "loss":
            found = loss_cause(evidence)
        case "gradients":
            found = gradient_cause(evidence, stage.tensor)
        case "one_step":
            found = _statistics_cause(evidence, stage.tensor) or optimizer_cause(evidence, stage.tensor)
        case _:
            return later_steps_cause(evidence)
    where = f"{stage.stage.replace('_', ' ')} of {stage.tensor or 'both sides'}"
    return found or f"No known cause fits; everything before agrees, so look at the {where}."


# -- weights that are refused, and counts ----------------------------------------------------------------------------


def _refused_cause(evidence: Evidence) -> str | None:
    """What the message says, where a side would not take the weights."""
    for side in evidence.sides:
        if (wrong := _WRONG_SHAPE.search(side.message)) and wrong["has"] != "nothing":
            return _wrong_shape_words(evidence, wrong["name"], _shape(wrong["has"]), wrong["framework"])
        if wrong:
            return f"The weight map names {wrong['name']}, which {wrong['framework']}'s model does not have; name the tensor as the model does."
        if (unknown := _NOT_IN_MAP.search(side.message)) and "bias_hh" in unknown["name"]:
            return (
                f"LSTM bias: PyTorch adds two biases where Keras has one, and {unknown['name']} would be trained too; set it to zero and "
                "requires_grad_(False)."
            )
        if unknown:
            return f"{unknown['framework']}'s model trains {unknown['name']}, and the weight map has no row for it; add the row or freeze it."
    return None


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.strip("()").split(",") if number.strip())


def _wrong_shape_words(evidence: Evidence, name: str, has: tuple[int, ...], framework: str) -> str:
    row = next((row for row in evidence.weight_map if name in (row.torch, row.name)), None)
    if row is None or framework != "PyTorch":
        return f"The weight map gives {name} another shape than {framework}'s model has, {has}; mend the row or the layer."
    right = next((layout for layout in (conventional(row), *_layouts(row)) if _ported_shape(row, layout) == has), None)
    if right is None:
        return f"No layout turns {row.name} {row.shape} into PyTorch's {row.torch} {has}: one of the two layers has another size."
    what = "Kernel layout" if "kernel" in row.name else "Layout"
    return (
        f"{what}: {row.name} is {row.shape} in Keras and {has} in PyTorch, and the weight map ports it with {_call(row.layout)}; "
        f"use {_call(right)}{_axes(right)}."
    )


def _layouts(row: Tensor) -> Iterator[ConvolutionKernel | DepthwiseKernel | DenseKernel | GateKernel | Same]:
    yield from (ConvolutionKernel(), DepthwiseKernel(), DenseKernel(), GateKernel(), Same())


def _ported_shape(row: Tensor, layout: object) -> tuple[int, ...] | None:
    try:
        first, *rest = layout.to_torch(np.zeros(row.shape, np.float32)).shape  # type: ignore[attr-defined]
    except (ValueError, IndexError):
        return None
    return (first * row.parts, *rest)


def _call(layout: object) -> str:
    text = repr(layout)
    return text if text.endswith(")") else type(layout).__name__


def _axes(layout: object) -> str:
    if isinstance(layout, ConvolutionKernel):
        return ", which turns (height, width, inputs, outputs) into (outputs, inputs, height, width)"
    return ", which turns (inputs, outputs) into (outputs, inputs)" if isinstance(layout, DenseKernel | GateKernel) else ""


def _parameter_cause(evidence: Evidence) -> str:
    first, second = evidence.sides
    counts = [{row["name"]: row["parameters"] for row in side.rows} for side in evidence.sides]
    for row in first.rows:
        name, count = row["name"], row["parameters"]
        if name in counts[1] and counts[1][name] != count:
            apart = abs(count - counts[1][name])
            width = row["shape"][-1] if row["shape"] else 0
            hint = f"; {apart:,} is what a bias of {width:,} would make" if apart == width else ""
            return f"The first layer that differs is {name}: {count:,} parameters in {first.label}, {counts[1][name]:,} in {second.label}{hint}."
    alone = [(side, row) for side, others in ((first, counts[1]), (second, counts[0]))
             for row in side.rows if row["name"] not in others and row["parameters"]]  # fmt: skip
    if counts[0] and counts[1] and alone:
        side, row = alone[0]
        return f"{side.label} has a layer {row['name']} with {row['parameters']:,} parameters that the other side does not have under this name."
    return ""


# -- forward ---------------------------------------------------------------------------------------------------------


def _forward_cause(evidence: Evidence) -> str:
    first, second = evidence.sides
    shared = [name for name in first.layers if name in second.layers]
    if not shared:
        named = first.layers and second.layers
        return "No layer has the same name on both sides, so none can be compared; name the Keras layers as the PyTorch modules." if named else ""
    differing = []
    for layer in _layers(evidence, shared):
        if _match(layer.first, layer.second) is None:
            if cause := layer_cause(layer):
                return cause
            differing.append(layer)
    if not differing:
        return "All layers of one name agree, so the difference arises between the last of them and the outputs."
    layer = differing[0]
    if layer.first.shape != layer.second.shape:
        shapes = f"{layer.first.shape[1:]} in {first.label}, {layer.second.shape[1:]} in {second.label}"
        return f"The first layer that differs is {layer.name}: its shape, channels last, is {shapes}. No known cause fits."
    return f"The first layer that differs is {layer.name}, by {difference(layer.first, layer.second):.1e} (relative L2). No known cause fits."


def _match(x: Numbers, y: Numbers) -> str | None:
    """How far two outputs agree: `same`, also where one side counts the activation with the layer and the other does not; `permuted`."""
    for before, after in ((x, y), (y, x)):
        if activation_between(before, after) not in (None, "softmax", "log-softmax"):
            return "same"
    if x.ndim == 2 and x.shape == y.shape and agree(np.sort(x, axis=1), np.sort(y, axis=1)):
        return "permuted"
    return None


def _layers(evidence: Evidence, shared: list[str]) -> Iterator[LayerEvidence]:
    """The shared layers in order, each with what may be its inputs; a layer that only one side names is trusted until one differs."""
    first, second = evidence.sides
    held = evidence.held(second)
    outputs = [{name: array.astype(np.float64) for name, array in side.layers.items()} for side in evidence.sides]
    samples = len(next(iter(outputs[0].values())))
    start = evidence.inputs[:samples].astype(np.float64)
    candidates = [(start, start)]
    trusting = True
    for name, own in outputs[0].items():
        if name not in shared:
            if trusting:
                candidates.insert(0, (own, own))
            continue
        other = outputs[1][name]
        yield LayerEvidence(
            name=name, weights=_of_layer(evidence.weights, name), held=_of_layer(held, name), first=own, second=other,
            candidates=tuple(candidates[:_NEAREST]), labels=(first.label, second.label), batch_norm=_statistics(evidence, name),
        )  # fmt: skip
        agreement = _match(own, other)
        # A flattened image in another order is a fault only where weights meet it.
        if agreement is not None:
            candidates.insert(0, (own, other))
        else:
            trusting = False


def _of_layer(weights: dict[str, Numbers], layer: str) -> dict[str, Numbers]:
    return {name.removeprefix(f"{layer}/"): array.astype(np.float64) for name, array in weights.items() if name.startswith(f"{layer}/")}


def _statistics(evidence: Evidence, layer: str) -> dict[str, tuple[Numbers, Numbers]]:
    """Running mean and variance of a BatchNorm after one step, on both sides."""
    found: dict[str, tuple[Numbers, Numbers]] = {}
    for name in ("moving_mean", "moving_variance"):
        arrays = [side.arrays.get(f"one_step:{layer}/{name}") for side in evidence.sides]
        if arrays[0] is not None and arrays[1] is not None:
            found[name] = (arrays[0].astype(np.float64), arrays[1].astype(np.float64))
    return found


# -- running statistics ----------------------------------------------------------------------------------------------


def _statistics_cause(evidence: Evidence, tensor: str) -> str | None:
    """BatchNorm's momentum, or its variance, where a running statistic is what differs after a step."""
    layer_name, _, variable = tensor.rpartition("/")
    if variable not in ("moving_mean", "moving_variance"):
        return None
    first, second = evidence.sides
    for layer in _layers(evidence, [name for name in first.layers if name in second.layers]):
        if layer.name != layer_name:
            continue
        for before_first, before_second in layer.candidates:
            keeps = keep_of(layer, 0, before_first), keep_of(layer, 1, before_second)
            if keeps[0] is None or keeps[1] is None:
                continue
            if abs(keeps[0] - keeps[1]) > 1e-3:
                return (
                    f"BatchNorm momentum: {layer_name} keeps {keeps[0]:.3g} of its old statistics at each step in {first.label} and "
                    f"{keeps[1]:.3g} in {second.label}; Keras's momentum is one minus PyTorch's."
                )
            if variable == "moving_variance":
                return (
                    f"BatchNorm variance: the means of {layer_name} agree and the variances do not; PyTorch remembers the unbiased one: give "
                    f"{tensor} the layout RunningVariance with the pixels of its image and the share it keeps, {keeps[0]:.3g}."
                )
    return None
