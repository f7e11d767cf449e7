"""The reader of XPlane files: the profiler of TensorFlow and JAX, read without either."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from core.traces import building, xplane_links, xplane_memory
from core.traces.building import KIND, NO_INDEX, PHASE, Coded, Columns
from core.traces.links import innermost_operators
from core.traces.nesting import Integers
from core.traces.schema import HOST, Coverage, Facts, Step, Trace, TraceError
from core.traces.sources import LIMITS, Limits
from core.traces.xplane_devices import Surroundings, devices_of, notes_of, surroundings_of
from core.traces.xplane_messages import XSpace
from core.traces.xplane_names import Meaning
from core.traces.xplane_planes import MOST_PLANES, ExcessError, Recorded, read_planes
from core.traces.xplane_wire import DamagedError

_OF_TENSORFLOW = {"EagerExecute", "FunctionRun", "ExecutorState::Process", "TFE_Py_FastPathExecute_C"}
_OF_JAX = ("Pjit", "PjRt")


def read(data: bytes, source: str, *, limits: Limits = LIMITS) -> Trace:
    """Read an XSpace message; `source` is what an error calls the file.

    Planes of hosts and devices are read, the others counted. Where an operator has a scope, its layer and phase come from it
    (`core.traces.scope`, `core.traces.hlo`); the rest is told by its place (`core.traces.xplane_links`).

    Raises TraceError.
    """
    try:
        space = XSpace.FromString(data)
        if not space.planes:
            raise TraceError(f"{source} is not a profiler's trace: no plane in it.")
        if len(space.planes) > MOST_PLANES:
            raise ExcessError(f"more than {MOST_PLANES:,} planes")
        surroundings = surroundings_of(space.planes)
        recorded = read_planes(
            space.planes, modules=surroundings.modules, profile_start_ns=surroundings.profile_start_ns, most_events=limits.events
        )
    except (DecodeError, DamagedError) as error:
        raise TraceError(f"{source} is neither JSON nor a whole XPlane file: it is cut off or something else.") from error
    except ExcessError as error:
        raise TraceError(f"{source} holds {error}, too much to read; record fewer steps.") from error
    if not len(recorded.events["start_ns"]):
        raise TraceError(f"{source} holds no events{_without(recorded)}; the profiler was stopped before anything ran.")
    return _trace(recorded, surroundings, notes_of(space, surroundings))


def _without(recorded: Recorded) -> str:
    left = sum(recorded.skipped.values()) + len(recorded.memory["time_ns"])
    return f" that can be shown, {left:,} of other kinds" if left else ""


def _trace(recorded: Recorded, surroundings: Surroundings, notes: Sequence[str]) -> Trace:
    raw = recorded.events
    origin_ns = int(min(raw["start_ns"].min(), recorded.memory["time_ns"].min(initial=raw["start_ns"].min())))
    start_ns, end_ns = raw["start_ns"] - origin_ns, raw["end_ns"] - origin_ns
    device, lane = (building.coded([pair[half] for pair in recorded.lanes])[raw["lane"]] for half in (0, 1))
    rows, lane_code = building.order(device, lane, start_ns, end_ns)
    columns, container = _columns(recorded, rows, start_ns, end_ns, device, lane)
    steps = _steps(recorded, rows, columns)
    xplane_links.fill(columns, container=container, lane_code=lane_code, steps=steps, one_host=recorded.hosts <= 1)
    devices = devices_of({columns.device.table[code] for code in np.unique(columns.device.codes).tolist()}, recorded.planes, surroundings)
    columns.blocks_per_sm = _blocks_per_sm(columns, {one.label: one.multiprocessors for one in devices})
    events = building.frame_of(columns)

    memory = building.no_memory()
    memory_notes: tuple[str, ...] = ()
    if len(recorded.memory["time_ns"]):
        allocations, memory_notes = xplane_memory.columns_of(recorded, origin_ns, _around(recorded, rows, columns, lane_code, origin_ns))
        memory = building.memory_frame_of(allocations, events, steps)
    device_work = ~building.is_host(columns.device) & building.is_kind(columns.kind, *building.DEVICE_WORK)
    assert columns.operator is not None
    assert columns.scope is not None
    # A device's work names its operation itself (`tf_op`, `hlo_op`); the host need not have recorded one.
    linked = device_work & ((columns.operator >= 0) | (columns.scope.codes >= 0))
    facts = Facts(
        source="xplane",
        framework=_framework(columns.name, surroundings),
        versions=surroundings.versions,
        devices=devices,
        origin_ns=origin_ns,
        steps=steps,
        notes=(*notes, *recorded.notes, *memory_notes, *_notes(recorded)),
        coverage=Coverage(
            events_found=recorded.found,
            events_read=len(events) + len(memory),
            events_skipped=recorded.skipped,
            device_events=int(device_work.sum()),
            device_events_linked=int(linked.sum()),
        ),
    )
    return Trace(events=events, memory=memory, facts=facts)


def _columns(
    recorded: Recorded, rows: Integers, start_ns: Integers, end_ns: Integers, device: Coded, lane: Coded
) -> tuple[Columns, building.Mask]:
    """The columns that need no link, in the frame's order, and which events call a compiled function."""
    meaning = recorded.events["meaning"][rows]

    def values(of: Callable[[Meaning], Any], dtype: Any = np.int64) -> Any:
        return np.array([of(one) for one in recorded.meanings], dtype)[meaning]

    def words(of: Callable[[Meaning], str | None]) -> Coded:
        return building.coded([of(one) for one in recorded.meanings])[meaning]

    def number(value: int | None) -> int:
        return NO_INDEX if value is None else value

    columns = Columns(
        start_ns=start_ns[rows],
        duration_ns=(end_ns - start_ns)[rows],
        name=words(lambda one: one.name),
        kind=values(lambda one: KIND[one.kind]),
        device=device[rows],
        lane=lane[rows],
        correlation=recorded.events["correlation"][rows],
        layer=words(lambda one: one.layer),
        phase=values(lambda one: PHASE[one.phase]),
        scope=words(lambda one: one.scope),
        input_shapes=words(lambda one: one.input_shapes),
        bytes=values(lambda one: number(one.bytes)),
        flops=values(lambda one: number(one.flops)),
        blocks=values(lambda one: number(one.blocks)),
        threads_per_block=values(lambda one: number(one.threads_per_block)),
        occupancy_percent=values(lambda one: np.nan if one.occupancy_percent is None else one.occupancy_percent, np.float64),
        class_name=words(lambda one: one.class_name),
    )
    return columns, values(lambda one: one.container, np.bool_)


def _steps(recorded: Recorded, rows: Integers, columns: Columns) -> tuple[Step, ...]:
    place = np.empty(len(rows), np.int64)
    place[rows] = np.arange(len(rows))
    marks = place[recorded.steps["row"]]
    order = np.argsort(marks)
    marks, numbers = marks[order], recorded.steps["number"][order]
    lanes = [columns.lane.table[code] for code in columns.lane.codes[marks].tolist()]
    start_ns = columns.start_ns[marks]
    return building.steps_of(numbers, start_ns, start_ns + columns.duration_ns[marks], lanes)


def _around(recorded: Recorded, rows: Integers, columns: Columns, lane_code: Integers, origin_ns: int) -> Integers:
    """Row of the innermost operator around each word of an allocator."""
    # A thread without an event has no number.
    numbers = np.full(len(recorded.lanes), NO_INDEX, np.int64)
    numbers[recorded.events["lane"][rows]] = lane_code
    return innermost_operators(columns, lane_code, numbers[recorded.memory["lane"]], recorded.memory["time_ns"] - origin_ns)


def _blocks_per_sm(columns: Columns, multiprocessors: Mapping[str, int | None]) -> NDArray[np.float64]:
    assert columns.blocks is not None
    units = np.array([multiprocessors.get(label) or np.nan for label in columns.device.table], np.float64)[columns.device.codes]
    return np.where(columns.blocks > 0, columns.blocks / units, np.nan)


def _framework(names: Coded, surroundings: Surroundings) -> str | None:
    if "jax_version" in surroundings.versions:
        return "jax"
    if not _OF_TENSORFLOW.isdisjoint(names.table):
        return "tensorflow"
    return "jax" if any(word in name for name in names.table for word in _OF_JAX) else None


def _notes(recorded: Recorded) -> Iterator[str]:
    if not any(device == HOST for device, _ in recorded.lanes):
        yield "No thread of the host was recorded: what launched the devices' work is unknown."
    if recorded.hosts > 1:
        yield f"It was recorded on {recorded.hosts} hosts: which call launched which work cannot be told."
