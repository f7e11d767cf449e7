"""What the name of an event in an XPlane says: TensorFlow and XLA put into names what Kineto puts into categories."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.traces.hlo import Instruction
from core.traces.scope import input_type, layer_and_phase

_EAGER = "EagerLocalExecute: "
_NODE = re.compile(r"^([^:\s]+):([A-Za-z_]\w*)$")
#: Operations that only run other operations, often on other threads: counting their time would count that of those twice.
_CONTAINER = re.compile(
    r"^(?:__(?:inference|forward|backward)|(?:Stateful|Stateless)?(?:PartitionedCall|While|If|Case)$|_?Xla(?:Run|Launch|Compile))"
)
_RUNTIME = re.compile(
    r"^(?:EagerExecute|EagerKernelExecute|KernelAndDeviceFunc::Run|TFE_|EagerCopyToDevice|FunctionRun|cu[A-Z]|cuda[A-Z]|hip[A-Z])"
)
_SYNCHRONISATION = re.compile(r"Synchronize|^BlockUntilReady|BlockHostUntilReady")
_INPUT = re.compile(r"^(?:Iterator::|IteratorGetNextOp|Prefetch(?:Produce|Consume)|ParallelMap(?:Produce|Consume)|MakeIterator::)")
_COPY = re.compile(r"^Memcpy|rocclr_copyBuffer", re.IGNORECASE)
_SET = re.compile(r"^Memset|rocclr_fillBuffer", re.IGNORECASE)
_COMMUNICATION = re.compile(r"nccl|rccl", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an event's name says, worked out once per name."""

    kind: str
    name: str
    scope: str | None = None
    class_name: str | None = None
    """What the class is told from, where not from the name."""
    layer: str | None = None
    phase: str = "other"
    container: bool = False
    """A call of a compiled function."""


def on_host(name: str, hlo_op: str | None, module: dict[str, Instruction]) -> Meaning:
    """Of an event on a thread of the host; `hlo_op` is the stat of that name."""
    if hlo_op is not None and not _RUNTIME.match(name):
        return _of_instruction("operator", hlo_op, hlo_op, module)
    if name.startswith(_EAGER):
        op_type = name.removeprefix(_EAGER)
        container = _CONTAINER.match(op_type) is not None
        phase = "input" if input_type(op_type) else "other"
        return Meaning(kind="other" if container else "operator", name=op_type, phase=phase, container=container)
    if _INPUT.match(name):
        return Meaning(kind="input", name=name, phase="input")
    node = _NODE.match(name)
    if node is not None:
        if _CONTAINER.match(node[2]):
            return Meaning(kind="other", name=name)
        layer, phase = layer_and_phase(node[1], node[2])
        return Meaning(kind="operator", name=node[2], scope=node[1], layer=layer, phase=phase)
    if _SYNCHRONISATION.search(name):
        return Meaning(kind="synchronisation", name=name)
    if _RUNTIME.match(name):
        return Meaning(kind="runtime call", name=name)
    return Meaning(kind="python function" if name.startswith("$") else "other", name=name)


def _of_instruction(kind: str, name: str, hlo_op: str, module: dict[str, Instruction]) -> Meaning:
    known = module.get(hlo_op)
    if known is None:
        return Meaning(kind=kind, name=name, scope=hlo_op)
    return Meaning(kind=kind, name=name, scope=known.scope or hlo_op, class_name=known.op_type, layer=known.layer, phase=known.phase)


def on_gpu(name: str, line: str, operation: str | None, by_hlo: bool, module: dict[str, Instruction]) -> Meaning:
    """Of an event on a device's plane; `operation` is its `hlo_op` where `by_hlo`, else its `tf_op`."""
    if not line.startswith("Stream"):
        return Meaning(kind="annotation", name=name)  # lines that the profiler derived: steps, modules, scopes
    if _COMMUNICATION.search(name):
        return Meaning(kind="communication", name=name)
    if _COPY.search(name):
        return Meaning(kind="memcpy", name=name)
    if _SET.search(name):
        return Meaning(kind="memset", name=name)
    if operation is None:
        return Meaning(kind="kernel", name=name)
    if by_hlo:
        return _of_instruction("kernel", name, operation, module)
    scope, _, op_type = operation.rpartition(":")
    layer, phase = layer_and_phase(scope or operation, op_type)
    return Meaning(kind="kernel", name=name, scope=scope or operation, class_name=op_type or None, layer=layer, phase=phase)
