"""Small recordings made by hand, so that the answers can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.traces.xplane_messages import HloProto
from tests.traces.xplane_truth import XSpace

PID, MAIN, ENGINE = 7, 7, 9


def event(name: str, category: str, ts: float, dur: float, *, tid: Any = MAIN, **args: Any) -> dict[str, Any]:
    """A stretch of time as Kineto writes it; microseconds."""
    return {"ph": "X", "cat": category, "name": name, "pid": PID, "tid": tid, "ts": ts, "dur": dur, "args": args}


def kineto(events: list[dict[str, Any]], **top: Any) -> bytes:
    return json.dumps({"schemaVersion": 1, "deviceProperties": [], "traceEvents": events, **top}).encode()


def training_step() -> list[dict[str, Any]]:
    """One step of 1000 us at 100 us: fetch, a linear layer forward, its backward on the engine's thread, an optimizer.

    Self times in us: index 40; addmm 100 (holds a copy_ of 30 besides); the engine's node 20 (its mm 60 besides);
    the optimizer's mul_ 50. Main thread: 220 in operators, 780 not. All threads: 300 in operators, none at the same time.
    """
    return [
        event("ProfilerStep#4", "user_annotation", 100, 1000),
        event("core/worker/pytorch.py(117): batch", "python_function", 110, 60),
        event("aten::index", "cpu_op", 120, 40),
        event("nn.Module: Linear_0", "python_function", 200, 200),
        event("aten::addmm", "cpu_op", 210, 130, **{"Sequence number": 5, "Fwd thread id": 0, "Input Dims": [[2, 3], [3, 4]]}),
        event("aten::copy_", "cpu_op", 220, 30),
        event("autograd::engine::evaluate_function: AddmmBackward0", "cpu_op", 500, 80, tid=ENGINE,
              **{"Sequence number": 5, "Fwd thread id": 1}),
        event("aten::mm", "cpu_op", 510, 60, tid=ENGINE),
        event("Optimizer.step#Adam.step", "user_annotation", 700, 100),
        event("aten::mul_", "cpu_op", 720, 50),
    ]  # fmt: skip


def launches() -> list[dict[str, Any]]:
    """A kernel, launched by a call in `aten::mm`; a copy whose launch was not recorded."""
    return [
        event("aten::mm", "cpu_op", 10, 50),
        event("cudaLaunchKernel", "cuda_runtime", 20, 5, correlation=3),
        event("volta_sgemm_128x32_nt", "kernel", 90, 30, tid=7, device=1, stream=7, correlation=3),
        event("Memcpy HtoD (Pageable -> Device)", "gpu_memcpy", 130, 10, tid=7, device=1, stream=7, correlation=4, bytes=256),
    ]


class Reference(str):
    """A text that a stat refers to instead of holding it, as profilers write most of them."""


class Plane:
    """Builds one plane of an XSpace, names and stats as they come."""

    def __init__(self, space: Any, name: str) -> None:
        self.message = space.planes.add(name=name.encode())
        self._names: dict[str, int] = {}
        self._stats: dict[str, int] = {}

    def stat(self, owner: Any, name: str, value: int | float | str | bytes) -> None:
        stat = owner.stats.add(metadata_id=self._stat_number(name))
        if isinstance(value, bytes):
            stat.bytes_value = value
        elif isinstance(value, Reference):
            stat.ref_value = self._stat_number(value)
        elif isinstance(value, str):
            stat.str_value = value.encode()
        elif isinstance(value, float):
            stat.double_value = value
        elif value >= 2**63:
            stat.uint64_value = value
        else:
            stat.int64_value = value

    def own_stat(self, name: str, value: int | str) -> None:
        self.stat(self.message, name, value)

    def metadata_stat(self, event_name: str, name: str, value: int | str | bytes) -> None:
        self.stat(self.message.event_metadata[self._number(event_name)], name, value)

    def line(self, name: str, events: list[tuple[Any, ...]], *, timestamp_ns: int = 0, thread: int | None = None) -> Any:
        """`events`: (name, start us, duration us[, stats])."""
        number = len(self.message.lines) + 1 if thread is None else thread
        line = self.message.lines.add(id=number, name=name.encode(), timestamp_ns=timestamp_ns)
        for event_name, start_us, duration_us, *stats in events:
            made = line.events.add(
                metadata_id=self._number(event_name), offset_ps=round(start_us * 1_000_000), duration_ps=round(duration_us * 1_000_000)
            )
            for stat_name, value in (stats[0] if stats else {}).items():
                self.stat(made, stat_name, value)
        return line

    def _number(self, name: str) -> int:
        number = self._names.setdefault(name, len(self._names) + 1)
        self.message.event_metadata[number].name = name.encode()
        return number

    def _stat_number(self, name: str) -> int:
        number = self._stats.setdefault(str(name), len(self._stats) + 1)
        self.message.stat_metadata[number].name = name.encode()
        return number


def graph_space() -> Any:
    """One step of 1000 us by `tf.function`: the python thread waits from 200 to 900 while two executor threads work.

    Operators: GatherV2 50 us on the python thread; MatMul 300, its gradient 200 and Adam's Mul 100 on the first executor
    thread; ReluGrad 80 on the second, 30 of them at the same time as the gradient. In no operator: 1000 - 50 - 600 - (80 - 30) = 300.
    """
    space = XSpace()
    Plane(space, "Task Environment").own_stat("profile_start_time", 5_000_000_000)
    host = Plane(space, "/host:CPU")
    host.line(
        "python",
        [
            ("train", 0, 1000, {"step_num": 31}),
            ("EagerLocalExecute: GatherV2", 50, 50),
            ("EagerLocalExecute: __inference_step_12", 200, 700),
            ("BlockUntilReady", 210, 600),
        ],
    )
    host.line(
        "tf_Compute/1",
        [
            ("ExecutorState::Process", 205, 680),
            ("mnist_cnn_1/dense1_1/MatMul:MatMul", 210, 300),
            ("gradient_tape/mnist_cnn_1/dense1_1/MatMul/MatMul_1:MatMul", 520, 200),
            ("adam/Mul_3:Mul", 780, 100),
        ],
    )
    host.line("tf_Compute/2", [("gradient_tape/mnist_cnn_1/conv1_1/ReluGrad:ReluGrad", 690, 80)])
    host.line("tf_data_private_threadpool/3", [("GatherV2_1:GatherV2", 1200, 10), ("Iterator::Root::Map", 1200, 30)])
    return space


def hlo_module(instructions: list[dict[str, Any]], name: str = "module") -> bytes:
    """A module of one computation; instructions are numbered from 1 in the order given."""
    proto = HloProto()
    proto.hlo_module.name = name.encode()
    computation = proto.hlo_module.computations.add(id=1)
    for number, fields in enumerate(instructions, 1):
        instruction = computation.instructions.add(id=number, name=fields["name"].encode(), opcode=fields["opcode"].encode())
        instruction.operand_ids.extend(fields.get("operands", ()))
        instruction.shape.dimensions.extend(fields.get("shape", ()))
        instruction.metadata.op_type = fields.get("op_type", "").encode()
        instruction.metadata.op_name = fields.get("op_name", "").encode()
    data: bytes = proto.SerializeToString()
    return data


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
