"""The decoder in PyTorch."""

from __future__ import annotations

from torch import nn

from core.workloads.shared.constants import LAYER_NORM_EPSILON
from core.workloads.shared.pytorch import Positions, PreNormBlock, batch, evaluate_batch, train_step
from core.workloads.shared.pytorch import adamw as optimizer
from core.workloads.shared.pytorch import plain_data as data
from core.workloads.shared.pytorch import sequence_loss as loss

from .spec import HEAD_WIDTH

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]

CHECKPOINTED = (PreNormBlock,)


class Gpt(nn.Module):
    def __init__(self, length, layers, width, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = Positions(length, width)
        self.layers = nn.ModuleList(PreNormBlock(width, width // HEAD_WIDTH, causal=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        tokens = self.positions(self.embedding(tokens))
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.norm(tokens))


def model(sizes, network="spec"):
    return Gpt(**sizes)
