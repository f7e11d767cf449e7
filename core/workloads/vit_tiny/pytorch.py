"""The vision transformer in PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from core.workloads.shared.constants import LAYER_NORM_EPSILON
from core.workloads.shared.pytorch import Positions, PreNormBlock, batch, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import adamw as optimizer
from core.workloads.shared.pytorch import image_data as data

from .spec import CLASSES, HEADS, PATCH, WIDTH

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]

CHECKPOINTED = (PreNormBlock,)


class ClassToken(nn.Module):
    """Puts a learned token in front; (B, T, width) to (B, T + 1, width)."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, width) * 0.02)

    def forward(self, tokens):
        return torch.cat([self.weight.to(tokens.dtype).expand(len(tokens), 1, -1), tokens], dim=1)


class VisionTransformer(nn.Module):
    def __init__(self, image_size, layers):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.class_token = ClassToken(WIDTH)
        self.positions = Positions((image_size // PATCH) ** 2 + 1, WIDTH)
        self.layers = nn.ModuleList(PreNormBlock(WIDTH, HEADS) for _ in range(layers))
        self.norm = nn.LayerNorm(WIDTH, eps=LAYER_NORM_EPSILON)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = self.positions(self.class_token(tokens))
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.norm(tokens)[:, 0])


def model(sizes, network="spec"):
    return VisionTransformer(**sizes)
