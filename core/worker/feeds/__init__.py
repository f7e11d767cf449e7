"""Input pipelines as people build them: samples that go through a loader one by one, from memory or decoded from PNG."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.workloads.spec import Samples


def as_pixels(samples: Samples) -> NDArray[np.uint8]:
    """Images as bytes, shape (N, H, W, C): values in [0, 1] as they are, normalised ones around the middle.

    Raises ValueError where the samples are no images.
    """
    images: NDArray[Any] = samples.inputs
    if images.ndim != 4 or images.dtype != np.float32:
        raise ValueError("input=png needs a workload of images; take input=loader")
    if images.min() < 0:
        images = images * 0.25 + 0.5
    return (np.clip(images, 0, 1) * 255).round().astype(np.uint8)
