"""PyTorch's input pipeline: a `Dataset` of single samples and a `DataLoader`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from core.model.variant import Variant
from core.worker.feeds import as_pixels
from core.workloads.spec import Samples


class Loader:
    """Samples in the given order, each fetched or decoded on its own, then put together into batches on the device."""

    def __init__(self, samples: Samples, order: NDArray[np.int64], variant: Variant, device: Any) -> None:
        self._variant = variant
        self._order = order
        self._device = device
        self._samples = _Decoded(samples, np.unique(order)) if variant.input == "png" else _Stored(samples)

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        workers = self._variant.workers
        loader = DataLoader(
            self._samples, batch_sampler=self._order[first_step : first_step + steps].tolist(), num_workers=workers,
            pin_memory=self._variant.pin == "on", prefetch_factor=(self._variant.prefetch or 1) if workers else None,
        )  # fmt: skip
        for inputs, labels in loader:
            yield inputs.to(self._device, non_blocking=True), labels.to(self._device, non_blocking=True)


class _Stored(Dataset):
    """Samples as tensors, images channels first."""

    def __init__(self, samples: Samples) -> None:
        inputs = torch.from_numpy(samples.inputs)
        self._inputs = inputs.permute(0, 3, 1, 2).contiguous() if inputs.ndim == 4 else inputs
        self._labels = torch.from_numpy(samples.labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._inputs[index], self._labels[index]


class _Decoded(Dataset):
    """Images as PNG files in memory, decoded by torchvision when they are asked for."""

    def __init__(self, samples: Samples, used: NDArray[np.int64]) -> None:
        from torchvision.io import encode_png

        pixels = torch.from_numpy(as_pixels(samples)).permute(0, 3, 1, 2).contiguous()
        self._files = {int(index): encode_png(pixels[index]) for index in used}
        self._labels = torch.from_numpy(samples.labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from torchvision.io import decode_png

        return decode_png(self._files[index]).float() / 255.0, self._labels[index]
