"""A workload's network in TensorFlow with its initial weights, and the samples it is asked about."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from core.worker.experiments.shared.inputs import few_samples
from core.workloads.registry import workload_module


def ready(settings: dict[str, Any]) -> tuple[Any, Any]:
    """The Keras model, and inputs of shape (samples, ...) as a tensor.

    `settings`: `workload`, `sizes`, `seed` and `device`.
    """
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices(gpus[:1] if settings["device"] == "gpu" else [], "GPU")
    workload = workload_module(settings["workload"], "tensorflow")
    model = workload.model(settings["sizes"])
    weights = workload_module(settings["workload"], "weights").initial(settings["sizes"], settings["seed"])
    own = f"{model.name}/"
    for variable in model.variables:
        if "seed_generator" not in variable.path:
            variable.assign(weights[variable.path.removeprefix(own)])
    chosen = few_samples(settings)
    return model, workload.data(chosen.inputs, chosen.labels)[0]
