"""Eager, `tf.function`, and `tf.function` with a signature that leaves the length open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from core.worker.experiments.timing import timed_s
from core.worker.experiments.varying_lengths import CLASSES, HEADS, VOCABULARY, WIDTH, batches
from core.workloads.shared.tensorflow import adam, loss, pre_norm_block, train_step


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: as of `batches`, and `modes` in the order to run, of `eager`, `graph` and `graph, any length`."""
    given = [(tf.constant(tokens), tf.constant(labels)) for tokens, labels in batches(settings)]
    rows = []
    for mode in settings["modes"]:
        say(f"TensorFlow {mode}")
        rows.append({"mode": mode, **_measure(mode, given, settings["seed"])})
    return {"rows": rows}


def _measure(mode: str, given: list[Any], seed: int) -> dict[str, Any]:
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((None,), dtype="int64")
    mixed = pre_norm_block(keras.layers.Embedding(VOCABULARY, WIDTH)(tokens), "block", HEADS)
    model = keras.Model(tokens, keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling1D()(mixed)))
    optimizer = adam(1e-3)
    optimizer.build(model.trainable_variables)
    step: Any = partial(train_step, model, loss(), optimizer)
    if mode == "graph":
        step = tf.function(step)
    elif mode == "graph, any length":
        step = tf.function(step, input_signature=[tf.TensorSpec((None, None), tf.int64), tf.TensorSpec((None,), tf.int64)])

    def once() -> Any:
        for batch in given:
            value = step(*batch)
        return value

    total_s, again_s = timed_s(once, float), timed_s(once, float)
    graphs = 0 if mode == "eager" else step.experimental_get_tracing_count()
    return {"total_s": total_s, "again_s": again_s, "graphs": graphs, "loss": float(step(*given[0]))}
