"""The pair's side in PyTorch."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

# What most pairs do alike. Define a function of the same name and with the same arguments below, instead of importing it, to do
# it your way: core/workloads/shared/pytorch.py shows what each must do (and has `adamw` and `sgd` beside `adam`).
from core.workloads.shared.pytorch import adam as optimizer
from core.workloads.shared.pytorch import batch, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import image_data as data  # `plain_data` for anything but images

from .spec import CLASSES, FILTERS, IMAGE_SIZE

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class Network(nn.Module):
    """Gives logits: no softmax at the end, the loss has it."""

    def __init__(self, width):
        super().__init__()
        # Every attribute has the name of the Keras layer, so that the two can be compared with each other.
        self.conv = nn.Conv2d(3, FILTERS, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(FILTERS * (IMAGE_SIZE // 2) ** 2, width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images):
        features = self.pool(functional.relu(self.conv(images)))
        return self.head(functional.relu(self.dense(self.flatten(features))))


CHECKPOINTED = ()
"""Module classes that are computed again in the backward pass under checkpointing=on: the blocks of a deep network."""


def model(sizes, network="spec"):
    return Network(**sizes)
