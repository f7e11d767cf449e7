"""Made-up data for workloads whose own would not ship with the project: the shapes of the real thing, and nothing to learn by heart."""

from __future__ import annotations

import numpy as np

from core.workloads.spec import Samples

_SEED = 20_231


def images(samples: int, size: int, classes: int) -> Samples:
    """Float32 images, shape (samples, size, size, 3), each its class's random colour field plus noise; labels of `classes` classes.

    Normally distributed with mean 0 and variance 1, as images are after the usual normalisation.
    """
    generator = np.random.default_rng(_SEED)
    labels = generator.integers(0, classes, samples)
    fields = np.random.default_rng(_SEED + 1).standard_normal((classes, 4, 4, 3), dtype=np.float32)
    repeats = -(-size // 4)
    chosen = fields[labels].repeat(repeats, axis=1).repeat(repeats, axis=2)[:, :size, :size]
    noise = generator.standard_normal((samples, size, size, 3), dtype=np.float32)
    return Samples(np.float32(0.6) * chosen + np.float32(0.8) * noise, labels)


def labelled_tokens(samples: int, length: int, vocabulary: int, classes: int) -> Samples:
    """Int64 tokens, shape (samples, length), drawn from a distribution that depends on the label; labels of `classes` classes."""
    generator = np.random.default_rng(_SEED)
    labels = generator.integers(0, classes, samples)
    offset = labels[:, None] * (vocabulary // (2 * classes))
    ranks = generator.zipf(1.3, (samples, length)) % (vocabulary // 2)
    return Samples(((ranks + offset) % vocabulary).astype(np.int64), labels)


def text(samples: int, length: int, vocabulary: int) -> Samples:
    """Int64 tokens of a random walk, shape (samples, length), and the token that follows each, the same shape."""
    generator = np.random.default_rng(_SEED)
    steps = generator.integers(-3, 4, (samples, length + 1))
    tokens = (generator.integers(0, vocabulary, (samples, 1)) + steps.cumsum(axis=1)) % vocabulary
    return Samples(tokens[:, :-1].astype(np.int64), tokens[:, 1:].astype(np.int64))
