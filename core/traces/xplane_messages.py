"""The protobuf messages of a profiler's XPlane file, as far as they are read: defined here so that no framework is needed.

Field numbers are those of tsl/profiler/protobuf/xplane.proto, xla/service/hlo.proto and xla/xla_data.proto. A field that
is not listed is skipped by the protobuf runtime. The names live in a package and a pool of their own, so that they cannot
collide with the definitions of a framework.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "showdown.trace"
_Type = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _Type.TYPE_INT64,
    "uint64": _Type.TYPE_UINT64,
    "double": _Type.TYPE_DOUBLE,
    "string": _Type.TYPE_STRING,
    "bytes": _Type.TYPE_BYTES,
}

#: Message -> (number, label and type, name); `oneof NAME` puts a field into that group, `map` is a map from int64.
_MESSAGES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "XSpace": ((1, "repeated XPlane", "planes"), (2, "repeated string", "errors"), (4, "repeated string", "hostnames")),
    "XPlane": (
        (2, "string", "name"),
        (3, "repeated XLine", "lines"),
        (4, "map XEventMetadata", "event_metadata"),
        (5, "map XStatMetadata", "stat_metadata"),
        (6, "repeated XStat", "stats"),
    ),
    "XLine": ((1, "int64", "id"), (2, "string", "name"), (3, "int64", "timestamp_ns"), (4, "repeated XEvent", "events")),
    "XEvent": (
        (1, "int64", "metadata_id"),
        (2, "oneof data int64", "offset_ps"),
        (5, "oneof data int64", "num_occurrences"),
        (3, "int64", "duration_ps"),
        (4, "repeated XStat", "stats"),
    ),
    "XStat": (
        (1, "int64", "metadata_id"),
        (2, "oneof value double", "double_value"),
        (3, "oneof value uint64", "uint64_value"),
        (4, "oneof value int64", "int64_value"),
        (5, "oneof value string", "str_value"),
        (6, "oneof value bytes", "bytes_value"),
        (7, "oneof value uint64", "ref_value"),
    ),
    "XEventMetadata": ((1, "int64", "id"), (2, "string", "name"), (4, "string", "display_name"), (5, "repeated XStat", "stats")),
    "XStatMetadata": ((1, "int64", "id"), (2, "string", "name")),
    "HloProto": ((1, "HloModule", "hlo_module"),),
    "HloModule": ((1, "string", "name"), (3, "repeated HloComputation", "computations")),
    "HloComputation": ((2, "repeated HloInstruction", "instructions"), (5, "int64", "id"), (6, "int64", "root_id")),
    "HloInstruction": (
        (1, "string", "name"),
        (2, "string", "opcode"),
        (7, "OpMetadata", "metadata"),
        (35, "int64", "id"),
        (36, "repeated int64", "operand_ids"),
        (38, "repeated int64", "called_computation_ids"),
    ),
    "OpMetadata": ((1, "string", "op_type"), (2, "string", "op_name")),
}


def _add_field(message: Any, number: int, kind: str, name: str) -> None:
    words = kind.split()
    if words[0] == "map":
        entry = message.nested_type.add(name=f"{''.join(part.title() for part in name.split('_'))}Entry")
        entry.options.map_entry = True
        _add_field(entry, 1, "int64", "key")
        _add_field(entry, 2, words[1], "value")
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
        field.type_name = f".{_PACKAGE}.{words[-1]}"


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="showdown/trace.proto", package=_PACKAGE, syntax="proto3")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, kind, name in fields:
            _add_field(message, number, kind, name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _build()
XSpace: Any = _CLASSES["XSpace"]
HloProto: Any = _CLASSES["HloProto"]
