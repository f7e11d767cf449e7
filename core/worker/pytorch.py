"""PyTorch's side of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.model.run import RunSpec
from core.worker.clock import BlockClock
from core.worker.executions.pytorch import (
    AUTOCAST,
    AtPrecision,
    Counting,
    GraphedStep,
    ScaledLoss,
    ScaledOptimizer,
    recompute_blocks,
)
from core.worker.failure import RunFailure
from core.worker.feeds.pytorch import Loader
from core.worker.program import epoch_loop, train_loop
from core.workloads.layouts import Array, RunningVariance, to_keras, to_torch
from core.workloads.registry import weight_map, workload_module
from core.workloads.spec import Samples

_COMPILE_MODES = {"compile": None, "compile_reduce_overhead": "reduce-overhead", "compile_max_autotune": "max-autotune"}


class PyTorchProgram:
    """A workload in PyTorch; see `Program`."""

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.variant = spec.variant
        torch.set_num_threads(self.variant.threads)
        torch.set_num_interop_threads(1)
        if self.variant.device == "gpu" and not torch.cuda.is_available():
            raise RunFailure("device_missing",
                             "PyTorch sees no GPU; check the driver and the CUDA build of torch with 'python -m core doctor'.")  # fmt: skip
        self.device = torch.device("cuda:0" if self.variant.device == "gpu" else "cpu")
        torch.backends.cuda.matmul.allow_tf32 = self.variant.precision == "tf32"
        torch.backends.cudnn.allow_tf32 = self.variant.precision == "tf32"
        deterministic = spec.role == "parity" or self.variant.deterministic == "on"
        # Keras lets cuDNN choose its kernels by trying them; the same here.
        torch.backends.cudnn.benchmark = not deterministic
        torch.manual_seed(spec.seed)
        if deterministic:
            torch.use_deterministic_algorithms(True)
        self.workload = workload_module(spec.workload, "pytorch")
        self.weight_map = weight_map(spec.workload, spec.sizes)
        self._initial: dict[str, Array] = {}
        self._steps = 0

    def build(self, train: Samples, test: Samples, order: NDArray[np.int64]) -> None:
        count = self.spec.train_samples or len(train.labels)
        kept = count - count // 10 if self.variant.validation == "on" else count
        self.loader = None if self.variant.input == "memory" else Loader(train, order, self.variant, self.device)
        if self.loader is None:
            self.train = self._data(train.inputs[:kept], train.labels[:kept])
            self.order = torch.from_numpy(order).to(self.device)
        self.held_out = self._data(train.inputs[kept:count], train.labels[kept:count])
        self.test = self._data(test.inputs, test.labels)
        self.module = self.workload.model(self.spec.sizes, self.variant.network).to(self.device)
        if self.variant.layout == "channels_last":
            self.module = self.module.to(memory_format=torch.channels_last)
        if self.variant.checkpointing == "on":
            recompute_blocks(self.module, getattr(self.workload, "CHECKPOINTED", ()), self.spec.workload)
        self.model: Any = self.module
        if self.variant.precision in AUTOCAST:
            self.model = AtPrecision(self.module, AUTOCAST[self.variant.precision], self.device)
        if self.variant.execution in _COMPILE_MODES:
            if self.spec.role == "profile":
                name_compiled_kernels()
            self.model = torch.compile(self.model, mode=_COMPILE_MODES[self.variant.execution])
        self.loss = self.workload.loss(self.variant.network)
        self.optimizer = self.workload.optimizer(self.module, self.spec.learning_rate, self.variant.optimizer)
        loss = Counting(self.loss) if self.variant.metrics == "on" else self.loss
        self._scaled: tuple[ScaledLoss, ScaledOptimizer] | None = None
        self._step: Callable[[Any, Any], Any] = partial(self.workload.train_step, self.model, loss, self.optimizer)
        if self.variant.precision == "fp16":
            scaler = torch.amp.GradScaler(self.device.type)
            self._scaled = ScaledLoss(loss, scaler), ScaledOptimizer(self.optimizer, scaler)
            self._step = partial(self.workload.train_step, self.model, *self._scaled)
        elif self.variant.execution == "cuda_graph":
            self._step = GraphedStep(self.model, loss, self.optimizer)

    def _data(self, inputs: NDArray[Any], labels: NDArray[np.int64]) -> tuple[Any, Any]:
        return self.workload.data(inputs, labels, self.device)

    def environment(self) -> dict[str, Any]:
        gpu = self.variant.device == "gpu"
        return {
            "framework": "pytorch",
            "framework_version": torch.__version__,
            "cuda_build": torch.version.cuda,
            "cudnn_build": torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
            "devices_seen": ["CPU"] + ["GPU"] * torch.cuda.device_count(),
            "device": self.variant.device,
            "device_name": torch.cuda.get_device_name(0) if gpu else None,
            "intra_op_threads": torch.get_num_threads(),
            "inter_op_threads": torch.get_num_interop_threads(),
            "tf32": torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32,
            "onednn": torch.backends.mkldnn.is_available(),
        }

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.module.parameters() if parameter.requires_grad)

    def layers(self) -> list[dict[str, Any]]:
        """Shapes are seen with one batch going through, which a network that does not fit together refuses."""
        rows: list[dict[str, Any]] = []

        def note(name: str, module: Any, output: Any) -> None:
            count = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
            rows.append({"name": name, "kind": type(module).__name__, "shape": list(output.shape[1:]), "parameters": count})

        with self._hooked(note), torch.no_grad():
            self.module(next(self.batches(0, 1))[0])
        return rows

    def layer_outputs(self, step: int, samples: int) -> dict[str, Array]:
        outputs: dict[str, Array] = {}

        def note(name: str, module: Any, output: Any) -> None:
            outputs.setdefault(name, _channels_last(output[:samples].detach().float().cpu().numpy()))

        with self._hooked(note), torch.no_grad():
            self.module.train()
            self.module(next(self.batches(step, 1))[0])
        return outputs

    @contextmanager
    def _hooked(self, note: Callable[[str, Any, Any], None]) -> Iterator[None]:
        """Have `note` called with name, module and first output of each module as it ends; names with `_` for each dot."""

        def hook_for(name: str) -> Callable[[Any, Any, Any], None]:
            def hook(module: Any, _: Any, output: Any) -> None:
                first = output[0] if isinstance(output, tuple) else output
                if isinstance(first, torch.Tensor):
                    note(name.replace(".", "_"), module, first)

            return hook

        hooks = [module.register_forward_hook(hook_for(name)) for name, module in self.module.named_modules() if name]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def set_weights(self, weights: dict[str, Array]) -> None:
        own = self.module.state_dict()
        ported = to_torch(self.weight_map, weights)
        learned = {name for name, parameter in self.module.named_parameters() if parameter.requires_grad}
        for name in sorted(learned - ported.keys()):
            raise ValueError(f"PyTorch's model has {name}, which is not in the weight map")
        for name, array in ported.items():
            if name not in own or tuple(own[name].shape) != array.shape:
                has = tuple(own[name].shape) if name in own else "nothing"
                raise ValueError(f"{name} has shape {array.shape}, PyTorch's model has {has} there")
        # What is not in the map is constant: a second bias held at zero, a counter of batches.
        self.module.load_state_dict({name: torch.from_numpy(array) for name, array in ported.items()}, strict=False)
        self._initial, self._steps = weights, 0

    def weights(self) -> dict[str, Array]:
        canonical = to_keras(self.weight_map, {name: value.detach().cpu().numpy() for name, value in self.module.state_dict().items()})
        for tensor in self.weight_map:
            if isinstance(tensor.layout, RunningVariance) and self._steps:
                canonical[tensor.name] = tensor.layout.biased(
                    canonical[tensor.name], self._initial[tensor.name], self._steps, self.spec.batch_size
                )
        return canonical

    def outputs(self, step: int) -> Array:
        self.module.eval()
        with torch.inference_mode():
            return self.model(next(self.batches(step, 1))[0]).float().cpu().numpy()

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        inputs, labels = next(self.batches(step, 1))
        self.module.train()
        self.optimizer.zero_grad()
        outputs = self.model(inputs)
        value = self.loss(outputs, labels)
        value.backward()
        gradients = {name: parameter.grad.cpu().numpy() for name, parameter in self.module.named_parameters() if parameter.grad is not None}
        self.optimizer.zero_grad()
        return outputs.detach().float().cpu().numpy(), value.item(), to_keras(self.weight_map, gradients)

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        channels_last = self.variant.layout == "channels_last"
        from_memory = (self.workload.batch(self.train, self.order[step]) for step in range(first_step, first_step + steps))
        for inputs, labels in from_memory if self.loader is None else self.loader.batches(first_step, steps):
            if channels_last and inputs.ndim == 4:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            yield inputs, labels

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        # The device works in order: with the last batch all are there.
        batches[-1][1].flatten()[0].item()

    def step(self, inputs: Any, labels: Any) -> Any:
        self._steps += 1
        loss = self._step(inputs, labels)
        return self._scaled[0].value if self._scaled else loss

    def read(self, loss: Any) -> float:
        return float(loss)

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        self.module.train()
        train_loop(self, first_step, block_steps, blocks, clock)

    def train_epochs(self, first_step: int, epochs: int, epoch_steps: int, clock: BlockClock) -> None:
        self.module.train()
        epoch_loop(self, first_step, epochs, epoch_steps, clock)

    def validate(self) -> None:
        inputs, labels = self.held_out
        self.module.eval()
        with torch.no_grad():
            for first in range(0, len(labels), self.spec.batch_size):
                part = slice(first, first + self.spec.batch_size)
                loss, _ = self.workload.evaluate_batch(self.model, self.loss, inputs[part], labels[part])
                float(loss)
        self.module.train()

    def infer_blocks(self, first_step: int, blocks: int, clock: BlockClock) -> None:
        self.module.eval()
        for inputs, _ in list(self.batches(first_step, blocks)):
            clock.begin()
            with torch.inference_mode():
                self.model(inputs).cpu()
            clock.end(1, None, None)

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        inputs, labels = self.test
        loss_sum, correct = 0.0, 0
        self.module.eval()
        with torch.no_grad():
            for first in range(0, len(labels), batch_size):
                part = slice(first, first + batch_size)
                batch_loss, batch_correct = self.workload.evaluate_batch(self.model, self.loss, inputs[part], labels[part])
                loss_sum += float(batch_loss)
                correct += int(batch_correct)
        return loss_sum / labels.numel(), correct / labels.numel()

    def skipped_steps(self) -> int | None:
        return self._steps - self._scaled[1].updates if self._scaled else None

    @contextmanager
    def profile(self, folder: Path) -> Iterator[Callable[[int], AbstractContextManager[Any]]]:
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self.variant.device == "gpu":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        with torch.profiler.profile(
            activities=activities, record_shapes=True, profile_memory=True, with_stack=True, with_flops=True,
            on_trace_ready=torch.profiler.tensorboard_trace_handler(str(folder), use_gzip=True),
        ):  # fmt: skip
            yield lambda step: torch.profiler.record_function(f"ProfilerStep#{step}")

    def reset_peak_memory(self) -> None:
        if self.variant.device == "gpu":
            torch.cuda.reset_peak_memory_stats()

    def device_memory(self) -> dict[str, int] | None:
        if self.variant.device == "cpu":
            return None
        return {
            "allocated_peak_bytes": int(torch.cuda.max_memory_allocated()),
            "reserved_peak_bytes": int(torch.cuda.max_memory_reserved()),
        }


def name_compiled_kernels() -> None:
    """Have what `torch.compile` makes for a CPU recorded kernel by kernel: else a compiled graph is one operator, whatever it does.

    For profiled runs alone: it puts a call around each kernel.
    """
    from torch._inductor import config  # takes a second, and only `torch.compile` needs it

    config.cpp.enable_kernel_profile = True


def _channels_last(array: Array) -> Array:
    """Images as Keras lays them out, anything else as it is."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


PROGRAM = PyTorchProgram
