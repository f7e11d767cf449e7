"""What an XPlane file says of the devices, of the versions, and of itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.traces.hlo import Modules
from core.traces.schema import Device
from core.traces.xplane_messages import XPlane, text

_PROGRAMS = "/host:metadata"
_TASK = "Task Environment"
_MOST_NS = 2**62
_MOST_INTEGER = 2**63
_MOST_TEXT = 200
_MOST_ERRORS = 5


@dataclass
class Surroundings:
    """What is known before the first event is read."""

    modules: Modules = field(default_factory=Modules)
    profile_start_ns: int = 0
    """Nanoseconds since 1970; 0 where the recording does not say."""
    versions: dict[str, str] = field(default_factory=dict)
    properties: dict[str, dict[str, int | str]] = field(default_factory=dict)
    """Plane -> stat -> value."""
    unreadable_modules: int = 0


def surroundings_of(planes: Iterable[bytes]) -> Surroundings:
    """Look through the planes for everything that is not an event; raises DecodeError."""
    found = Surroundings()
    for raw in planes:
        plane = XPlane.FromString(raw)
        name = text(plane.name)
        if name == _PROGRAMS:
            _add_modules(found, plane)
            found.versions |= {key: str(value) for key, value in _stats(plane).items() if key.endswith("_version")}
        elif name == _TASK:
            start = _stats(plane).get("profile_start_time", 0)
            found.profile_start_ns = start if isinstance(start, int) and 0 <= start < _MOST_NS else 0
        elif name.startswith("/device:"):
            found.properties.setdefault(name, _stats(plane))
    return found


def notes_of(space: Any, found: Surroundings) -> tuple[str, ...]:
    """What the profiler itself reported, and which modules could not be read."""
    reported = [*space.errors, *space.warnings]
    notes = [f"The profiler reported: {text(message[:_MOST_TEXT])}" for message in reported[:_MOST_ERRORS]]
    if len(reported) > _MOST_ERRORS:
        notes.append(f"The profiler reported {len(reported) - _MOST_ERRORS} more errors or warnings.")
    if found.unreadable_modules:
        notes.append(f"Compiled modules that are damaged: {found.unreadable_modules}; what their instructions belong to is unknown.")
    return tuple(notes)


def devices_of(labels: Collection[str], planes: Mapping[str, str], found: Surroundings) -> tuple[Device, ...]:
    """The devices with what their planes (label -> plane) say of them."""
    return tuple(_device(label, found.properties.get(planes.get(label, ""), {})) for label in sorted(labels))


def _device(label: str, stats: Mapping[str, int | str]) -> Device:
    major, minor = _whole(stats, "compute_cap_major"), _whole(stats, "compute_cap_minor")
    named = (stats.get(key) for key in ("device_name", "device_type_string", "device_vendor"))
    return Device(
        label=label,
        name=next((name for name in named if isinstance(name, str) and name), ""),
        memory_bytes=_whole(stats, "memory_size"),
        multiprocessors=_whole(stats, "core_count"),
        compute_capability=None if major is None else f"{major}.{minor or 0}",
    )


def _whole(stats: Mapping[str, int | str], name: str) -> int | None:
    value = stats.get(name)
    return value if isinstance(value, int) and 0 <= value < _MOST_INTEGER else None


def _add_modules(found: Surroundings, plane: Any) -> None:
    names = {number: text(metadata.name) for number, metadata in plane.stat_metadata.items()}
    for metadata in plane.event_metadata.values():
        stats = {names.get(stat.metadata_id): _value(plane, stat) for stat in metadata.stats}
        program = stats.get("program_id")
        for proto in (stat.bytes_value for stat in metadata.stats if stat.bytes_value):
            if not found.modules.add(proto, text(metadata.name), program % 2**64 if isinstance(program, int) else None):
                found.unreadable_modules += 1


def _stats(plane: Any) -> dict[str, int | str]:
    """Name -> value of a plane's own stats, numbers and texts."""
    names = {number: text(metadata.name) for number, metadata in plane.stat_metadata.items()}
    values = ((names.get(stat.metadata_id), _value(plane, stat)) for stat in plane.stats)
    return {name: value for name, value in values if name and value is not None}


def _value(plane: Any, stat: Any) -> int | str | None:
    form = stat.WhichOneof("value")
    if form in ("int64_value", "uint64_value"):
        return int(getattr(stat, form))
    if form == "ref_value":
        metadata = plane.stat_metadata.get(stat.ref_value if stat.ref_value < _MOST_INTEGER else 0)
        return text(metadata.name) if metadata is not None else None
    return text(stat.str_value) if form == "str_value" else None
