"""As the article trains in Keras: compile and fit."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras

from core.worker.events import SPAWNED_VARIABLE
from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import tensorflow as workload


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `steps` of `batch_size` per training, `repeats` of `%%timeit`, `blocks` of steady steps, `seed`."""
    steps, batch_size = settings["steps"], settings["batch_size"]
    keras.utils.set_random_seed(settings["seed"])
    train, _ = load_mnist()
    images, labels = train.inputs[: steps * batch_size], train.labels[: steps * batch_size]
    model = workload.model({}, "article")
    model.compile(optimizer=workload.optimizer(1e-3), loss=workload.loss("article"))
    losses: list[float] = []

    def training() -> float:
        began = time.perf_counter()
        history = model.fit(images, labels, batch_size=batch_size, epochs=1, verbose=0)
        losses.append(history.history["loss"][-1])
        return time.perf_counter() - began

    first_s = training()
    process_s = (time.time_ns() - int(os.environ[SPAWNED_VARIABLE])) / 1e9
    repeated_s = statistics.fmean(training() for _ in range(settings["repeats"]))
    # One epoch of fit per block: fit reads its logs, and so waits for the device, at the end of each.
    marks: list[float] = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: marks.append(-time.perf_counter()),
        on_epoch_end=lambda epoch, logs: marks.append(time.perf_counter()),
    )
    model.fit(images, labels, batch_size=batch_size, epochs=settings["blocks"], verbose=0, callbacks=[callback])
    blocks = [begin + end for begin, end in zip(marks[::2], marks[1::2], strict=True)]
    return {"process_s": process_s, "first_s": first_s, "repeated_s": repeated_s, "steady_s": statistics.median(blocks[1:]), "losses": losses}
