"""What XLA's own modules say of their instructions: the profiler names an instruction, the module the operation it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.protobuf.message import DecodeError

from core.traces.scope import layer_and_phase
from core.traces.xplane_messages import HloProto, text

#: How far to look back for an operand that carries a name.
_MAX_DEPTH = 6
#: `jit_step(42)`: a module and the program it was compiled into.
_PROGRAM = re.compile(r"\((\d{1,20})\)$")


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
    input_shapes: str | None
    """Shapes of its operands, JSON; None where one of them is a tuple or not in the module."""


class Modules:
    """The compiled modules of a recording. An instruction is worked out when it is asked for: a program has many more of them than
    run on their own.
    """

    def __init__(self) -> None:
        self._modules: list[_Module] = []
        self._anywhere: dict[str, _Module] | None = None
        self._by_name: dict[str, list[_Module]] = {}
        self._by_program: dict[int, list[_Module]] = {}

    def add(self, proto: bytes, name: str, program: int | None) -> bool:
        """Add a serialised HloProto under the name and the program that the profiler gives it; whether it could be read."""
        try:
            module = _Module(HloProto.FromString(proto).hlo_module)
        except DecodeError:
            return False
        self._modules.append(module)
        for own in {module.name, _PROGRAM.sub("", name)}:
            self._by_name.setdefault(own, []).append(module)
        numbered = _PROGRAM.search(name)
        if program is None and numbered is not None:
            program = int(numbered[1])
        if program is not None:
            self._by_program.setdefault(program, []).append(module)
        return True

    def find(self, instruction: str, module: str | None = None, program: int | None = None) -> Instruction | None:
        """The instruction in the program, else in the modules of that name, else in any; the last that has it."""
        of_program = self._by_program.get(program, []) if program is not None else []
        for candidate in (*reversed(of_program), *reversed(self._by_name.get(module or "", []))):
            found = candidate.find(instruction)
            if found is not None:
                return found
        if self._anywhere is None:
            self._anywhere = {name: candidate for candidate in self._modules for name in candidate.names()}
        anywhere = self._anywhere.get(instruction)
        return None if anywhere is None else anywhere.find(instruction)


class _Module:
    def __init__(self, proto: Any) -> None:
        self.name = text(proto.name)
        self._proto = proto
        self._computations: dict[int, Any] = {}
        self._found: dict[str, Instruction] = {}

    @cached_property
    def _places(self) -> dict[str, tuple[Any, dict[int, Any]]]:
        """Each instruction with the instructions of its computation by their ids."""
        places = {}
        for computation in self._proto.computations:
            self._computations.setdefault(computation.id, computation)
            by_id = {instruction.id: instruction for instruction in computation.instructions}
            places.update({text(instruction.name): (instruction, by_id) for instruction in computation.instructions})
        return places

    def names(self) -> Iterable[str]:
        return self._places

    def find(self, name: str) -> Instruction | None:
        if name not in self._found and name in self._places:
            self._found[name] = self._instruction(*self._places[name])
        return self._found.get(name)

    def _instruction(self, instruction: Any, by_id: dict[int, Any]) -> Instruction:
        shapes = _input_shapes(instruction, by_id)
        if instruction.metadata.op_name:
            scope, op_type = text(instruction.metadata.op_name), text(instruction.metadata.op_type)
            layer, phase = layer_and_phase(scope, op_type)
            op_type = op_type or self._opcode(instruction)
            return Instruction(op_type=op_type, scope=scope, layer=layer, phase=phase, input_shapes=shapes)
        opcode = self._opcode(instruction)
        seen: dict[tuple[int, int], frozenset[str]] = {}
        phases = [_phases_before(by_id, operand, _MAX_DEPTH, seen) for operand in instruction.operand_ids]
        phase = "backward" if any("backward" in found for found in phases) else "other"
        if opcode == "convolution" and phase == "backward":
            # Gradient with activation gives the weights' gradient; gradient with a parameter that of the data.
            opcode = "Conv2DBackpropFilter" if all(phases) else "Conv2DBackpropInput"
        return Instruction(op_type=opcode, scope="", layer=None, phase=phase, input_shapes=shapes)

    def _opcode(self, instruction: Any) -> str:
        opcode = text(instruction.opcode)
        if opcode == "fusion" and instruction.called_computation_ids:
            computation = self._computations.get(instruction.called_computation_ids[0])
            if computation is not None:
                root = next((inner for inner in computation.instructions if inner.id == computation.root_id), None)
                # A root that only relabels says nothing; the fusion's own name lists what is fused.
                return text(instruction.name) if root is None or root.opcode in (b"bitcast", b"tuple") else text(root.opcode)
        return opcode


def _input_shapes(instruction: Any, by_id: dict[int, Any]) -> str | None:
    operands = [by_id[operand] for operand in instruction.operand_ids if operand in by_id]
    if not operands or len(operands) < len(instruction.operand_ids) or any(operand.shape.tuple_shapes for operand in operands):
        return None
    return json.dumps([list(operand.shape.dimensions) for operand in operands])


def _phases_before(by_id: dict[int, Any], identifier: int, depth: int, seen: dict[tuple[int, int], frozenset[str]]) -> frozenset[str]:
    """Phases of the nearest named operations that an operand comes from; empty for a parameter or a constant."""
    instruction = by_id.get(identifier)
    if instruction is None:
        return frozenset()
    if instruction.metadata.op_name:
        return frozenset({layer_and_phase(text(instruction.metadata.op_name), text(instruction.metadata.op_type))[1]})
    if depth == 0:
        return frozenset()
    # Operands are shared: without remembering, the ways through a module multiply with every level.
    if (identifier, depth) not in seen:
        seen[identifier, depth] = frozenset().union(*(_phases_before(by_id, operand, depth - 1, seen) for operand in instruction.operand_ids))
    return seen[identifier, depth]
