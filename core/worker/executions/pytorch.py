"""PyTorch: wrappers that a workload's training step does not notice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from core.worker.failure import RunFailure

AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}
#: Before a graph is captured, a few steps on a side stream, as the documentation of CUDA graphs asks for.
_STEPS_BEFORE_CAPTURE = 3


class AtPrecision(torch.nn.Module):
    """A module under autocast, its outputs in float32."""

    def __init__(self, module: Any, dtype: Any, device: Any) -> None:
        super().__init__()
        self.module = module
        self._dtype = dtype
        self._device_type = device.type

    def forward(self, inputs: Any) -> Any:
        with torch.autocast(self._device_type, dtype=self._dtype):
            outputs = self.module(inputs)
        return outputs.float()


class Counting(torch.nn.Module):
    """A loss that also counts the correct answers of each batch, on the device."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self._loss = loss
        self.correct: Any = 0

    def forward(self, outputs: Any, labels: Any) -> Any:
        self.correct = self.correct + (outputs.detach().argmax(dim=-1) == labels).sum()
        return self._loss(outputs, labels)


class ScaledLoss:
    """A loss times the scale of a GradScaler; `value` keeps the last one as it was."""

    def __init__(self, loss: Any, scaler: Any) -> None:
        self._loss, self._scaler = loss, scaler
        self.value: Any = None

    def __call__(self, outputs: Any, labels: Any) -> Any:
        loss = self._loss(outputs, labels)
        self.value = loss.detach()
        return self._scaler.scale(loss)


class ScaledOptimizer:
    """An optimizer behind a GradScaler, which skips a step whose gradients overflowed; `updates` counts the others."""

    def __init__(self, optimizer: Any, scaler: Any) -> None:
        self._optimizer, self._scaler = optimizer, scaler
        self.updates = 0
        optimizer.register_step_post_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.updates += 1

    def zero_grad(self) -> None:
        self._optimizer.zero_grad()

    def step(self) -> None:
        self._scaler.step(self._optimizer)
        self._scaler.update()


def recompute_blocks(module: Any, kinds: tuple[type, ...], workload: str) -> None:
    """Let every block of these kinds compute its activations again in the backward pass.

    Raises RunFailure `variant` where the workload names no blocks.
    """
    blocks: list[Any] = [block for block in module.modules() if isinstance(block, kinds)]
    if not blocks:
        raise RunFailure("variant", f"{workload} names no blocks to recompute (CHECKPOINTED in its pytorch.py); leave checkpointing out.")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: Any) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), _without_statistics(block)


@contextmanager
def _without_statistics(block: Any) -> Any:
    """The second time through, running statistics stay as they are, or each step would count twice."""
    norms = [(norm, norm.momentum) for norm in block.modules() if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm)]
    for norm, _ in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in norms:
            norm.momentum = momentum


class GraphedStep:
    """Forward and backward replayed as one CUDA graph; the optimizer's step stays outside, its hooks being Python.

    Written after PyTorch's documentation of `torch.cuda.graph`; not run on a GPU by us.
    """

    def __init__(self, model: Any, loss: Callable[[Any, Any], Any], optimizer: Any) -> None:
        self._model, self._loss, self._optimizer = model, loss, optimizer
        self._graph: Any = None

    def __call__(self, inputs: Any, labels: Any) -> Any:
        if self._graph is None:
            self._capture(inputs, labels)
        self._inputs.copy_(inputs)
        self._labels.copy_(labels)
        self._graph.replay()
        self._optimizer.step()
        return self._value.detach()

    def _capture(self, inputs: Any, labels: Any) -> None:
        self._inputs, self._labels = inputs.clone(), labels.clone()
        # Warming up must not train: batch statistics are put back afterwards.
        kept = {name: value.clone() for name, value in self._model.state_dict().items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_STEPS_BEFORE_CAPTURE):
                self._optimizer.zero_grad(set_to_none=True)
                self._loss(self._model(self._inputs), self._labels).backward()
        torch.cuda.current_stream().wait_stream(side)
        self._optimizer.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._value = self._loss(self._model(self._inputs), self._labels)
            self._value.backward()
        self._model.load_state_dict(kept)
