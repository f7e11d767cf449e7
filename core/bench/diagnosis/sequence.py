"""Why an LSTM or an attention layer gives different outputs from the same inputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from core.bench.diagnosis.evidence import LayerEvidence
from core.bench.diagnosis.reference import GATES, Numbers, agree, attention, lstm, packed_readings

_IN_ORDER = (0, 1, 2, 3)
_PARTS = ("query", "key", "value")


def lstm_cause(layer: LayerEvidence) -> str | None:
    """The order of the gates: in the weights that the map gives, or in the layer itself."""

    def weights(side: dict[str, Numbers]) -> tuple[Numbers, Numbers, Numbers]:
        kernel, recurrent, bias = (_named(side, name) for name in ("kernel", "recurrent_kernel", "bias"))
        assert kernel is not None
        assert recurrent is not None
        return kernel, recurrent, np.zeros(kernel.shape[1]) if bias is None else bias

    own, held = weights(layer.weights), weights(layer.held)
    if any(x.shape != y.shape for x, y in zip(own, held, strict=True)):
        return None
    for before_first, before_second in layer.candidates:
        if before_first.ndim != 3 or before_first.shape[-1] != own[0].shape[0] or not _gives(lstm(before_first, *own), layer.first):
            continue
        for gates in permutations(range(4)):
            if not _gives(lstm(before_second, *held, gates=gates), layer.second):
                continue
            if gates != _IN_ORDER:
                return _gate_words(layer, f"{layer.labels[1]}'s layer reads the four blocks", gates)
            moved = next((order for order in permutations(range(4)) if _is_moved(own, held, order)), None)
            if moved == _IN_ORDER:
                return None
            if moved is not None:
                return _gate_words(layer, "the weight map gives PyTorch the four blocks of kernel, recurrent kernel and bias", moved)
            named = [name for name, x, y in zip(("kernel", "recurrent kernel", "bias"), own, held, strict=True) if not np.array_equal(x, y)]
            return (
                f"LSTM gates: the weight map gives PyTorch another {' and '.join(named)} of {layer.name} than Keras has; use GateKernel(), and "
                "Same() for the bias."
            )
    return None


def _named(weights: dict[str, Numbers], name: str) -> Numbers | None:
    return next((array for path, array in weights.items() if path.rpartition("/")[2] == name), None)


def _gives(states: Numbers, outputs: Numbers) -> bool:
    """The last state, or all of them."""
    return agree(outputs, states[:, -1]) or agree(outputs, states)


def _is_moved(own: tuple[Numbers, ...], held: tuple[Numbers, ...], order: tuple[int, ...]) -> bool:
    moved = (np.concatenate([np.split(x, 4, axis=-1)[block] for block in order], axis=-1) for x in own)
    return all(np.array_equal(x, y) for x, y in zip(moved, held, strict=True))


def _gate_words(layer: LayerEvidence, where: str, order: tuple[int, ...]) -> str:
    found = ", ".join(GATES[block] for block in order) if "reads" not in where else ", ".join(GATES[order.index(block)] for block in range(4))
    return f"LSTM gates: in {layer.name} {where} in the order {found}; Keras and PyTorch both keep {', '.join(GATES)}."


def attention_cause(layer: LayerEvidence) -> str | None:
    """Which part of the packed product is query, key and value, how it is cut into heads, and what is masked."""
    first, second = layer.labels
    heads = layer.weights["query/kernel"].shape[1]
    output, output_bias = layer.weights["attention_output/kernel"], layer.weights.get("attention_output/bias", 0.0)
    held_output, held_bias = layer.held["attention_output/kernel"], layer.held.get("attention_output/bias", 0.0)
    if any(layer.weights[name].shape != layer.held[name].shape for name in layer.weights):
        return None
    for before_first, before_second in layer.candidates:
        if before_first.ndim != 3 or before_first.shape[-1] != layer.weights["query/kernel"].shape[0]:
            continue
        masked = [causal for causal in (False, True)
                  if agree(layer.first, attention(*_projected(before_first, layer.weights), output, causal=causal) + output_bias)]  # fmt: skip
        if not masked:
            continue
        packed = np.concatenate([part.reshape(*part.shape[:2], -1) for part in _projected(before_second, layer.held)], axis=-1)
        for causal in (masked[0], not masked[0]):
            for words, read in packed_readings(heads):
                given = attention(*read(packed), held_output, causal=causal) + held_bias
                if not agree(layer.second, given):
                    continue
                if causal != masked[0]:
                    hidden, seen = (second, first) if causal else (first, second)
                    return f"Attention mask: {layer.name} hides what comes later in {hidden} and not in {seen}."
                if words:
                    return f"Packed attention: {second} reads the packed product of {layer.name} {words}; the weight map must pack it so."
                return next(_held_otherwise(layer, heads), None)
    return None


def _projected(inputs: Numbers, weights: dict[str, Numbers]) -> tuple[Numbers, Numbers, Numbers]:
    parts = [np.einsum("bte,end->btnd", inputs, weights[f"{part}/kernel"]) + weights.get(f"{part}/bias", 0.0) for part in _PARTS]
    return parts[0], parts[1], parts[2]


def _held_otherwise(layer: LayerEvidence, heads: int) -> Iterator[str]:
    """What the weight map does to the kernels that PyTorch does not expect."""
    own = {part: layer.weights[f"{part}/kernel"] for part in _PARTS}
    held = {part: layer.held[f"{part}/kernel"] for part in _PARTS}
    for order in permutations(_PARTS):
        if order != _PARTS and all(np.array_equal(held[part], own[other]) for part, other in zip(_PARTS, order, strict=True)):
            yield (
                f"Packed attention: the weight map packs the parts of {layer.name} in the order {', '.join(order)}, where PyTorch reads "
                f"{', '.join(_PARTS)}; give the rows part=0, 1 and 2 in that order."
            )
    for part in _PARTS:
        width = own[part].shape[0]
        turned = own[part].transpose(0, 2, 1).reshape(width, heads, -1)
        if not np.array_equal(held[part], own[part]) and np.array_equal(held[part], turned):
            yield (
                f"Packed attention: the weight map flattens {layer.name}/{part}/kernel as (features, heads), where PyTorch cuts it as (heads, "
                "features); use HeadsKernel."
            )
    for name, array in layer.weights.items():
        if not np.array_equal(array, layer.held[name]):
            yield (
                f"Packed attention: the weight map gives PyTorch another {layer.name}/{name} than Keras has; use HeadsKernel, HeadsBias and "
                "HeadsOutput."
            )
