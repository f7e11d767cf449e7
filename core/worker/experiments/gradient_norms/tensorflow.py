"""Norms from a GradientTape loop and from inside Keras `fit`; the faults under a plain `fit`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from core.worker.experiments.gradient_norms import DEAD_BIAS
from core.workloads.mnist import load_mnist
from core.workloads.mnist_cnn import tensorflow as workload
from core.workloads.mnist_cnn.weights import initial

Norms = list[dict[str, float]]


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `seed`, `steps`, `batch_size`. Norms are a dict by canonical tensor name for each step, from the same weights."""
    count = settings["steps"] * settings["batch_size"]
    train, _ = load_mnist()
    samples = workload.data(train.inputs[:count], train.labels[:count])
    batches = tf.data.Dataset.from_tensor_slices(samples).batch(settings["batch_size"])
    say("gradients from a tape, then from inside fit")
    loop = _loop(_model(settings["seed"]), batches)
    fit = _fit(_model(settings["seed"]), batches)
    say("training with two faults")
    return {"loop": loop, "fit": fit, "faults": {fault: _faulty(fault, settings["seed"], batches) for fault in ("cut", "dead")}}


def _model(seed: int, fault: str = "") -> Any:
    model = workload.model({})
    if fault == "cut":
        flat = keras.ops.stop_gradient(model.get_layer("flatten").output)
        model = keras.Model(model.inputs, model.get_layer("dense2")(model.get_layer("dense1")(flat)))
    weights = initial({}, seed)
    if fault == "dead":
        weights["conv2/bias"] += DEAD_BIAS
    for variable in model.trainable_variables:
        variable.assign(weights[_name(variable)])
    return model


def _name(variable: Any) -> str:
    return "/".join(variable.path.split("/")[-2:])


def _norms(model: Any, gradients: list[Any]) -> dict[str, Any]:
    return {_name(variable): tf.norm(gradient) for variable, gradient in zip(model.trainable_variables, gradients, strict=True)}


def _loop(model: Any, batches: Any) -> Norms:
    loss, optimizer = workload.loss(), workload.optimizer(1e-3)
    optimizer.build(model.trainable_variables)
    seen: Norms = []
    for inputs, labels in batches:
        with tf.GradientTape() as tape:
            value = loss(labels, model(inputs, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        seen.append({name: float(norm) for name, norm in _norms(model, gradients).items()})
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return seen


class OpenStep(keras.Model):
    """A model whose `fit` reports the norm of every gradient among its logs."""

    def train_step(self, data: Any) -> dict[str, Any]:
        inputs, labels = data
        with tf.GradientTape() as tape:
            value = self.compute_loss(y=labels, y_pred=self(inputs, training=True))
        gradients = tape.gradient(value, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return _norms(self, gradients)


def _fit(plain: Any, batches: Any) -> Norms:
    model = OpenStep(plain.inputs, plain.outputs[0])
    model.compile(optimizer=workload.optimizer(1e-3), loss=workload.loss())
    seen: Norms = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append({name: float(logs[name]) for name in logs}))
    model.fit(batches, epochs=1, verbose=0, callbacks=[note])
    return seen


def _faulty(fault: str, seed: int, batches: Any) -> dict[str, Any]:
    """`said`: the warnings of a plain `fit`; `without_gradient`: the tensors whose gradient is missing or zero on a tape."""
    model = _model(seed, fault)
    model.compile(optimizer=workload.optimizer(1e-3), loss=workload.loss())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(batches, epochs=1, verbose=0)
    inputs, labels = next(iter(batches))
    model = _model(seed, fault)
    with tf.GradientTape() as tape:
        value = workload.loss()(labels, model(inputs, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    dark = [_name(v) for v, g in zip(model.trainable_variables, gradients, strict=True) if g is None or float(tf.norm(g)) == 0.0]
    return {"said": [str(warning.message) for warning in caught if "radient" in str(warning.message)], "without_gradient": dark}
