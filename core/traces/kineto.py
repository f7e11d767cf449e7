"""The reader of `torch.profiler`'s recordings: Kineto's Chrome JSON, from torch 1.8 to today."""

from __future__ import annotations

import re

import numpy as np

from core.traces import building, kineto_links, links
from core.traces.building import KIND, Coded, Codes
from core.traces.kineto_columns import Decoded, Instants, Stretches, decode
from core.traces.kineto_messages import Gpu
from core.traces.nesting import Integers
from core.traces.schema import Coverage, Device, Facts, Trace
from core.traces.sources import LIMITS, Limits, Progress, Source, silent

#: Category, lower case, of every version -> kind. A category that is not here is read too, as `other`.
_KINDS = {
    "cpu_op": "operator", "operator": "operator",
    "kernel": "kernel",
    "gpu_memcpy": "memcpy", "memcpy": "memcpy",
    "gpu_memset": "memset", "memset": "memset",
    "cuda_runtime": "runtime call", "cuda_driver": "runtime call", "runtime": "runtime call", "hip_runtime": "runtime call",
    "xpu_runtime": "runtime call", "xpu_driver": "runtime call", "privateuse1_runtime": "runtime call",
    "privateuse1_driver": "runtime call", "mtia_runtime": "runtime call", "glow_runtime": "runtime call",
    "user_annotation": "annotation", "gpu_user_annotation": "annotation",
    "python_function": "python function",
    "cuda_sync": "synchronisation", "cuda_event": "synchronisation",
}  # fmt: skip
_ANNOTATION = re.compile(r"ProfilerStep#|Optimizer\.|enumerate\(DataLoader\)")
_STEP = re.compile(r"ProfilerStep#(\d{1,9})$")
_COMMUNICATION = re.compile(r"nccl|rccl", re.IGNORECASE)
_VERSIONS = ("cuda_runtime_version", "cuda_driver_version", "hip_runtime_version", "hip_driver_version")


def read(source: Source, *, progress: Progress = silent, limits: Limits = LIMITS) -> Trace:
    """Read a recording from its JSON, plain or gzip; one that is cut off is read as far as it goes, and says so in its notes.

    Raises TraceError.
    """
    decoded = decode(source, progress=progress, limits=limits)
    about, raw, memory = decoded.about, decoded.stretches, decoded.memory
    origin_ns = int(raw.start_ns.min()) if memory is None else int(min(raw.start_ns.min(), memory.time_ns.min()))
    start_ns = raw.start_ns - origin_ns
    device, lane = _halves(raw.lane)
    rows, lane_code = building.order(device, lane, start_ns, start_ns + raw.duration_ns)
    columns = building.Columns(
        start_ns=start_ns[rows],
        duration_ns=raw.duration_ns[rows],
        name=raw.name[rows],
        kind=_kinds(raw)[rows],
        device=device[rows],
        lane=lane[rows],
        rank=about.distributed.rank if about.distributed else None,
        correlation=raw.correlation[rows],
        input_shapes=raw.input_shapes[rows],
        bytes=raw.bytes[rows],
        blocks=raw.blocks[rows],
        threads_per_block=raw.threads_per_block[rows],
        blocks_per_sm=raw.blocks_per_sm[rows],
        occupancy_percent=raw.occupancy_percent[rows],
    )
    steps = _steps(columns)
    raw_links = kineto_links.Raw(external=raw.external[rows], sequence=raw.sequence[rows], forward_thread=raw.forward_thread[rows])
    kineto_links.fill(columns, raw_links, lane_code=lane_code, steps=steps)
    events = building.frame_of(columns)
    allocations = None if memory is None else _memory(memory, origin_ns, columns, raw.lane.codes[rows], lane_code)
    device_work = ~building.is_host(columns.device) & building.is_kind(columns.kind, *building.DEVICE_WORK)
    assert columns.operator is not None
    facts = Facts(
        source="kineto",
        framework="pytorch" if about.schema is not None or set(raw.category.table) & set(_KINDS) else None,
        versions={name: str(value) for name in _VERSIONS if (value := getattr(about, name)) is not None},
        devices=_devices(columns.device, about.gpus),
        rank=columns.rank,
        world_size=about.distributed.world_size if about.distributed else None,
        origin_ns=origin_ns + about.base_ns,
        steps=steps,
        notes=_notes(decoded),
        coverage=Coverage(
            events_found=decoded.found,
            events_read=len(events) + (0 if memory is None else len(memory.time_ns)),
            events_skipped=decoded.skipped,
            device_events=int(device_work.sum()),
            device_events_linked=int((device_work & (columns.operator >= 0)).sum()),
        ),
    )
    return Trace(
        events=events,
        memory=building.memory_frame_of(allocations, events, steps) if allocations else building.no_memory(),
        facts=facts,
    )


def _halves(places: Coded) -> tuple[Coded, Coded]:
    """Device and lane of a table of pairs."""
    devices, lanes = (building.coded([pair[half] for pair in places.table]) for half in (0, 1))
    return Coded(devices.codes[places.codes], devices.table), Coded(lanes.codes[places.codes], lanes.table)


def _kinds(raw: Stretches) -> Codes:
    """Kind of every event; decided once per category and name."""
    width = len(raw.name.table)
    pairs = raw.category.codes.astype(np.int64) * width + raw.name.codes
    return building.mapped(pairs, lambda pair: KIND[_kind(raw.category.table[pair // width], raw.name.table[pair % width])])


def _kind(category: str, name: str) -> str:
    kind = _KINDS.get(category, "other")
    if kind == "operator" and _ANNOTATION.match(name):
        kind = "annotation"  # torch 1.8 had one category for both
    # On a device an annotation spans the work that it was around on the host, and does none itself.
    if kind == "annotation" and category != "gpu_user_annotation":
        if name.startswith("enumerate(DataLoader)"):
            return "input"
        return "communication" if name.startswith("gloo:") else "annotation"
    if kind == "kernel" and _COMMUNICATION.search(name):
        return "communication"
    if kind == "runtime call" and "Synchronize" in name:
        return "synchronisation"
    return "layer" if kind == "python function" and name.startswith("nn.Module: ") else kind


def _steps(columns: building.Columns) -> tuple[building.Step, ...]:
    marks = np.flatnonzero(building.is_host(columns.device) & columns.name.where(_STEP.match))
    start_ns = columns.start_ns[marks]
    numbers = [int(columns.name.table[code].partition("#")[2]) for code in columns.name.codes[marks].tolist()]
    lanes = [columns.lane.table[code] for code in columns.lane.codes[marks].tolist()]
    return building.steps_of(np.array(numbers, np.int64), start_ns, start_ns + columns.duration_ns[marks], lanes)


def _memory(
    memory: Instants, origin_ns: int, columns: building.Columns, place: Codes, lane_code: Integers
) -> building.MemoryColumns:
    time_ns = memory.time_ns - origin_ns
    # From a place's code to its lane's number; a thread without an event has none.
    numbers = np.full(int(max(place.max(), memory.lane.max())) + 1, building.NO_INDEX, np.int64)
    numbers[place] = lane_code
    operator = links.innermost_operators(columns, lane_code, numbers[memory.lane], time_ns)
    return building.MemoryColumns(
        time_ns=time_ns, device=memory.device, address=memory.address, delta_bytes=memory.delta_bytes,
        allocated_bytes=memory.allocated_bytes, reserved_bytes=memory.reserved_bytes, operator=operator,
    )  # fmt: skip


def _devices(device: Coded, gpus: list[Gpu]) -> tuple[Device, ...]:
    known = {f"gpu:{gpu.id}": gpu for gpu in gpus}
    used = sorted(device.table[code] for code in np.unique(device.codes).tolist())
    return tuple(_device(label, known.get(label, Gpu())) for label in used)


def _device(label: str, gpu: Gpu) -> Device:
    capability = None if gpu.compute_major is None else f"{gpu.compute_major}.{gpu.compute_minor or 0}"
    return Device(
        label=label, name=gpu.name, memory_bytes=gpu.total_global_mem, multiprocessors=gpu.num_sms,
        max_threads_per_multiprocessor=gpu.max_threads_per_multiprocessor, compute_capability=capability,
    )  # fmt: skip


def _notes(decoded: Decoded) -> tuple[str, ...]:
    if not decoded.cut:
        return ()
    return (
        f"The recording is cut off ({decoded.cut}): only what lies before that was read; record or copy it again to see the rest.",
    )
