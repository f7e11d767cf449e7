"""What a layer should give, computed with NumPy from its inputs and weights: the assumptions that a diagnosis tries.

Weights are in canonical layout (Keras's), images channels last; everything in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations, product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import erf

Numbers = NDArray[np.floating]

#: Two arrays that differ by less, relative to their size, differ by rounding.
TOLERANCE = 1e-4
GATES = ("input", "forget", "cell", "output")

#: What may follow a layer, or be part of it. The order is that of preference where several would explain.
ACTIVATIONS: dict[str, Callable[[Numbers], Numbers]] = {
    "none": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "exact GELU": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
    "tanh GELU": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "SiLU": lambda x: x / (1 + np.exp(-x)),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "softmax": lambda x: softmax(x),
    "log-softmax": lambda x: np.log(softmax(x)),
}


def difference(x: Numbers, y: Numbers) -> float:
    """||x - y|| / ||x||; infinite for other shapes and for what is not finite."""
    if x.shape != y.shape or not x.size:
        return math.inf
    size = float(np.linalg.norm(x))
    apart = float(np.linalg.norm(x - y))
    relative = apart / size if size else apart
    return relative if math.isfinite(relative) else math.inf


def agree(x: Numbers, y: Numbers) -> bool:
    return difference(x, y) <= TOLERANCE


def activation_between(before: Numbers, after: Numbers) -> str | None:
    """Name of the activation that leads from one to the other; None: none of `ACTIVATIONS` does."""
    if before.shape != after.shape:
        return None
    with np.errstate(all="ignore"):
        return next((name for name, function in ACTIVATIONS.items() if agree(after, function(before))), None)


def softmax(x: Numbers) -> Numbers:
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def paddings(kernel: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """How many zeros may stand in front of an image in both directions."""
    return product(range(kernel[0]), range(kernel[1]))


def convolution(images: Numbers, kernel: Numbers, *, stride: int, before: tuple[int, int], size: tuple[int, int], depthwise: bool) -> Numbers:
    """Images (N, H, W, I), kernel (h, w, I, O); `before` zeros in front, and behind as many as an output of that size needs."""
    height, width = kernel.shape[:2]
    needed = [(length - 1) * stride + extent for length, extent in zip(size, (height, width), strict=True)]
    behind = [max(total - front - have, 0) for total, front, have in zip(needed, before, images.shape[1:3], strict=True)]
    padded = np.pad(images, ((0, 0), (before[0], behind[0]), (before[1], behind[1]), (0, 0)))
    windows = sliding_window_view(padded, (height, width), axis=(1, 2))[:, ::stride, ::stride][:, : size[0], : size[1]]
    if depthwise:
        given = np.einsum("nabchw,hwcm->nabcm", windows, kernel, optimize=True)
        return given.reshape(*given.shape[:3], -1)
    return np.tensordot(windows, kernel.transpose(2, 0, 1, 3), axes=3)


def lstm(inputs: Numbers, kernel: Numbers, recurrent: Numbers, bias: Numbers, gates: tuple[int, ...] = (0, 1, 2, 3)) -> Numbers:
    """All states, shape (B, T, U), of inputs (B, T, I); `gates`: which block of the weights is input, forget, cell and output."""
    units = recurrent.shape[0]
    state: Numbers = np.zeros((len(inputs), units))
    memory: Numbers = state
    states = []
    for step in range(inputs.shape[1]):
        blocks = np.split(inputs[:, step] @ kernel + state @ recurrent + bias, 4, axis=1)
        enter, forget, cell, leave = (blocks[index] for index in gates)
        sigmoid = ACTIVATIONS["sigmoid"]
        memory = sigmoid(forget) * memory + sigmoid(enter) * np.tanh(cell)
        state = sigmoid(leave) * np.tanh(memory)
        states.append(state)
    return np.stack(states, axis=1)


def attention(query: Numbers, key: Numbers, value: Numbers, output: Numbers, *, causal: bool) -> Numbers:
    """Multi-head attention; queries, keys and values (B, T, N, D), output kernel (N, D, E); gives (B, T, E)."""
    scores = np.einsum("btnd,bsnd->bnts", query, key, optimize=True) / math.sqrt(query.shape[-1])
    if causal:
        length = scores.shape[-1]
        scores = np.where(np.tril(np.ones((length, length), bool)), scores, -np.inf)
    return np.einsum("bnts,bsnd,nde->bte", softmax(scores), value, output, optimize=True)


def packed_readings(heads: int) -> Iterator[tuple[str, Callable[[Numbers], tuple[Numbers, Numbers, Numbers]]]]:
    """Ways to read query, key and value, each (B, T, N, D), out of one product (B, T, 3 N D), in words; the usual one first."""
    names = ("query", "key", "value")
    splits: tuple[tuple[str, Callable[[Numbers], Numbers]], ...] = (
        ("", lambda x: x.reshape(*x.shape[:2], 3, heads, -1).transpose(2, 0, 1, 3, 4)),
        ("head by head, each with its own query, key and value",
         lambda x: x.reshape(*x.shape[:2], heads, 3, -1).transpose(3, 0, 1, 2, 4)),
        ("split into (features, heads) instead of (heads, features)",
         lambda x: x.reshape(*x.shape[:2], 3, -1, heads).transpose(2, 0, 1, 4, 3)),
    )  # fmt: skip
    for words, split in splits:
        for order in permutations(range(3)):
            exchanged = "" if order == (0, 1, 2) else f"in the order {', '.join(names[order.index(part)] for part in range(3))}"
            yield " and ".join(filter(None, (exchanged, words))), partial(_read, split, order)


def _read(split: Callable[[Numbers], Numbers], order: tuple[int, ...], packed: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    parts = split(packed)
    return parts[order[0]], parts[order[1]], parts[order[2]]
