"""ResNet-50 in PyTorch."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from core.workloads.shared.pytorch import batch, batch_norm, convolution, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import image_data as data
from core.workloads.shared.pytorch import sgd as optimizer

from .spec import CLASSES, EXPANSION, STAGES

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class Bottleneck(nn.Module):
    """1x1, 3x3 (which has the stride) and 1x1 to four times the filters, beside a shortcut: a 1x1 where the shape changes."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        outputs = EXPANSION * filters
        self.conv1 = convolution(inputs, filters, 1)
        self.bn1 = batch_norm(filters)
        self.conv2 = convolution(filters, filters, 3, stride)
        self.bn2 = batch_norm(filters)
        self.conv3 = convolution(filters, outputs, 1)
        self.bn3 = batch_norm(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), batch_norm(outputs))

    def forward(self, images):
        shortcut = images if self.downsample is None else self.downsample(images)
        images = functional.relu(self.bn1(self.conv1(images)))
        images = functional.relu(self.bn2(self.conv2(images)))
        images = self.bn3(self.conv3(images))
        return functional.relu(images + shortcut)


class ResNet50(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = convolution(3, width, 7, stride=2)
        self.bn1 = batch_norm(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(width, width, STAGES[0], stride=1)
        self.layer2 = self._stage(EXPANSION * width, 2 * width, STAGES[1], stride=2)
        self.layer3 = self._stage(EXPANSION * 2 * width, 4 * width, STAGES[2], stride=2)
        self.layer4 = self._stage(EXPANSION * 4 * width, 8 * width, STAGES[3], stride=2)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(EXPANSION * 8 * width, CLASSES)

    def _stage(self, inputs, filters, blocks, stride):
        others = (Bottleneck(EXPANSION * filters, filters, 1) for _ in range(blocks - 1))
        return nn.Sequential(Bottleneck(inputs, filters, stride), *others)

    def forward(self, images):
        images = self.maxpool(functional.relu(self.bn1(self.conv1(images))))
        images = self.layer4(self.layer3(self.layer2(self.layer1(images))))
        return self.fc(self.pool(images))


CHECKPOINTED = (Bottleneck,)


def model(sizes, network="spec"):
    """`network="library"` is torchvision's own ResNet-50: this one, with ReLUs that overwrite their input."""
    if network == "library":
        from torchvision.models import resnet50

        return resnet50(weights=None, num_classes=CLASSES)
    return ResNet50(sizes["width"])
