"""The MLP in PyTorch."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from core.workloads.shared.pytorch import adam as optimizer
from core.workloads.shared.pytorch import batch, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import image_data as data

from .spec import CLASSES, INPUTS

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.flatten = nn.Flatten()
        self.dense1 = nn.Linear(INPUTS, width)
        self.dense2 = nn.Linear(width, width)
        self.dense3 = nn.Linear(width, CLASSES)

    def forward(self, images):
        features = functional.relu(self.dense1(self.flatten(images)))
        features = functional.relu(self.dense2(features))
        return self.dense3(features)


CHECKPOINTED = ()
"""There is no block that keeps more than its output."""


def model(sizes, network="spec"):
    return Mlp(**sizes)
