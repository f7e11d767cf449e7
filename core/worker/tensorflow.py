"""TensorFlow's side of a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.model.run import RunSpec
from core.worker.clock import BlockClock
from core.worker.failure import RunFailure
from core.worker.program import train_loop
from core.workloads.layouts import Array
from core.workloads.mnist import Split
from core.workloads.registry import workload_module


class TensorFlowProgram:
    """A workload in TensorFlow; see `Program`."""

    def __init__(self, spec: RunSpec, *, deterministic: bool) -> None:
        self.spec = spec
        self.variant = spec.variant
        tf.config.threading.set_intra_op_parallelism_threads(self.variant.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        gpus = tf.config.list_physical_devices("GPU")
        if self.variant.device == "gpu":
            if not gpus:
                raise RunFailure("device_missing",
                                 "TensorFlow sees no GPU; install its CUDA libraries with \"pip install 'tensorflow[and-cuda]'\" "
                                 "and check the driver with 'python -m core doctor'.")  # fmt: skip
            tf.config.set_visible_devices(gpus[:1], "GPU")
            tf.config.experimental.set_memory_growth(gpus[0], True)
        else:
            tf.config.set_visible_devices([], "GPU")
        tf.config.experimental.enable_tensor_float_32_execution(False)
        if deterministic:
            keras.utils.set_random_seed(spec.seed)
            # XLA refuses a max pool's gradient under this switch, and is held to the same gates without it.
            if self.variant.execution != "xla":
                tf.config.experimental.enable_op_determinism()
        self.workload = workload_module(spec.workload, "tensorflow")
        self.weight_map = workload_module(spec.workload, "weights").WEIGHT_MAP

    def build(self, train: Split, test: Split, order: NDArray[np.int64]) -> None:
        self.train = self.workload.data(train.images, train.labels)
        self.test = self.workload.data(test.images, test.labels)
        self.order = tf.constant(order)
        self.model = self.workload.model(self.variant.network)
        self.loss = self.workload.loss(self.variant.network)
        self.optimizer = self.workload.optimizer(self.spec.learning_rate, self.variant.optimizer)
        self.optimizer.build(self.model.trainable_variables)
        self._step = self._as_executed(partial(self.workload.train_step, self.model, self.loss, self.optimizer))
        self._evaluate = self._as_executed(partial(self.workload.evaluate_batch, self.model, self.loss))
        if self.variant.execution == "fit":
            self.model.compile(optimizer=self.optimizer, loss=self.loss, jit_compile=False)

    def _as_executed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if self.variant.execution == "eager":
            return function
        return tf.function(function, jit_compile=True if self.variant.execution == "xla" else None)

    def environment(self) -> dict[str, Any]:
        build = tf.sysconfig.get_build_info()
        return {
            "framework": "tensorflow",
            "framework_version": tf.__version__,
            "keras_version": keras.__version__,
            "cuda_build": build.get("cuda_version"),
            "cudnn_build": build.get("cudnn_version"),
            "devices_seen": [device.device_type for device in tf.config.list_physical_devices()],
            "device": self.variant.device,
            "device_name": self._device_name(),
            "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        }

    def _device_name(self) -> str | None:
        if self.variant.device == "cpu":
            return None
        gpu = tf.config.list_physical_devices("GPU")[0]
        return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))

    def parameter_count(self) -> int:
        return int(self.model.count_params())

    def layers(self) -> list[dict[str, Any]]:
        return [
            {"name": layer.name, "kind": type(layer).__name__, "shape": list(layer.output.shape[1:]), "parameters": layer.count_params()}
            for layer in self.model.layers
        ]

    def _variables(self) -> dict[str, Any]:
        return {f"{layer.name}/{variable.name}": variable for layer in self.model.layers for variable in layer.weights}

    def set_weights(self, weights: dict[str, Array]) -> None:
        variables = self._variables()
        for name, array in weights.items():
            if name not in variables or tuple(variables[name].shape) != array.shape:
                has = tuple(variables[name].shape) if name in variables else "nothing"
                raise ValueError(f"{name} has shape {array.shape}, TensorFlow's model has {has} there")
            variables[name].assign(array)

    def weights(self) -> dict[str, Array]:
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        def run(images: Any, labels: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                outputs = self.model(images, training=True)
                value = self.loss(labels, outputs)
            return outputs, value, tape.gradient(value, self.model.trainable_variables)

        outputs, value, gradients = self._as_executed(run)(*self.batch(step))
        names = {id(variable): name for name, variable in self._variables().items()}
        named = {names[id(v)]: g.numpy() for v, g in zip(self.model.trainable_variables, gradients, strict=True)}
        return outputs.numpy(), float(value), named

    def batch(self, step: int) -> tuple[Any, Any]:
        return self.workload.batch(self.train, self.order[step])

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        # The device works in order: with the last batch all are there.
        tf.reshape(batches[-1][1], [-1])[0].numpy()

    def step(self, images: Any, labels: Any) -> Any:
        return self._step(images, labels)

    def read(self, loss: Any) -> float:
        return float(loss)

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        if self.variant.execution == "fit":
            self._fit_blocks(first_step, block_steps, blocks, clock)
        else:
            train_loop(self, first_step, block_steps, blocks, clock)

    def _fit_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        """One Keras epoch per block: `fit` reads its logs, and so waits for the device, at the end of each.

        A callback on batches would make `fit` read the loss at every step. The loss is `fit`'s own: the block's mean. Unlike in
        the plain loop, fetching the batches is part of the block, because it is part of `fit`.
        """
        samples = tf.data.Dataset.from_tensor_slices(self.order[first_step : first_step + block_steps * blocks])
        batches = samples.map(partial(self.workload.batch, self.train))
        callback = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: clock.begin(),
            on_epoch_end=lambda epoch, logs: clock.end(block_steps, logs["loss"], None),
        )
        self.model.fit(batches, epochs=blocks, steps_per_epoch=block_steps, shuffle=False, verbose=0, callbacks=[callback])

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        images, labels = self.test
        loss_sum, correct = 0.0, 0
        for first in range(0, len(labels), batch_size):
            part = slice(first, first + batch_size)
            batch_loss, batch_correct = self._evaluate(images[part], labels[part])
            loss_sum += float(batch_loss)
            correct += int(batch_correct)
        return loss_sum / len(labels), correct / len(labels)

    @contextmanager
    def profile(self, folder: Path) -> Iterator[Callable[[int], AbstractContextManager[Any]]]:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0, device_tracer_level=1)
        tf.profiler.experimental.start(str(folder), options=options)
        try:
            yield lambda step: tf.profiler.experimental.Trace("train", step_num=step, _r=1)
        finally:
            tf.profiler.experimental.stop()

    def reset_peak_memory(self) -> None:
        if self.variant.device == "gpu":
            tf.config.experimental.reset_memory_stats("GPU:0")

    def device_memory(self) -> dict[str, int] | None:
        if self.variant.device == "cpu":
            return None
        return {"allocated_peak_bytes": int(tf.config.experimental.get_memory_info("GPU:0")["peak"])}


PROGRAM = TensorFlowProgram
