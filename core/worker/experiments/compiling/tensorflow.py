"""Eager, `tf.function`, and `tf.function(jit_compile=True)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from core.worker.experiments.timing import median_call_s, timed_s
from core.worker.failure import classify
from core.workloads.registry import samples, workload_module, workload_spec


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `workloads`, each with `name`, `sizes` and `batch_size`; `modes` in the order to run; `budget_s` of steady steps."""
    rows = []
    for chosen in settings["workloads"]:
        for mode in settings["modes"]:
            say(f"{chosen['name']}, TensorFlow {mode}")
            row = {"workload": chosen["name"], "mode": mode}
            try:
                rows.append({**row, **_measure(chosen, mode, settings["budget_s"])})
            except tf.errors.OpError as error:
                rows.append({**row, "failed": str(classify(error, settings["device"]))})
    return {"rows": rows}


def _measure(chosen: dict[str, Any], mode: str, budget_s: float) -> dict[str, float]:
    workload = workload_module(chosen["name"], "tensorflow")
    sizes = workload_spec(chosen["name"]).complete(chosen["sizes"])
    train, _ = samples(chosen["name"], sizes)
    batch = workload.data(train.inputs[: chosen["batch_size"]], train.labels[: chosen["batch_size"]])
    model = workload.model(sizes)
    optimizer = workload.optimizer(1e-3)
    optimizer.build(model.trainable_variables)
    step: Callable[..., Any] = partial(workload.train_step, model, workload.loss(), optimizer)
    if mode != "eager":
        step = tf.function(step, jit_compile=True if mode == "xla" else None)
    first_step_s = timed_s(lambda: step(*batch), float)
    return {"first_step_s": first_step_s, "step_s": median_call_s(lambda: step(*batch), float, budget_s=budget_s)}
