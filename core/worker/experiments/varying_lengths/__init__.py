"""Training on batches whose length changes from one to the next: what a graph costs when its shapes do not stay.

A small text classifier: embedding, one transformer block, mean over positions, dense. `total_s`: all batches once, in the order they come,
with whatever is traced or compiled on the way; `again_s`: the same batches a second time. `graphs`: how many were traced or compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

VOCABULARY, WIDTH, HEADS, CLASSES = 500, 64, 4, 4

Tokens = NDArray[np.int64]


def batches(settings: dict[str, Any]) -> list[tuple[Tokens, Tokens]]:
    """`batches` of tokens (`batch_size`, length) and labels, lengths drawn from `shortest` to `longest`; the same on both sides."""
    generator = np.random.default_rng(settings["seed"])
    lengths = generator.integers(settings["shortest"], settings["longest"] + 1, settings["batches"])
    size = settings["batch_size"]
    return [(generator.integers(0, VOCABULARY, (size, int(length))), generator.integers(0, CLASSES, size)) for length in lengths]
