"""PyTorch: what several workloads do alike."""

from __future__ import annotations

import torch
from torch import nn

from core.workloads.shared.constants import (
    ADAM_BETAS,
    ADAM_EPSILON,
    BATCH_NORM_EPSILON,
    BATCH_NORM_KEEP,
    LAYER_NORM_EPSILON,
    SGD_MOMENTUM,
    WEIGHT_DECAY,
)


def image_data(inputs, labels, device):
    """Channels first: (N, C, H, W)."""
    return torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous().to(device), torch.from_numpy(labels).to(device)


def plain_data(inputs, labels, device):
    return torch.from_numpy(inputs).to(device), torch.from_numpy(labels).to(device)


def batch(samples, indices):
    inputs, labels = samples
    return inputs[indices], labels[indices]


def loss(network="spec"):
    return nn.CrossEntropyLoss()


class SequenceLoss(nn.Module):
    """Mean over all positions of all sequences; logits (B, T, V), labels (B, T)."""

    def forward(self, logits, labels):
        return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def sequence_loss(network="spec"):
    return SequenceLoss()


def keras_epsilon(optimizer, *_):
    """Before each step: the epsilon that turns PyTorch's form of Adam into Keras's epsilon-hat form.

    With t steps done after this one, eps_t = eps / sqrt(1 - beta2^t).
    """
    for group in optimizer.param_groups:
        group["steps_begun"] += 1
        group["eps"] = ADAM_EPSILON / (1 - group["betas"][1] ** group["steps_begun"]) ** 0.5


def matched(adam):
    for group in adam.param_groups:
        group["steps_begun"] = 0
    adam.register_step_pre_hook(keras_epsilon)
    return adam


def trainable(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def adam(model, learning_rate, form="matched"):
    """`form="native"` takes PyTorch's own defaults: epsilon 1e-8, added before the bias correction."""
    if form == "native":
        return torch.optim.Adam(trainable(model), lr=learning_rate)
    return matched(torch.optim.Adam(trainable(model), lr=learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON))


def adamw(model, learning_rate, form="matched"):
    """Decay of every parameter; `form="native"` takes PyTorch's own epsilon, form and decay."""
    if form == "native":
        return torch.optim.AdamW(trainable(model), lr=learning_rate)
    return matched(torch.optim.AdamW(trainable(model), lr=learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON, weight_decay=WEIGHT_DECAY))


def sgd(model, learning_rate, form="matched"):
    """With momentum; both frameworks' forms are the same while the rate is constant."""
    return torch.optim.SGD(trainable(model), lr=learning_rate, momentum=SGD_MOMENTUM)


def train_step(model, loss, optimizer, inputs, labels):
    optimizer.zero_grad()
    value = loss(model(inputs), labels)
    value.backward()
    optimizer.step()
    return value.detach()


def evaluate_batch(model, loss, inputs, labels):
    """Of a sequence, every position is an answer."""
    outputs = model(inputs)
    correct = outputs.argmax(dim=-1) == labels
    return loss(outputs, labels) * labels.numel(), correct.sum()


def convolution(inputs, filters, kernel, stride=1):
    """Without bias, half the kernel of zeros around the image."""
    return nn.Conv2d(inputs, filters, kernel, stride=stride, padding=kernel // 2, bias=False)


def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=1 - BATCH_NORM_KEEP)


class Positions(nn.Module):
    """Adds a learned vector to each position; (B, length, width) in and out."""

    def __init__(self, length, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(length, width) * 0.02)

    def forward(self, tokens):
        return tokens + self.weight


class SelfAttention(nn.Module):
    """Multi-head attention of (B, T, width) to itself, query, key and value in one product; no projection has a bias."""

    def __init__(self, width, heads, causal=False):
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.projection = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, tokens):
        packed = self.projection(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = packed.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).flatten(2))


class PreNormBlock(nn.Module):
    """A transformer's block with LayerNorm in front of attention and of feed-forward; (B, T, width) in and out."""

    def __init__(self, width, heads, causal=False):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.attention = SelfAttention(width, heads, causal)
        self.norm2 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.expand = nn.Linear(width, 4 * width)
        self.reduce = nn.Linear(4 * width, width)

    def forward(self, tokens):
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.reduce(nn.functional.gelu(self.expand(self.norm2(tokens))))
