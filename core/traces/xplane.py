"""The reader of XPlane files: the profiler of TensorFlow and JAX, read without either."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from core.traces import building, hlo, nesting
from core.traces.nesting import Integers
from core.traces.schema import HOST, Coverage, Device, Facts, Trace, TraceError
from core.traces.scope import gradient_type
from core.traces.xplane_messages import XSpace
from core.traces.xplane_names import Meaning, on_gpu, on_host

_GPU_PLANE = re.compile(r"^/device:(?:GPU|TPU|CUSTOM)[^:]*:(\d+)")
_INPUT_LANE = "tf_data"

#: Stats that are read; every other is passed over.
_STATS = ("step_num", "correlation_id", "hlo_op", "tf_op")
#: A clock beyond this counts from 1970, one below from the profiler's start.
_SINCE_1970_NS = 10**15


@dataclass
class _Row:
    """One event on its way into the columns."""

    start_ns: int
    end_ns: int
    device: str
    lane: str
    meaning: Meaning
    correlation: int | None
    step_number: int | None


def read(data: bytes, source: str) -> Trace:
    """Read an XSpace message; `source` is what an error calls the file.

    Picoseconds become the nanosecond that holds them, at both ends, so that nesting survives. Where an operator has a scope, its
    layer and phase come from it (`core.traces.scope`, `core.traces.hlo`). An eager operator has none; its phase is told by its
    place in its step: where the step also calls a compiled function, what comes before it is input; else everything from the first
    to the last gradient is backward, what comes before is forward, what comes after the optimizer's.

    Raises TraceError.
    """
    try:
        space = XSpace.FromString(data)
    except DecodeError as error:
        raise TraceError(f"{source} is neither JSON nor a whole XPlane file: it is cut off or something else.") from error
    if not space.planes:
        raise TraceError(f"{source} is not a profiler's trace: no plane in it.")
    rows = list(_rows(space))
    if not rows:
        raise TraceError(f"{source} holds no events; the profiler was stopped before anything ran.")
    return _trace(space, rows)


def _rows(space: Any) -> Iterator[_Row]:
    module = hlo.instructions(
        stat.bytes_value
        for plane in space.planes
        if plane.name == "/host:metadata"
        for metadata in plane.event_metadata.values()
        for stat in metadata.stats
        if stat.bytes_value
    )
    offset = _profile_start_ns(space)
    for plane in space.planes:
        gpu = _GPU_PLANE.match(plane.name)
        if gpu is None and not plane.name.startswith("/host:CPU"):
            continue
        device = f"gpu:{gpu[1]}" if gpu else HOST
        wanted = {number: metadata.name for number, metadata in plane.stat_metadata.items() if metadata.name in _STATS}
        names = Counter(line.name for line in plane.lines)
        meanings: dict[tuple[int, str | None], Meaning] = {}
        for line in plane.lines:
            lane = line.name if names[line.name] == 1 else f"{line.name}/{line.id}"
            base_ps = (line.timestamp_ns + (offset if line.timestamp_ns < _SINCE_1970_NS else 0)) * 1000
            for event in line.events:
                stats = {wanted[stat.metadata_id]: stat for stat in event.stats if stat.metadata_id in wanted} if event.stats else {}
                # On the host `tf_op` says for whom memory was taken, not what runs.
                operation = _text(plane, stats.get("hlo_op") or (stats.get("tf_op") if gpu else None))
                key = (event.metadata_id, operation)
                if key not in meanings:
                    name = plane.event_metadata[event.metadata_id].name
                    by_hlo = "hlo_op" in stats
                    meanings[key] = on_gpu(name, line.name, operation, by_hlo, module) if gpu else on_host(name, operation, module)
                meaning = meanings[key]
                step = stats.get("step_num")
                if step is not None and not gpu:
                    meaning = Meaning(kind="annotation", name=meaning.name)
                start_ps = base_ps + event.offset_ps
                yield _Row(
                    start_ns=start_ps // 1000,
                    end_ns=(start_ps + event.duration_ps) // 1000,
                    device=device,
                    lane=lane,
                    meaning=meaning,
                    correlation=_number(stats.get("correlation_id")),
                    step_number=None if gpu else _number(step),
                )


def _profile_start_ns(space: Any) -> int:
    for plane in space.planes:
        if plane.name == "Task Environment":
            for stat in plane.stats:
                if plane.stat_metadata[stat.metadata_id].name == "profile_start_time":
                    return int(_number(stat) or 0)
    return 0


def _number(stat: Any) -> int | None:
    if stat is None:
        return None
    value = getattr(stat, stat.WhichOneof("value"))
    try:
        return int(value)
    except ValueError:
        return None


def _text(plane: Any, stat: Any) -> str | None:
    if stat is None:
        return None
    return plane.stat_metadata[stat.ref_value].name if stat.WhichOneof("value") == "ref_value" else stat.str_value or None


def _trace(space: Any, rows: list[_Row]) -> Trace:
    start = np.array([row.start_ns for row in rows], np.int64)
    end = np.array([row.end_ns for row in rows], np.int64)
    origin = int(start.min())
    start, end = start - origin, end - origin
    listed, lane_code = building.order([row.device for row in rows], [row.lane for row in rows], start, end)
    rows = [rows[index] for index in listed.tolist()]
    start, end = start[listed], end[listed]

    marked = np.array([index for index, row in enumerate(rows) if row.step_number is not None], np.int64)
    steps = building.steps_of(
        np.array([rows[index].step_number for index in marked.tolist()], np.int64),
        start[marked],
        end[marked],
        [rows[index].lane for index in marked.tolist()],
    )
    kind = np.array([row.meaning.kind for row in rows], dtype=object)
    is_operator = kind == "operator"
    host = building.is_host([row.device for row in rows])
    launch = _launches(rows, host)
    place = building.step_index(steps, np.where(launch >= 0, start[np.maximum(launch, 0)], start))
    operator = _operators(host, is_operator, launch, lane_code, start, end)
    device_work = ~host & np.isin(kind, ("kernel", "memcpy", "memset", "communication"))
    columns = building.Columns(
        start_ns=start,
        duration_ns=end - start,
        self_ns=building.operator_self_time(is_operator, lane_code, start, end),
        name=[row.meaning.name for row in rows],
        kind=kind.tolist(),
        device=[row.device for row in rows],
        lane=[row.lane for row in rows],
        rank=None,
        step=[steps[index].number if index >= 0 else None for index in place.tolist()],
        correlation=[row.correlation for row in rows],
        operator=[index if index >= 0 else None for index in operator.tolist()],
        layer=[row.meaning.layer for row in rows],
        phase=_phases(rows, place),
        scope=[row.meaning.scope for row in rows],
        input_shapes=[None] * len(rows),
        bytes=[None] * len(rows),
        class_name=[row.meaning.class_name for row in rows],
    )
    # A device's work names its operation itself (`tf_op`, `hlo_op`); the host need not have recorded one.
    named = np.fromiter((row.meaning.scope is not None for row in rows), np.bool_, len(rows))
    facts = Facts(
        source="xplane",
        framework=_framework(rows),
        devices=_devices(space, columns.device),
        origin_ns=origin,
        steps=steps,
        coverage=_coverage(space, len(rows), int(device_work.sum()), int((device_work & (named | (operator >= 0))).sum())),
    )
    return Trace(events=building.frame_of(columns), facts=facts)


def _launches(rows: list[_Row], host: Any) -> Integers:
    """Row of the call that launched each device event, by correlation; -1 for everything else."""
    calls = {row.correlation: index for index, row in enumerate(rows) if host[index] and row.correlation is not None}
    return np.array(
        [-1 if host[index] or row.correlation is None else calls.get(row.correlation, -1) for index, row in enumerate(rows)], np.int64
    )


def _operators(host: Any, is_operator: Any, launch: Integers, lane_code: Integers, start: Integers, end: Integers) -> Integers:
    """Innermost operator around each event on its thread; around its launch for a device's event."""
    hosted = np.flatnonzero(host)
    inner = nesting.parents(lane_code[hosted], start[hosted], end[hosted])
    parent = np.full(len(host), -1, np.int64)
    parent[hosted] = np.where(inner >= 0, hosted[np.maximum(inner, 0)], -1)
    nearest = nesting.nearest(parent, is_operator)
    around = np.where(is_operator, np.where(parent >= 0, nearest[np.maximum(parent, 0)], -1), nearest)
    return np.where(launch >= 0, nearest[np.maximum(launch, 0)], around)


def _phases(rows: list[_Row], place: Integers) -> list[str]:
    phases = [row.meaning.phase for row in rows]
    eager: dict[tuple[int, str], list[int]] = {}
    for index, (row, step) in enumerate(zip(rows, place.tolist(), strict=True)):
        if row.lane.startswith(_INPUT_LANE):
            phases[index] = "input"
        elif step >= 0 and (row.meaning.container or (row.meaning.kind == "operator" and row.meaning.scope is None)):
            eager.setdefault((step, row.lane), []).append(index)
    for indices in eager.values():
        calls = [index for index in indices if rows[index].meaning.container]
        gradients = [index for index in indices if gradient_type(rows[index].meaning.name)]
        for index in indices:
            if phases[index] == "input":
                continue
            if calls:
                phases[index] = "input" if index < calls[0] else "other"
            elif gradients:
                phases[index] = "forward" if index < gradients[0] else "backward" if index <= gradients[-1] else "optimizer"
    return phases


def _framework(rows: list[_Row]) -> str | None:
    names = {row.meaning.name for row in rows}
    if names & {"EagerExecute", "FunctionRun", "ExecutorState::Process", "TFE_Py_FastPathExecute_C"}:
        return "tensorflow"
    return "jax" if any("Pjit" in name or "PjRt" in name for name in names) else None


def _devices(space: Any, labels: list[str]) -> tuple[Device, ...]:
    names = {}
    for plane in space.planes:
        gpu = _GPU_PLANE.match(plane.name)
        if gpu:
            stats = {plane.stat_metadata[stat.metadata_id].name: stat for stat in plane.stats}
            names[f"gpu:{gpu[1]}"] = _text(plane, stats.get("device_name") or stats.get("device_vendor")) or ""
    return tuple(Device(label=label, name=names.get(label, "")) for label in sorted(set(labels)))


def _coverage(space: Any, read_events: int, device_events: int, linked: int) -> Coverage:
    skipped: dict[str, int] = {}
    for plane in space.planes:
        if _GPU_PLANE.match(plane.name) is None and not plane.name.startswith("/host:CPU"):
            count = sum(len(line.events) for line in plane.lines)
            if count:
                skipped[f"plane {plane.name}"] = count
    return Coverage(
        events_found=read_events + sum(skipped.values()),
        events_read=read_events,
        events_skipped=skipped,
        device_events=device_events,
        device_events_linked=linked,
    )
