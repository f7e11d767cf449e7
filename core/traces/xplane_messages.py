"""The protobuf messages of a profiler's XPlane file, as far as they are read: defined here so that no framework is needed.

Field numbers are those of tsl/profiler/protobuf/xplane.proto, xla/service/hlo.proto and xla/xla_data.proto. A field that
is not listed is skipped by the protobuf runtime. The names live in a package and a pool of their own, so that they cannot
collide with the definitions of a framework.

Names are bytes, because what a program calls its threads and operations need not be UTF-8. The planes of a space, the lines of
a plane and the events of a line are bytes too, so that a file is taken apart level by level and never whole in memory as objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

#: Message -> (number, label and type, name); `oneof NAME` puts a field into that group, `map` is a map from int64.
Fields = Sequence[tuple[int, str, str]]

_PACKAGE = "showdown.trace"
#: The names of kernels with many template parameters have some thousand bytes.
_LONGEST_NAME = 10_000
_Type = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _Type.TYPE_INT64,
    "uint64": _Type.TYPE_UINT64,
    "double": _Type.TYPE_DOUBLE,
    "string": _Type.TYPE_STRING,
    "bytes": _Type.TYPE_BYTES,
}

_MESSAGES: dict[str, Fields] = {
    "XSpace": ((1, "repeated bytes", "planes"), (2, "repeated bytes", "errors"), (3, "repeated bytes", "warnings")),
    "XPlane": (
        (2, "bytes", "name"),
        (3, "repeated bytes", "lines"),
        (4, "map XEventMetadata", "event_metadata"),
        (5, "map XStatMetadata", "stat_metadata"),
        (6, "repeated XStat", "stats"),
    ),
    "XLine": ((1, "int64", "id"), (2, "bytes", "name"), (3, "int64", "timestamp_ns"), (4, "repeated bytes", "events")),
    "XStat": (
        (1, "int64", "metadata_id"),
        (2, "oneof value double", "double_value"),
        (3, "oneof value uint64", "uint64_value"),
        (4, "oneof value int64", "int64_value"),
        (5, "oneof value bytes", "str_value"),
        (6, "oneof value bytes", "bytes_value"),
        (7, "oneof value uint64", "ref_value"),
    ),
    "XEventMetadata": ((1, "int64", "id"), (2, "bytes", "name"), (4, "bytes", "display_name"), (5, "repeated XStat", "stats")),
    "XStatMetadata": ((1, "int64", "id"), (2, "bytes", "name")),
    "HloProto": ((1, "HloModule", "hlo_module"),),
    "HloModule": ((1, "bytes", "name"), (3, "repeated HloComputation", "computations")),
    "HloComputation": ((2, "repeated HloInstruction", "instructions"), (5, "int64", "id"), (6, "int64", "root_id")),
    "HloInstruction": (
        (1, "bytes", "name"),
        (2, "bytes", "opcode"),
        (3, "HloShape", "shape"),
        (7, "OpMetadata", "metadata"),
        (35, "int64", "id"),
        (36, "repeated int64", "operand_ids"),
        (38, "repeated int64", "called_computation_ids"),
    ),
    "HloShape": ((3, "repeated int64", "dimensions"), (4, "repeated HloShape", "tuple_shapes")),
    "OpMetadata": ((1, "bytes", "op_type"), (2, "bytes", "op_name")),
}


def _add_field(message: Any, package: str, number: int, kind: str, name: str) -> None:
    words = kind.split()
    if words[0] == "map":
        entry = message.nested_type.add(name=f"{''.join(part.title() for part in name.split('_'))}Entry")
        entry.options.map_entry = True
        _add_field(entry, package, 1, "int64", "key")
        _add_field(entry, package, 2, words[1], "value")
        words = ["repeated", f"{message.name}.{entry.name}"]
    field = message.field.add(name=name, number=number, label=_Type.LABEL_OPTIONAL)
    if words[0] == "repeated":
        field.label = _Type.LABEL_REPEATED
    if words[0] == "oneof":
        names = [group.name for group in message.oneof_decl]
        if words[1] not in names:
            message.oneof_decl.add(name=words[1])
            names.append(words[1])
        field.oneof_index = names.index(words[1])
    if words[-1] in _SCALARS:
        field.type = _SCALARS[words[-1]]
    else:
        field.type = _Type.TYPE_MESSAGE
        field.type_name = f".{package}.{words[-1]}"


def message_classes(package: str, messages: Mapping[str, Fields]) -> dict[str, Any]:
    """Message classes from their fields, in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        for number, kind, name in fields:
            _add_field(message, package, number, kind, name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


_CLASSES = message_classes(_PACKAGE, _MESSAGES)
XSpace: Any = _CLASSES["XSpace"]
XPlane: Any = _CLASSES["XPlane"]
XLine: Any = _CLASSES["XLine"]
HloProto: Any = _CLASSES["HloProto"]


def text(value: bytes) -> str:
    """A name as it can be shown: what is not UTF-8 in it is marked, and what is too long for anyone to read left off."""
    return value[:_LONGEST_NAME].decode("utf-8", "replace")
