"""PyTorch's side of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.model.run import RunSpec
from core.worker.clock import BlockClock
from core.worker.failure import RunFailure
from core.worker.program import train_loop
from core.workloads.layouts import Array, to_keras, to_torch
from core.workloads.mnist import Split
from core.workloads.registry import workload_module


class PyTorchProgram:
    """A workload in PyTorch; see `Program`."""

    def __init__(self, spec: RunSpec, *, deterministic: bool) -> None:
        self.spec = spec
        self.variant = spec.variant
        torch.set_num_threads(self.variant.threads)
        torch.set_num_interop_threads(1)
        if self.variant.device == "gpu" and not torch.cuda.is_available():
            raise RunFailure("device_missing",
                             "PyTorch sees no GPU; check the driver and the CUDA build of torch with 'python -m core doctor'.")  # fmt: skip
        self.device = torch.device("cuda:0" if self.variant.device == "gpu" else "cpu")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        # Keras lets cuDNN choose its kernels by trying them; the same here.
        torch.backends.cudnn.benchmark = not deterministic
        torch.manual_seed(spec.seed)
        if deterministic:
            torch.use_deterministic_algorithms(True)
        self.workload = workload_module(spec.workload, "pytorch")
        self.weight_map = workload_module(spec.workload, "weights").WEIGHT_MAP

    def build(self, train: Split, test: Split, order: NDArray[np.int64]) -> None:
        self.train = self.workload.data(train.images, train.labels, self.device)
        self.test = self.workload.data(test.images, test.labels, self.device)
        self.order = torch.from_numpy(order).to(self.device)
        self.module = self.workload.model(self.variant.network).to(self.device)
        self.model = torch.compile(self.module) if self.variant.execution == "compile" else self.module
        self.loss = self.workload.loss(self.variant.network)
        self.optimizer = self.workload.optimizer(self.module, self.spec.learning_rate, self.variant.optimizer)

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
        return sum(parameter.numel() for parameter in self.module.parameters())

    def layers(self) -> list[dict[str, Any]]:
        """Shapes are seen with one batch going through, which a network that does not fit together refuses."""
        rows: list[dict[str, Any]] = []

        def note(name: str, module: torch.nn.Module) -> None:
            def hook(module: torch.nn.Module, _: Any, output: torch.Tensor) -> None:
                count = sum(parameter.numel() for parameter in module.parameters())
                rows.append({"name": name, "kind": type(module).__name__, "shape": list(output.shape[1:]), "parameters": count})

            hooks.append(module.register_forward_hook(hook))

        hooks: list[Any] = []
        for name, module in self.module.named_children():
            note(name, module)
        try:
            with torch.no_grad():
                self.module(self.batch(0)[0])
        finally:
            for hook in hooks:
                hook.remove()
        return rows

    def set_weights(self, weights: dict[str, Array]) -> None:
        own = self.module.state_dict()
        ported = to_torch(self.weight_map, weights)
        for name, array in ported.items():
            if name not in own or tuple(own[name].shape) != array.shape:
                has = tuple(own[name].shape) if name in own else "nothing"
                raise ValueError(f"{name} has shape {array.shape}, PyTorch's model has {has} there")
        self.module.load_state_dict({name: torch.from_numpy(array) for name, array in ported.items()})

    def weights(self) -> dict[str, Array]:
        return to_keras(self.weight_map, {name: value.detach().cpu().numpy() for name, value in self.module.state_dict().items()})

    def forward_loss_gradients(self, step: int) -> tuple[Array, float, dict[str, Array]]:
        images, labels = self.batch(step)
        self.optimizer.zero_grad()
        outputs = self.model(images)
        value = self.loss(outputs, labels)
        value.backward()
        gradients = {name: parameter.grad.cpu().numpy() for name, parameter in self.module.named_parameters() if parameter.grad is not None}
        self.optimizer.zero_grad()
        return outputs.detach().cpu().numpy(), value.item(), to_keras(self.weight_map, gradients)

    def batch(self, step: int) -> tuple[Any, Any]:
        return self.workload.batch(self.train, self.order[step])

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        # The device works in order: with the last batch all are there.
        batches[-1][1].flatten()[0].item()

    def step(self, images: Any, labels: Any) -> Any:
        return self.workload.train_step(self.model, self.loss, self.optimizer, images, labels)

    def read(self, loss: Any) -> float:
        return float(loss)

    def train_blocks(self, first_step: int, block_steps: int, blocks: int, clock: BlockClock) -> None:
        self.module.train()
        train_loop(self, first_step, block_steps, blocks, clock)

    def evaluate(self, batch_size: int) -> tuple[float, float]:
        images, labels = self.test
        loss_sum, correct = 0.0, 0
        self.module.eval()
        with torch.no_grad():
            for first in range(0, len(labels), batch_size):
                part = slice(first, first + batch_size)
                batch_loss, batch_correct = self.workload.evaluate_batch(self.model, self.loss, images[part], labels[part])
                loss_sum += float(batch_loss)
                correct += int(batch_correct)
        return loss_sum / len(labels), correct / len(labels)

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


PROGRAM = PyTorchProgram
