"""The weight map of the LSTM: which tensor of one side is which of the other, and how it lies in memory."""

from __future__ import annotations

from core.workloads.layouts import Array, DenseKernel, GateKernel, Same, Tensor, initial_weights
from core.workloads.spec import Sizes

from .spec import CLASSES, EMBEDDING, VOCABULARY, WIDTH


def weight_map(sizes: Sizes) -> tuple[Tensor, ...]:
    """PyTorch's `bias_hh_l0` has no partner in Keras: it stays zero."""
    return (
        Tensor("embedding/embeddings", "embedding.weight", (VOCABULARY, EMBEDDING), Same()),
        Tensor("lstm/lstm_cell/kernel", "lstm.weight_ih_l0", (EMBEDDING, 4 * WIDTH), GateKernel()),
        Tensor("lstm/lstm_cell/recurrent_kernel", "lstm.weight_hh_l0", (WIDTH, 4 * WIDTH), GateKernel()),
        Tensor("lstm/lstm_cell/bias", "lstm.bias_ih_l0", (4 * WIDTH,), Same()),
        Tensor("head/kernel", "head.weight", (WIDTH, CLASSES), DenseKernel()),
        Tensor("head/bias", "head.bias", (CLASSES,), Same()),
    )


def initial(sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights; the forget gate is open (Jozefowicz et al., 2015), or no gradient would reach the first tokens."""
    weights = initial_weights(weight_map(sizes), seed)
    weights["lstm/lstm_cell/bias"][WIDTH : 2 * WIDTH] = 1
    return weights
