"""The MNIST CNN in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.workloads.shared.pytorch import adam as optimizer
from core.workloads.shared.pytorch import batch, evaluate_batch, train_step
from core.workloads.shared.pytorch import image_data as data

__all__ = ["batch", "data", "evaluate_batch", "loss", "model", "optimizer", "train_step"]


class MnistCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.dense1 = nn.Linear(64 * 5 * 5, 128)
        self.dense2 = nn.Linear(128, 10)

    def forward(self, images):
        features = self.pool1(functional.relu(self.conv1(images)))
        features = self.pool2(functional.relu(self.conv2(features)))
        features = functional.relu(self.dense1(self.flatten(features)))
        return self.dense2(features)


class ArticleNet(nn.Module):
    """As the article printed it: the first dense layer expects 9216 inputs, but 64 * 5 * 5 = 1600 arrive."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = functional.relu(self.conv1(x))
        x = functional.max_pool2d(x, 2)
        x = functional.relu(self.conv2(x))
        x = functional.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        x = functional.relu(self.fc1(x))
        return functional.log_softmax(self.fc2(x), dim=1)


class MendedArticleNet(ArticleNet):
    """The article's network with the size that arrives: still log-probabilities, and a negative log-likelihood loss."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(1600, 128)


def model(sizes, network="spec"):
    return {"spec": MnistCnn, "article": ArticleNet, "mended": MendedArticleNet}[network]()


def loss(network="spec"):
    return nn.CrossEntropyLoss() if network == "spec" else nn.NLLLoss()
