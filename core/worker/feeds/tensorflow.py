"""TensorFlow's input pipeline: `tf.data` over single samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.model.variant import Variant
from core.worker.feeds import as_pixels
from core.workloads.spec import Samples


class Loader:
    """Samples in the given order, each fetched or decoded on its own, then put together into batches."""

    def __init__(self, samples: Samples, order: NDArray[np.int64], variant: Variant) -> None:
        self._variant = variant
        self._order = order
        self._labels = tf.constant(samples.labels)
        if variant.input == "png":
            used = np.unique(order)
            pixels = as_pixels(samples)
            encoded = np.full(len(pixels), b"", object)
            for index in used:
                encoded[index] = tf.io.encode_png(pixels[index]).numpy()
            self._inputs = tf.constant(encoded.tolist())
            self._channels = pixels.shape[-1]
        else:
            self._inputs = tf.constant(samples.inputs)

    def dataset(self, first_step: int, steps: int) -> Any:
        """A `tf.data.Dataset` of so many batches."""
        rows = self._order[first_step : first_step + steps]
        parallel = self._variant.workers or None
        # Ordered, so that both sides see the same batches.
        samples = tf.data.Dataset.from_tensor_slices(rows.reshape(-1)).map(self._sample, num_parallel_calls=parallel, deterministic=True)
        batches = samples.batch(rows.shape[1], drop_remainder=True)
        return batches.prefetch(self._variant.prefetch) if self._variant.prefetch else batches

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        return iter(self.dataset(first_step, steps))

    def _sample(self, index: Any) -> tuple[Any, Any]:
        stored = tf.gather(self._inputs, index)
        if self._variant.input == "png":
            stored = tf.cast(tf.io.decode_png(stored, channels=self._channels), tf.float32) / 255.0
        return stored, tf.gather(self._labels, index)
