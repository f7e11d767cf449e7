"""One epoch of `fit` with Keras's own training step, or with the workload's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import keras

from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import tensorflow as workload


class OwnStep(keras.Model):
    """A model whose `fit` calls a training step written by hand."""

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"loss": workload.train_step(self, self.loss, self.optimizer, *data)}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `own_step`, `steps` per epoch, `batch_size`, `epochs`, `seed`. `epoch_s`: median, the first epoch left out."""
    keras.utils.set_random_seed(settings["seed"])
    count = settings["steps"] * settings["batch_size"]
    train, _ = load_mnist()
    plain = workload.model({})
    model = OwnStep(plain.inputs, plain.outputs[0]) if settings["own_step"] else plain
    model.compile(optimizer=workload.optimizer(1e-3), loss=workload.loss())
    marks: list[float] = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: marks.append(-time.perf_counter()),
        on_epoch_end=lambda epoch, logs: marks.append(time.perf_counter()),
    )
    model.fit(train.inputs[:count], train.labels[:count], batch_size=settings["batch_size"], epochs=settings["epochs"], shuffle=False,
              verbose=0, callbacks=[callback])  # fmt: skip
    return {"epoch_s": statistics.median(begin + end for begin, end in zip(marks[2::2], marks[3::2], strict=True))}
