"""Why one layer gives different outputs from the same inputs: dense, convolution and normalisation; the rest in `sequence`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from core.bench.diagnosis.evidence import LayerEvidence
from core.bench.diagnosis.reference import ACTIVATIONS, Numbers, activation_between, agree, convolution, paddings
from core.bench.diagnosis.sequence import attention_cause, lstm_cause


def layer_cause(layer: LayerEvidence) -> str | None:
    """The cause in this layer, in one sentence; None where nothing that is known explains both sides."""
    names = set(layer.weights)
    if any(name.startswith("query/") for name in names):
        return attention_cause(layer)
    if any(name.endswith("recurrent_kernel") for name in names):
        return lstm_cause(layer)
    if "moving_variance" in names:
        return _batch_norm_cause(layer)
    if "gamma" in names:
        return _layer_norm_cause(layer)
    kernel = layer.weights.get("kernel", layer.weights.get("depthwise_kernel"))
    if kernel is not None and kernel.ndim == 4:
        return _convolution_cause(layer, depthwise="depthwise_kernel" in names)
    if kernel is not None and kernel.ndim == 2:
        return _dense_cause(layer)
    return _ending_cause(layer, layer.first)


def _applied(inputs: Numbers) -> Iterator[tuple[str, Numbers]]:
    """Inputs as they are, then behind each activation."""
    with np.errstate(all="ignore"):
        for name, function in ACTIVATIONS.items():
            yield name, function(inputs)


def _explained(linear: Numbers, outputs: Numbers) -> str | None:
    """The activation with which the layer's product and bias give its outputs."""
    return activation_between(linear, outputs)


# -- dense -----------------------------------------------------------------------------------------------------------


def _dense_cause(layer: LayerEvidence) -> str | None:
    first, second = layer.labels
    kernel, bias = layer.weights["kernel"], layer.weights.get("bias", 0.0)
    held, held_bias = layer.held["kernel"], layer.held.get("bias", 0.0)
    if kernel.shape != held.shape:
        return None
    for before_first, before_second in layer.candidates:
        if before_first.shape[-1] != kernel.shape[0]:
            continue
        for activation, inputs in _applied(before_first):
            if _explained(inputs @ kernel + bias, layer.first) is None:
                continue
            if not np.array_equal(kernel, held):
                # Each side does what its weights say, so it is the weights that differ.
                for own in (_same_activation(before_second, activation), *_flattened_otherwise(layer, inputs)):
                    if own.shape == inputs.shape and _explained(own @ held + held_bias, layer.second) is not None:
                        return _dense_kernel_words(layer, kernel, held)
            for own_activation, own in _applied(before_second):
                if _explained(own @ held + held_bias, layer.second) is not None:
                    if own_activation != activation:
                        words = _activation_words(activation), _activation_words(own_activation)
                        return f"In front of {layer.name} {first} applies {words[0]}, {second} {words[1]}."
                    if not agree(before_first, before_second):
                        return _flatten_words(layer)
                    ends = _ending_cause(layer, inputs @ kernel + bias)
                    if ends:
                        return ends
            if any(_explained(own @ held + held_bias, layer.second) is not None for own in _flattened_otherwise(layer, inputs)):
                return _flatten_words(layer)
    return None


def _same_activation(inputs: Numbers, name: str) -> Numbers:
    with np.errstate(all="ignore"):
        return ACTIVATIONS[name](inputs)


def _flattened_otherwise(layer: LayerEvidence, inputs: Numbers) -> Iterator[Numbers]:
    """The flattened inputs in PyTorch's order of an image, for each image before that has as many numbers."""
    for shape in _image_shapes(layer, inputs.shape[-1]):
        yield inputs.reshape(len(inputs), *shape).transpose(0, 3, 1, 2).reshape(len(inputs), -1)


def _image_shapes(layer: LayerEvidence, features: int) -> Iterator[tuple[int, ...]]:
    seen = set()
    for image, _ in layer.candidates:
        shape = image.shape[1:]
        if image.ndim == 4 and int(np.prod(shape)) == features and shape not in seen and layer.first.ndim == 2:
            seen.add(shape)
            yield shape


def _flatten_words(layer: LayerEvidence) -> str:
    kernel = layer.weights["kernel"]
    shape = next(_image_shapes(layer, kernel.shape[0]), None)
    use = f"DenseAfterFlatten(height={shape[0]}, width={shape[1]}, channels={shape[2]})" if shape else "DenseAfterFlatten"
    return (
        f"Flatten order: Keras flattens the image in front of {layer.name} as (height, width, channels), PyTorch as (channels, height, "
        f"width), and the weight map leaves the inputs of {layer.name}/kernel where they are; use {use}."
    )


def _dense_kernel_words(layer: LayerEvidence, kernel: Numbers, held: Numbers) -> str:
    name = f"{layer.name}/kernel"
    if kernel.shape[0] == kernel.shape[1] and np.array_equal(held, kernel.T):
        return (
            f"Kernel layout: {name} is (inputs, outputs) in Keras and (outputs, inputs) in PyTorch, and the weight map does not transpose "
            "it; use DenseKernel()."
        )
    if np.array_equal(np.sort(kernel, axis=0), np.sort(held, axis=0)):
        shape = next(_image_shapes(layer, kernel.shape[0]), None)
        right = f"DenseAfterFlatten(height={shape[0]}, width={shape[1]}, channels={shape[2]})" if shape else "DenseKernel()"
        return f"Flatten order: the weight map gives PyTorch the inputs of {name} in another order than they arrive in; use {right}."
    return f"The weight map gives PyTorch another {name} than Keras has; use DenseKernel()."


def _ending_cause(layer: LayerEvidence, linear: Numbers) -> str | None:
    """Does one side's layer end in a softmax that the other has not? A ReLU or the like may follow outside, this may not."""
    first, second = layer.labels
    own, other = activation_between(linear, layer.first), activation_between(linear, layer.second)
    if own is None or other is None:
        # Probabilities do not lead back to logits, but logits lead to them.
        backwards = activation_between(layer.second, linear)
        own, other = (backwards, "none") if backwards is not None else (own, other)
    if own is None or other is None or own == other or not {own, other} & {"softmax", "log-softmax"}:
        return None
    return (
        f"{layer.name} ends in {_activation_words(own)} in {first} and in {_activation_words(other)} in {second}; "
        "give logits on both sides and let the loss apply the softmax."
    )


def _activation_words(name: str) -> str:
    return "no activation" if name == "none" else f"a {name}" if name[0] not in "aeiou" else f"an {name}"


# -- convolution -----------------------------------------------------------------------------------------------------


def _convolution_cause(layer: LayerEvidence, *, depthwise: bool) -> str | None:
    variable = "depthwise_kernel" if depthwise else "kernel"
    kernel, held = layer.weights[variable], layer.held[variable]
    if layer.first.ndim != 4 or kernel.shape != held.shape:
        return None
    for before_first, before_second in layer.candidates:
        if before_first.ndim != 4 or before_first.shape[-1] != kernel.shape[2]:
            continue
        for activation in ("none", "ReLU", "ReLU6", "exact GELU", "SiLU"):
            inputs = _same_activation(before_first, activation)
            found = _padding(layer, inputs, kernel, layer.weights.get("bias"), layer.first, depthwise)
            if found is None:
                continue
            own_inputs = _same_activation(before_second, activation)
            own = _padding(layer, own_inputs, held, layer.held.get("bias"), layer.second, depthwise)
            if own is None:
                continue
            if not np.array_equal(kernel, held):
                right = "DepthwiseKernel()" if depthwise else "ConvolutionKernel()"
                return (
                    f"Kernel layout: the weight map gives PyTorch {layer.name}/{variable} with {_moved(kernel, held)}. Keras keeps (height, width, "
                    f"inputs, outputs), PyTorch (outputs, inputs, height, width); use {right}."
                )
            if own != found:
                first, second = layer.labels
                return (
                    f"Padding: above and left of the image of {layer.name} {first} puts {_pixels(found)}, {second} {_pixels(own)}; at stride 2 "
                    "Keras's \"same\" pads one side less. Pad by hand (ZeroPadding2D, then padding=\"valid\")."
                )
    return None


def _padding(
    layer: LayerEvidence, inputs: Numbers, kernel: Numbers, bias: Numbers | None, outputs: Numbers, depthwise: bool
) -> tuple[int, int, int] | None:
    """Stride, and zeros above and to the left, with which the convolution gives these outputs."""
    inputs, outputs = inputs[:1], outputs[:1]  # one image tells as much as two
    size = (outputs.shape[1], outputs.shape[2])
    if not all(size):
        return None
    largest = max(1, -(-inputs.shape[1] // size[0]))
    for stride in range(largest, 0, -1):
        for before in paddings((kernel.shape[0], kernel.shape[1])):
            given = convolution(inputs, kernel, stride=stride, before=before, size=size, depthwise=depthwise)
            if given.shape == outputs.shape and _explained(given + (0.0 if bias is None else bias), outputs) is not None:
                return stride, *before
    return None


def _pixels(found: tuple[int, int, int]) -> str:
    _, above, left = found
    return f"{above} and {left} zeros" if above != left else "no zeros" if not above else f"{above} {'zero' if above == 1 else 'zeros'}"


def _moved(kernel: Numbers, held: Numbers) -> str:
    axes = ("height", "width", "inputs", "outputs")
    for order in permutations(range(4)):
        if kernel.transpose(order).shape == held.shape and np.array_equal(kernel.transpose(order), held):
            moved = [f"{axes[to]} where {axes[at]} should be" for at, to in enumerate(order) if at != to]
            return " and ".join(moved)
    return "its numbers in another order"


# -- normalisation ---------------------------------------------------------------------------------------------------


def _batch_norm_cause(layer: LayerEvidence) -> str | None:
    gamma, beta = layer.weights["gamma"], layer.weights.get("beta", np.zeros_like(layer.weights["gamma"]))
    if layer.first.shape[-1:] != gamma.shape:
        return None
    for before, _ in layer.candidates:
        slopes = [_slopes(before, outputs) for outputs in (layer.first, layer.second)]
        if slopes[0] is None or slopes[1] is None:
            continue
        kept = [keep_of(layer, side, before) for side in (0, 1)]
        epsilons = []
        for side, found in enumerate(slopes):
            assert found is not None
            slope, offset = found
            keep = kept[side]
            if keep is None:
                return None
            mean = (beta - offset) / slope
            variance = (layer.batch_norm["moving_variance"][side] - keep * layer.weights["moving_variance"]) / (1 - keep)
            usable = (np.abs(gamma) > 1e-6) & np.isfinite(mean)
            epsilons.append(float(np.median(((gamma / slope) ** 2 - variance)[usable])))
        return _epsilon_words("BatchNorm", layer, (epsilons[0], epsilons[1]), "1e-3, PyTorch's 1e-5")
    return None


def _slopes(inputs: Numbers, outputs: Numbers) -> tuple[Numbers, Numbers] | None:
    """Slope and offset of each channel, where outputs are that of inputs; None where they are not."""
    if inputs.shape != outputs.shape or inputs.ndim < 2:
        return None
    x, y = inputs.reshape(-1, inputs.shape[-1]), outputs.reshape(-1, outputs.shape[-1])
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    with np.errstate(all="ignore"):
        slope = ((x - x_mean) * (y - y_mean)).sum(axis=0) / ((x - x_mean) ** 2).sum(axis=0)
        offset = y_mean - slope * x_mean
        return (slope, offset) if agree(y, slope * x + offset) else None


def keep_of(layer: LayerEvidence, side: int, before: Numbers) -> float | None:
    """Share of the old statistics that a BatchNorm kept at its first step, by its moving mean; None where it cannot be told."""
    slopes = _slopes(before, (layer.first, layer.second)[side])
    if slopes is None or "moving_mean" not in layer.batch_norm:
        return None
    slope, offset = slopes
    beta, start = layer.weights.get("beta", np.zeros_like(slope)), layer.weights["moving_mean"]
    mean = (beta - offset) / slope
    with np.errstate(all="ignore"):
        taken = (layer.batch_norm["moving_mean"][side] - start) / (mean - start)
    # Means near zero say nothing.
    told = taken[np.isfinite(taken) & (np.abs(mean - start) >= np.median(np.abs(mean - start)))]
    return 1 - float(np.median(told)) if len(told) else None


def _layer_norm_cause(layer: LayerEvidence) -> str | None:
    gamma, beta = layer.weights["gamma"], layer.weights.get("beta", 0.0)
    for before, _ in layer.candidates:
        if before.shape != layer.first.shape or before.shape[-1:] != gamma.shape:
            continue
        centred = before - before.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1)
        epsilons = []
        for outputs in (layer.first, layer.second):
            scale = ((outputs - beta) * centred * gamma).sum(axis=-1) / ((centred * gamma) ** 2).sum(axis=-1)
            if not agree(outputs, scale[..., np.newaxis] * centred * gamma + beta):
                break
            epsilons.append(float(np.median(1 / scale**2 - variance)))
        if len(epsilons) == 2:
            return _epsilon_words("LayerNorm", layer, (epsilons[0], epsilons[1]), "1e-3, PyTorch's 1e-5")
    return None


def _epsilon_words(kind: str, layer: LayerEvidence, epsilons: tuple[float, float], defaults: str) -> str | None:
    # Rounding alone moves the estimate by about this.
    if abs(epsilons[0] - epsilons[1]) < 2e-6:
        return None
    first, second = (f"{max(epsilon, 0.0):.1g}" for epsilon in epsilons)
    return (
        f"{kind} epsilon: in {layer.name} {layer.labels[0]}'s looks like {first} and {layer.labels[1]}'s like {second}; set it on both sides "
        f"(Keras's default is {defaults})."
    )
