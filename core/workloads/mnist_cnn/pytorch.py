"""The MNIST CNN in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from core.workloads.mnist_cnn.spec import ADAM_BETAS, ADAM_EPSILON


def data(images, labels, device):
    return torch.from_numpy(images).unsqueeze(1).to(device), torch.from_numpy(labels).to(device)


def batch(samples, indices):
    images, labels = samples
    return images[indices], labels[indices]


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


def model(network="spec"):
    return ArticleNet() if network == "article" else MnistCnn()


def loss(network="spec"):
    return nn.NLLLoss() if network == "article" else nn.CrossEntropyLoss()


def keras_epsilon(optimizer, *_):
    """Before each step: the epsilon that turns PyTorch's form of Adam into Keras's epsilon-hat form.

    With t steps done after this one, eps_t = eps / sqrt(1 - beta2^t).
    """
    for group in optimizer.param_groups:
        group["steps_begun"] += 1
        group["eps"] = ADAM_EPSILON / (1 - group["betas"][1] ** group["steps_begun"]) ** 0.5


def optimizer(model, learning_rate, form="matched"):
    """`form="native"` takes PyTorch's own defaults: epsilon 1e-8, added before the bias correction."""
    if form == "native":
        return torch.optim.Adam(model.parameters(), lr=learning_rate)
    adam = torch.optim.Adam(model.parameters(), lr=learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON)
    for group in adam.param_groups:
        group["steps_begun"] = 0
    adam.register_step_pre_hook(keras_epsilon)
    return adam


def train_step(model, loss, optimizer, images, labels):
    optimizer.zero_grad()
    value = loss(model(images), labels)
    value.backward()
    optimizer.step()
    return value.detach()


def evaluate_batch(model, loss, images, labels):
    outputs = model(images)
    correct = outputs.argmax(dim=1) == labels
    return loss(outputs, labels) * len(labels), correct.sum()
