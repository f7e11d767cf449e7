"""ResNet-18 for small images in PyTorch."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from core.workloads.shared.pytorch import batch, batch_norm, convolution, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import image_data as data
from core.workloads.shared.pytorch import sgd as optimizer

from .spec import CLASSES, STAGES

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv1 = convolution(inputs, filters, 3, stride)
        self.bn1 = batch_norm(filters)
        self.conv2 = convolution(filters, filters, 3)
        self.bn2 = batch_norm(filters)
        self.downsample = None
        if stride > 1 or inputs != filters:
            self.downsample = nn.Sequential(convolution(inputs, filters, 1, stride), batch_norm(filters))

    def forward(self, images):
        shortcut = images if self.downsample is None else self.downsample(images)
        images = functional.relu(self.bn1(self.conv1(images)))
        images = self.bn2(self.conv2(images))
        return functional.relu(images + shortcut)


class ResNet18(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = convolution(3, width, 3)
        self.bn1 = batch_norm(width)
        self.layer1 = self._stage(width, width, STAGES[0], stride=1)
        self.layer2 = self._stage(width, 2 * width, STAGES[1], stride=2)
        self.layer3 = self._stage(2 * width, 4 * width, STAGES[2], stride=2)
        self.layer4 = self._stage(4 * width, 8 * width, STAGES[3], stride=2)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(8 * width, CLASSES)

    def _stage(self, inputs, filters, blocks, stride):
        return nn.Sequential(BasicBlock(inputs, filters, stride), *(BasicBlock(filters, filters, 1) for _ in range(blocks - 1)))

    def forward(self, images):
        images = functional.relu(self.bn1(self.conv1(images)))
        images = self.layer4(self.layer3(self.layer2(self.layer1(images))))
        return self.fc(self.pool(images))


CHECKPOINTED = (BasicBlock,)


def model(sizes, network="spec"):
    return ResNet18(sizes["width"])
