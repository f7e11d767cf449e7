"""The LSTM in PyTorch."""

from __future__ import annotations

from torch import nn

from core.workloads.shared.pytorch import adam as optimizer
from core.workloads.shared.pytorch import batch, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import plain_data as data

from .spec import CLASSES, EMBEDDING, VOCABULARY, WIDTH

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class LastState(nn.LSTM):
    """An LSTM that gives its last state, (B, T, inputs) to (B, width), and learns one bias instead of two."""

    def __init__(self, inputs, width):
        super().__init__(inputs, width, batch_first=True)
        nn.init.zeros_(self.bias_hh_l0)
        self.bias_hh_l0.requires_grad_(False)

    def forward(self, inputs):
        states, _ = super().forward(inputs)
        return states[:, -1]


class LstmClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.lstm = LastState(EMBEDDING, WIDTH)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens)))


CHECKPOINTED = ()
"""There is no block to compute again: the LSTM is one operator."""


def model(sizes, network="spec"):
    return LstmClassifier()
