"""The transformer encoder in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.workloads.shared.constants import LAYER_NORM_EPSILON
from core.workloads.shared.pytorch import Positions, SelfAttention, batch, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import adamw as optimizer
from core.workloads.shared.pytorch import plain_data as data

from .spec import CLASSES, HEAD_WIDTH

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class Block(nn.Module):
    """A transformer's block with LayerNorm after attention and after feed-forward; (B, T, width) in and out."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.norm1 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.expand = nn.Linear(width, 4 * width)
        self.reduce = nn.Linear(4 * width, width)
        self.norm2 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)

    def forward(self, tokens):
        tokens = self.norm1(tokens + self.attention(tokens))
        return self.norm2(tokens + self.reduce(functional.gelu(self.expand(tokens))))


class Encoder(nn.Module):
    def __init__(self, length, layers, width, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = Positions(length, width)
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.layers = nn.ModuleList(Block(width, width // HEAD_WIDTH) for _ in range(layers))
        self.pooler = nn.Linear(width, width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, tokens):
        tokens = self.norm(self.positions(self.embedding(tokens)))
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(torch.tanh(self.pooler(tokens[:, 0])))


CHECKPOINTED = (Block,)


def model(sizes, network="spec"):
    return Encoder(**sizes)
