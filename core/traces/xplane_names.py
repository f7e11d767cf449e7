"""What the name and the stats of an event in an XPlane say: TensorFlow and XLA put into names what Kineto puts into categories."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from core.traces.hlo import Instruction, Modules
from core.traces.scope import input_type, layer_and_phase

_EAGER = "EagerLocalExecute: "
#: `ThenExecuteCallback:` is XLA's own.
_NODE = re.compile(r"^(?!ThenExecute)([^:\s]+):([A-Za-z_]\w*)$")
#: Operations that only run other operations, often on other threads: counting their time would count that of those twice.
_CONTAINER = re.compile(
    r"^(?:__(?:inference|forward|backward)|(?:Stateful|Stateless)?(?:PartitionedCall|While|If|Case)$|_?Xla(?:Run|Launch|Compile))"
)
#: The framework on its way to an operator: it holds operators, where a call of the device's runtime holds none.
_DISPATCH = re.compile(r"^(?:EagerExecute|EagerKernelExecute|KernelAndDeviceFunc::Run|TFE_|FunctionRun)")
_RUNTIME = re.compile(
    r"^(?:EagerCopyToDevice|cu[A-Z]|cuda[A-Z]|hip[A-Z]"
    r"|(?:H2D|D2H) Dispatch|TransferToDevice|TransferFromDevice|BufferFromHost)|CopyToDevice|CopyToHost|CopyRawToHost"
)
_SYNCHRONISATION = re.compile(r"Synchronize|^BlockUntilReady|BlockHostUntil|^Wait for |::WaitFor|^ComputeSemaphoreAcquire|Buffer::Await")
_INPUT = re.compile(
    r"^(?:Iterator::|IteratorGetNextOp|Prefetch(?:Produce|Consume)|ParallelMap(?:Produce|Consume)|MakeIterator::)|[Ii]nfeed"
)
_COPY = re.compile(r"^Memcpy|rocclr_copyBuffer", re.IGNORECASE)
_SET = re.compile(r"^Memset|rocclr_fillBuffer", re.IGNORECASE)
_COMMUNICATION = re.compile(r"nccl|rccl", re.IGNORECASE)
_COLLECTIVE = re.compile(r"^%?(?:all-(?:reduce|gather|to-all)|reduce-scatter|collective-|ragged-all-to-all|send|recv)")

#: Instructions that were captured into one graph are launched, and named, together.
_CAPTURED = "command_buffer"
_COMPILED_NUMBER = re.compile(r"_(\d+)$")

_GRID = re.compile(r"\bgrid:(\d+),(\d+),(\d+)")
_BLOCK = re.compile(r"\bblock:(\d+),(\d+),(\d+)")
_OCCUPANCY = re.compile(r"\bocc_pct:(\d+(?:\.\d+)?)")
_SIZE = re.compile(r"\b(?:size|num_bytes):(\d+)")
_DIMENSIONS = re.compile(r"\[((?:\d{1,18},)*\d{0,18})\]")
_LARGEST = 2**63 - 1

#: What a line of a plane holds.
THREAD, STREAM, OPERATIONS, DERIVED = range(4)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was recorded of an event besides its time: alike for every call of one operation with one set of sizes."""

    name: str
    role: int
    """What its line holds: THREAD, STREAM, OPERATIONS (a TPU's), DERIVED."""
    marks_step: bool = False
    calls_device: bool = False
    """On a thread: it has a correlation, so a device's event came of it."""
    hlo_op: str | None = None
    module: str | None = None
    program: int | None = None
    tf_op: str | None = None
    details: str | None = None
    """Of a kernel, copy or memset: `regs:32 grid:4,1,1 block:256,1,1 occ_pct:75`, `kind_src:pinned kind_dst:device size:4096`."""
    shapes: str | None = None
    bytes_accessed: int | None = None
    flops: int | None = None


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What that says, in the words of the schema."""

    kind: str
    name: str
    scope: str | None = None
    class_name: str | None = None
    """What the class is told from, where not from the name."""
    layer: str | None = None
    phase: str = "other"
    container: bool = False
    """A call of a compiled function."""
    input_shapes: str | None = None
    bytes: int | None = None
    flops: int | None = None
    blocks: int | None = None
    threads_per_block: int | None = None
    occupancy_percent: float | None = None


def meaning_of(said: Said, modules: Modules) -> Meaning:
    """Kind, operation, layer, phase and sizes of an event."""
    if said.role == DERIVED:
        return Meaning(kind="annotation", name=said.name)  # the profiler's own summaries: steps, modules, scopes
    if said.role == THREAD:
        found = Meaning(kind="annotation", name=said.name) if said.marks_step else _on_host(said, modules)
        if said.calls_device and found.kind == "other":
            found = replace(found, kind="runtime call")  # newer profilers call a launch after its kernel
        return found if said.shapes is None else replace(found, input_shapes=_shapes(said.shapes))
    found = _on_device(said, modules)
    details = said.details or ""
    occupancy = _number(_OCCUPANCY, details)
    return replace(
        found,
        input_shapes=_shapes(said.shapes) if said.shapes is not None else found.input_shapes,
        bytes=_integer(_SIZE, details) if found.kind != "kernel" and _SIZE.search(details) else said.bytes_accessed,
        flops=said.flops,
        blocks=_volume(_GRID, details),
        threads_per_block=_volume(_BLOCK, details),
        # ROCm writes 0 where it does not know; a kernel that runs occupies something.
        occupancy_percent=occupancy if occupancy and occupancy <= 100 else None,
    )


def _on_host(said: Said, modules: Modules) -> Meaning:
    name = said.name
    if said.hlo_op is not None and not (_RUNTIME.match(name) or _DISPATCH.match(name)):
        return _of_instruction("operator", said.hlo_op, said.hlo_op, modules.find(said.hlo_op, said.module, said.program))
    if name.startswith(_EAGER):
        op_type = name.removeprefix(_EAGER)
        container = _CONTAINER.match(op_type) is not None
        phase = "input" if input_type(op_type) else "other"
        return Meaning(kind="other" if container else "operator", name=op_type, phase=phase, container=container)
    if name.startswith("$"):
        return Meaning(kind="python function", name=name)
    if _INPUT.search(name):
        return Meaning(kind="input", name=name, phase="input")
    node = _NODE.match(name)
    if node is not None:
        if _CONTAINER.match(node[2]):
            return Meaning(kind="other", name=name)
        layer, phase = layer_and_phase(node[1], node[2])
        return Meaning(kind="operator", name=node[2], scope=node[1], layer=layer, phase=phase)
    if _SYNCHRONISATION.search(name):
        return Meaning(kind="synchronisation", name=name)
    return Meaning(kind="runtime call" if _RUNTIME.search(name) else "other", name=name)


def _on_device(said: Said, modules: Modules) -> Meaning:
    name = said.name
    if _COMMUNICATION.search(name) or (said.role == OPERATIONS and _COLLECTIVE.match(name)):
        return Meaning(kind="communication", name=name)
    if _COPY.search(name):
        return Meaning(kind="memcpy", name=name)
    if _SET.search(name):
        return Meaning(kind="memset", name=name)
    if said.role == OPERATIONS and _INPUT.search(name):
        return Meaning(kind="input", name=name, phase="input")
    if said.hlo_op is not None:
        known = modules.find(said.hlo_op, said.module, said.program)
        if said.hlo_op.startswith(_CAPTURED):
            # A kernel that XLA compiled is called after its instruction, `fusion.1` as `fusion_1`.
            own = modules.find(name, said.module, said.program)
            known = own or modules.find(_COMPILED_NUMBER.sub(r".\1", name), said.module, said.program) or known
        return _of_instruction("kernel", name, said.hlo_op, known)
    if said.role == OPERATIONS:
        known = modules.find(name.removeprefix("%"), said.module, said.program)
        if known is not None:
            return _of_instruction("kernel", name, name, known)
    if said.tf_op is None:
        return Meaning(kind="kernel", name=name)
    scope, _, op_type = said.tf_op.rpartition(":")
    scope = scope or said.tf_op
    layer, phase = layer_and_phase(scope, op_type)
    return Meaning(kind="kernel", name=name, scope=scope, class_name=op_type or None, layer=layer, phase=phase)


def _of_instruction(kind: str, name: str, hlo_op: str, known: Instruction | None) -> Meaning:
    if known is None:
        return Meaning(kind=kind, name=name, scope=hlo_op)
    return Meaning(
        kind=kind, name=name, scope=known.scope or hlo_op, class_name=known.op_type, layer=known.layer, phase=known.phase,
        input_shapes=known.input_shapes,
    )  # fmt: skip


def _integer(pattern: re.Pattern[str], details: str) -> int | None:
    found = pattern.search(details)
    if found is None or len(found[1]) > len(str(_LARGEST)):
        return None
    return value if (value := int(found[1])) <= _LARGEST else None


def _number(pattern: re.Pattern[str], details: str) -> float | None:
    found = pattern.search(details)
    return float(found[1]) if found else None


def _volume(pattern: re.Pattern[str], details: str) -> int | None:
    found = pattern.search(details)
    if found is None or max(map(len, found.groups())) > len(str(_LARGEST)):
        return None
    product = int(found[1]) * int(found[2]) * int(found[3])
    return product if 0 < product <= _LARGEST else None


def _shapes(written: str) -> str | None:
    """`(float[64,28,28,1];float[3,3,1,32])` as JSON; None where no shape is in it."""
    found = _DIMENSIONS.findall(written)
    return json.dumps([[*map(int, filter(None, dimensions.split(",")))] for dimensions in found]) if found else None
