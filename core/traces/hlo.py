"""What XLA's own module says of its instructions: the profiler names an instruction, the module the operation it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from core.traces.scope import layer_and_phase
from core.traces.xplane_messages import HloProto

#: How far to look back for an operand that carries a name.
_MAX_DEPTH = 6


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction of a compiled module."""

    op_type: str
    """What its class is told from: the framework's type, else the opcode (of the root, for a fusion); for a convolution that
    XLA made itself the gradient that its operands show it to be."""
    scope: str
    """The framework's name of the operation; empty where XLA made the instruction itself."""
    layer: str | None
    """None too where XLA made the instruction: a neighbour's layer would be a guess."""
    phase: str


def instructions(protos: Iterable[bytes]) -> dict[str, Instruction]:
    """Name -> instruction, over all modules of a recording; a module that cannot be read is left out."""
    found: dict[str, Instruction] = {}
    for proto in protos:
        try:
            module = HloProto.FromString(proto).hlo_module
        except DecodeError:
            continue
        for computation in module.computations:
            by_id = {instruction.id: instruction for instruction in computation.instructions}
            for instruction in computation.instructions:
                found[instruction.name] = _instruction(module, instruction, by_id)
    return found


def _instruction(module: Any, instruction: Any, by_id: dict[int, Any]) -> Instruction:
    if instruction.metadata.op_name:
        scope, op_type = instruction.metadata.op_name, instruction.metadata.op_type
        layer, phase = layer_and_phase(scope, op_type)
        return Instruction(op_type=op_type or _opcode(module, instruction), scope=scope, layer=layer, phase=phase)
    opcode = _opcode(module, instruction)
    phases = [_phases_before(by_id, operand, _MAX_DEPTH) for operand in instruction.operand_ids]
    phase = "backward" if any("backward" in seen for seen in phases) else "other"
    if opcode == "convolution" and phase == "backward":
        # Gradient with activation gives the weights' gradient; gradient with a parameter that of the data.
        opcode = "Conv2DBackpropFilter" if all(phases) else "Conv2DBackpropInput"
    return Instruction(op_type=opcode, scope="", layer=None, phase=phase)


def _opcode(module: Any, instruction: Any) -> str:
    if instruction.opcode == "fusion" and instruction.called_computation_ids:
        called = instruction.called_computation_ids[0]
        for computation in module.computations:
            if computation.id == called:
                root = next((inner for inner in computation.instructions if inner.id == computation.root_id), None)
                # A root that only relabels says nothing; the fusion's own name lists what is fused.
                return instruction.name if root is None or root.opcode in ("bitcast", "tuple") else str(root.opcode)
    return str(instruction.opcode)


def _phases_before(by_id: dict[int, Any], identifier: int, depth: int) -> set[str]:
    """Phases of the nearest named operations that an operand comes from; empty for a parameter or a constant."""
    instruction = by_id.get(identifier)
    if instruction is None:
        return set()
    if instruction.metadata.op_name:
        return {layer_and_phase(instruction.metadata.op_name, instruction.metadata.op_type)[1]}
    if depth == 0:
        return set()
    return set().union(*(_phases_before(by_id, operand, depth - 1) for operand in instruction.operand_ids))
