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
from core.model.variant import FIT_EXECUTIONS
from core.worker.clock import BlockClock
from core.worker.executions.tensorflow import Recomputed, with_own_step
from core.worker.failure import RunFailure
from core.worker.feeds.tensorflow import Loader
from core.worker.program import epoch_loop, train_loop
from core.workloads.layouts import Array
from core.workloads.registry import workload_module, workload_spec
from core.workloads.spec import Samples

_POLICIES = {"fp16": "mixed_float16", "bf16": "mixed_bfloat16"}


class TensorFlowProgram:
    """A workload in TensorFlow; see `Program`."""

    def __init__(self, spec: RunSpec) -> None:
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
        tf.config.experimental.enable_tensor_float_32_execution(self.variant.precision == "tf32")
        keras.mixed_precision.set_global_policy(_POLICIES.get(self.variant.precision, "float32"))
        keras.utils.set_random_seed(spec.seed)
        # XLA refuses a max pool's gradient under this switch, and is held to the same gates without it.
        proving = spec.role == "parity" and self.variant.execution != "xla"
        if proving or self.variant.deterministic == "on":
            tf.config.experimental.enable_op_determinism()
        self.workload = workload_module(spec.workload, "tensorflow")
        self._steps = 0

    def build(self, train: Samples, test: Samples, order: NDArray[np.int64]) -> None:
        count = self.spec.train_samples or len(train.labels)
        kept = count - count // 10 if self.variant.validation == "on" else count
        self.order = order
        self.loader = None if self.variant.input == "memory" else Loader(train, order, self.variant)
        if self.loader is None:
            self.train = self.workload.data(train.inputs[:kept], train.labels[:kept])
            self._order = tf.constant(order)
        self.held_out = self.workload.data(train.inputs[kept:count], train.labels[kept:count])
        self.test = self.workload.data(test.inputs, test.labels)
        self.model = self.workload.model(self.spec.sizes, self.variant.network)
        self.loss = self.workload.loss(self.variant.network)
        if self.variant.execution == "train_step":
            self.model = with_own_step(self.model, self.loss, self.workload.train_step)
        self.optimizer = self.workload.optimizer(self.spec.learning_rate, self.variant.optimizer)
        if self.variant.precision == "fp16":
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        self.optimizer.build(self.model.trainable_variables)
        if self.variant.execution in FIT_EXECUTIONS:
            metrics = ["accuracy"] if self.variant.metrics == "on" else None
            self.model.compile(optimizer=self.optimizer, loss=self.loss, metrics=metrics, jit_compile=False)
        self._accuracy = keras.metrics.SparseCategoricalAccuracy()
        called = self.model
        if self.variant.checkpointing == "on":
            called = Recomputed(self.model, [layer.name for layer in workload_spec(self.spec.workload).layers])
        self._called = called
        self._step = self._as_executed(partial(self.workload.train_step, called, self._counted_loss(), self.optimizer))
        self._evaluate = self._as_executed(partial(self.workload.evaluate_batch, self.model, self.loss))
        self._infer = self.model.predict_on_batch if self.variant.execution == "fit" else self._as_executed(partial(self.model, training=False))

    def _counted_loss(self) -> Callable[..., Any]:
        """The loss, and with metrics the accuracy of the same outputs."""
        if self.variant.metrics == "off":
            return self.loss

        def loss(labels: Any, outputs: Any) -> Any:
            self._accuracy.update_state(labels, outputs)
            return self.loss(labels, outputs)

        return loss

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
        return sum(int(np.prod(variable.shape)) for variable in self.model.trainable_variables)

    def layers(self) -> list[dict[str, Any]]:
        """One row per layer; parameters of a block count with the layer that ends it and has the block's name."""
        own = {name: int(np.prod(variable.shape)) for name, variable in self._variables().items() if variable.trainable}

        def count(layer: str) -> int:
            return sum(size for name, size in own.items() if name.startswith((f"{layer}/", f"{layer}_")))

        return [
            {"name": layer.name, "kind": type(layer).__name__, "shape": list(layer.output.shape[1:]), "parameters": count(layer.name)}
            for layer in self.model.layers
        ]

    def layer_outputs(self, step: int, samples: int) -> dict[str, Array]:
        layers = [layer for layer in self.model.layers if not isinstance(layer, keras.layers.InputLayer)]
        inputs, _ = next(self.batches(step, 1))
        outputs = keras.Model(self.model.inputs, [layer.output for layer in layers])(inputs, training=True)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return {layer.name: tf.cast(output[:samples], tf.float32).numpy() for layer, output in zip(layers, outputs, strict=True)}

    def _variables(self) -> dict[str, Any]:
        """Every variable by its canonical name: its path in Keras without the model's own name."""
        own = f"{self.model.name}/"
        return {variable.path.removeprefix(own): variable for variable in self.model.variables if "seed_generator" not in variable.path}

    def set_weights(self, weights: dict[str, Array]) -> None:
        variables = self._variables()
        for name in sorted(variables.keys() - weights.keys()):
            raise ValueError(f"TensorFlow's model has {name}, which is not in the weight map")
        for name, array in weights.items():
            if name not in variables or tuple(variables[name].shape) != array.shape:
                has = tuple(variables[name].shape) if name in variables else "nothing"
                raise ValueError(f"{name} has shape {array.shape}, TensorFlow's model has {has} there")
            variables[name].assign(array)

    def weights(self) -> dict[str, Array]:
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def outputs(self, step: int) -> Array:
        return np.asarray(tf.cast(self._infer(next(self.batches(step, 1))[0]), tf.float32))

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        def run(inputs: Any, labels: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                outputs = self._called(inputs, training=True)
                value = self.loss(labels, outputs)
            gradients = tape.gradient(value, self.model.trainable_variables)
            return outputs, value, [tf.convert_to_tensor(gradient) for gradient in gradients]

        outputs, value, gradients = self._as_executed(run)(*next(self.batches(step, 1)))
        names = {id(variable): name for name, variable in self._variables().items()}
        named = {names[id(v)]: g.numpy() for v, g in zip(self.model.trainable_variables, gradients, strict=True)}
        return tf.cast(outputs, tf.float32).numpy(), float(value), named

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        if self.loader is not None:
            yield from self.loader.batches(first_step, steps)
            return
        for step in range(first_step, first_step + steps):
            yield self.workload.batch(self.train, self._order[step])

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        # The device works in order: with the last batch all are there.
        tf.reshape(batches[-1][1], [-1])[0].numpy()

    def step(self, inputs: Any, labels: Any) -> Any:
        return self._step(inputs, labels)

    def read(self, loss: Any) -> float:
        return float(loss)

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        self._steps += block_steps * blocks
        if self.variant.execution in FIT_EXECUTIONS:
            self._fit(self._dataset(first_step, block_steps * blocks), block_steps, blocks, clock)
        else:
            train_loop(self, first_step, block_steps, blocks, clock)

    def train_epochs(self, first_step: int, epochs: int, epoch_steps: int, clock: BlockClock) -> None:
        self._steps += epochs * epoch_steps
        if self.variant.execution in FIT_EXECUTIONS:
            self._fit(self._dataset(first_step, epoch_steps * epochs), epoch_steps, epochs, clock)
        else:
            epoch_loop(self, first_step, epochs, epoch_steps, clock)

    def _dataset(self, first_step: int, steps: int) -> Any:
        if self.loader is not None:
            return self.loader.dataset(first_step, steps)
        rows = tf.data.Dataset.from_tensor_slices(self._order[first_step : first_step + steps])
        return rows.map(partial(self.workload.batch, self.train))

    def _fit(self, batches: Any, epoch_steps: int, epochs: int, clock: BlockClock) -> None:
        """One Keras epoch per block: `fit` reads its logs, and so waits for the device, at the end of each.

        A callback on batches would make `fit` read the loss at every step. The loss is `fit`'s own: the block's mean. Unlike in
        the plain loop, fetching the batches is part of the block, because it is part of `fit`.
        """
        callback = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: clock.begin(),
            on_epoch_end=lambda epoch, logs: clock.end(epoch_steps, logs["loss"], None),
        )
        held_out = None
        if self.variant.validation == "on" and self.spec.measure == "epoch":
            held_out = tf.data.Dataset.from_tensor_slices(self.held_out).batch(self.spec.batch_size)
        self.model.fit(batches, epochs=epochs, steps_per_epoch=epoch_steps, shuffle=False, verbose=0, callbacks=[callback],
                       validation_data=held_out)  # fmt: skip

    def validate(self) -> None:
        inputs, labels = self.held_out
        for first in range(0, len(labels), self.spec.batch_size):
            part = slice(first, first + self.spec.batch_size)
            loss, _ = self._evaluate(inputs[part], labels[part])
            float(loss)

    def infer_blocks(self, first_step: int, blocks: int, clock: BlockClock) -> None:
        for inputs, _ in list(self.batches(first_step, blocks)):
            clock.begin()
            np.asarray(self._infer(inputs))
            clock.end(1, None, None)

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        inputs, labels = self.test
        loss_sum, correct = 0.0, 0
        for first in range(0, len(labels), batch_size):
            part = slice(first, first + batch_size)
            batch_loss, batch_correct = self._evaluate(inputs[part], labels[part])
            loss_sum += float(batch_loss)
            correct += int(batch_correct)
        answers = int(tf.size(labels))
        return loss_sum / answers, correct / answers

    def skipped_steps(self) -> int | None:
        if self.variant.precision != "fp16":
            return None
        # The inner optimizer counts the updates that were made.
        return self._steps - int(self.optimizer.inner_optimizer.iterations)

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
