"""MobileNetV2 in PyTorch."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from core.workloads.shared.pytorch import batch, batch_norm, convolution, evaluate_batch, loss, train_step
from core.workloads.shared.pytorch import image_data as data
from core.workloads.shared.pytorch import sgd as optimizer

from .spec import CLASSES, blocks, last_channels, stem_channels

__all__ = ["CHECKPOINTED", "batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


def depthwise(channels, stride):
    """A 3x3 kernel for each channel."""
    return nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False)


def scale_norm(channels):
    """A BatchNorm whose shift stays zero: the convolutions that follow have BatchNorms, which take any shift away."""
    norm = batch_norm(channels)
    norm.bias.requires_grad_(False)
    return norm


class InvertedResidual(nn.Module):
    """1x1 to more channels, depthwise 3x3, and 1x1 to few again without an activation; the input is added where shapes agree."""

    def __init__(self, block):
        super().__init__()
        self.expand = None
        if block.expands:
            self.expand = convolution(block.inputs, block.hidden, 1)
            self.norm1 = batch_norm(block.hidden)
        self.depthwise = depthwise(block.hidden, block.stride)
        self.norm2 = batch_norm(block.hidden)
        self.project = convolution(block.hidden, block.outputs, 1)
        self.norm3 = scale_norm(block.outputs)
        self.is_residual = block.is_residual

    def forward(self, images):
        shortcut = images
        if self.expand is not None:
            images = functional.relu6(self.norm1(self.expand(images)))
        images = functional.relu6(self.norm2(self.depthwise(images)))
        images = self.norm3(self.project(images))
        return images + shortcut if self.is_residual else images


class MobileNetV2(nn.Module):
    def __init__(self, width_percent):
        super().__init__()
        self.stem = convolution(3, stem_channels(width_percent), 3, stride=2)
        self.norm1 = batch_norm(stem_channels(width_percent))
        self.blocks = nn.Sequential(*(InvertedResidual(block) for block in blocks(width_percent)))
        self.last = convolution(blocks(width_percent)[-1].outputs, last_channels(width_percent), 1)
        self.norm2 = batch_norm(last_channels(width_percent))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(last_channels(width_percent), CLASSES)

    def forward(self, images):
        images = functional.relu6(self.norm1(self.stem(images)))
        images = functional.relu6(self.norm2(self.last(self.blocks(images))))
        return self.fc(self.pool(images))


CHECKPOINTED = (InvertedResidual,)


def model(sizes, network="spec"):
    """`network="library"` is torchvision's own MobileNetV2, with dropout and with shifts that have no effect."""
    if network == "library":
        from torchvision.models import mobilenet_v2

        return mobilenet_v2(weights=None, num_classes=CLASSES, width_mult=sizes["width_percent"] / 100)
    return MobileNetV2(sizes["width_percent"])
