"""TensorFlow: wrappers that a workload's training step does not notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from core.worker.failure import RunFailure


def with_own_step(model: Any, loss: Any, train_step: Callable[..., Any]) -> Any:
    """The same layers in a model whose `fit` calls the workload's own training step."""

    class OwnStep(keras.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            inputs, labels = data
            value = train_step(self, loss, self.optimizer, inputs, labels)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(value)
            return {metric.name: metric.result() for metric in self.metrics}

    return OwnStep(inputs=model.inputs, outputs=model.outputs[0], name=model.name)


class Recomputed:
    """A functional model whose blocks compute their activations again in the backward pass; called as the model is.

    A block is what ends in a layer that has the block's name: `layers_0` after `layers_0_norm1`, `layers_0_dense` and so on. Keras's
    own `RematScope` cannot be used: inside `tf.function` it fails, because layers get `training` as a keyword.
    Raises RunFailure `variant` where the model has no blocks.
    """

    def __init__(self, model: Any, names: Sequence[str]) -> None:
        self._model = model
        own = [layer.name for layer in model.layers]
        blocks = [name for name in names if name in own and any(other.startswith(f"{name}_") for other in own)]
        if not blocks:
            raise RunFailure("variant", f"{model.name} has no blocks to recompute; leave checkpointing out.")
        self._segments: list[Any] = []
        start = model.inputs[0]
        for layer in model.layers:
            if layer.name in blocks:
                self._segments += self._between(start, layer.name, blocks)
                start = layer.output
        self._segments.append(keras.Model(start, model.outputs[0]))

    def _between(self, start: Any, block: str, blocks: Sequence[str]) -> list[Any]:
        """What leads from the end of the last block to this one's first layer, and the block itself as a recomputed function."""
        end = self._model.get_layer(block).output
        inside = [layer for layer in self._model.layers if layer.name.startswith(f"{block}_")]
        first = inside[0].input
        entry = first[0] if isinstance(first, list) else first
        before = [] if entry is start else [keras.Model(start, entry)]
        return [*before, _recomputed(keras.Model(entry, end))]

    @property
    def trainable_variables(self) -> list[Any]:
        return self._model.trainable_variables

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return self._model(inputs, training=False)
        for segment in self._segments:
            inputs = segment(inputs, training=True)
        return inputs


def _recomputed(block: Any) -> Callable[..., Any]:
    @tf.custom_gradient
    def forward(inputs: Any) -> tuple[Any, Callable[..., Any]]:
        outputs = block(inputs, training=True)

        def backward(upstream: Any, variables: Sequence[Any] = ()) -> tuple[Any, Any]:
            # A data dependency, or the optimiser would find the same computation twice and keep the first one's activations.
            probe = tf.reshape(upstream, [-1])[0]
            again = inputs + tf.cast(tf.where(tf.equal(probe, probe), 0.0, 0.0 * tf.cast(probe, tf.float32)), inputs.dtype)
            with _without_statistics(block), tf.GradientTape() as tape:
                tape.watch(again)
                outputs = block(again, training=True)
            gradients = tape.gradient(outputs, [again, *variables], output_gradients=upstream)
            return gradients[0], gradients[1:]

        return outputs, backward

    return lambda inputs, training: forward(inputs)


@contextmanager
def _without_statistics(block: Any) -> Iterator[None]:
    """The second time through, running statistics stay as they are, or each step would count twice."""
    norms = [(layer, layer.momentum) for layer in block.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer, _ in norms:
        layer.momentum = 1.0
    try:
        yield
    finally:
        for layer, momentum in norms:
            layer.momentum = momentum
