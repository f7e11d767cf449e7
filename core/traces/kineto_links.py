"""What an event of a Kineto recording belongs to: its operator, step, layer and phase."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.traces import building, nesting
from core.traces.building import Columns
from core.traces.nesting import Integers
from core.traces.schema import Step

_BACKWARD = re.compile(r"autograd::engine::evaluate_function: |\w+Backward\d*$")
#: Our own worker fetches its batch in functions of this name; a DataLoader says so itself.
_FETCH = re.compile(r"core/(?:worker|workloads)/.*: batch$")
_DEVICE_WORK = ("kernel", "memcpy", "memset", "communication")


@dataclass(frozen=True, kw_only=True)
class Linked:
    """How much of the device's work is known to belong to an operator."""

    device_events: int
    device_events_linked: int


def fill(
    columns: Columns,
    *,
    lane_code: Integers,
    steps: Sequence[Step],
    external: Sequence[int | None],
    sequence: Sequence[int | None],
    forward_thread: Sequence[int | None],
) -> Linked:
    """Fill `self_ns`, `step`, `operator`, `layer` and `phase`; the columns are in the frame's order.

    - operator: the innermost around an event on its own thread; for a device's event that around its launch, found by
      correlation, else the operator that carries the same external id.
    - layer: the innermost `nn.Module` around an operator. A backward operator takes that of the forward operator with its
      sequence number, and hands it on to what it calls.
    - phase: backward inside the autograd engine, optimizer inside `Optimizer.*`, input inside a DataLoader or a worker's
      fetch; forward inside an `nn.Module`, or where a backward operator has the same sequence number.
    """
    kind = np.array(columns.kind, dtype=object)
    host = building.is_host(columns.device)
    is_operator = kind == "operator"
    end_ns = columns.start_ns + columns.duration_ns
    columns.self_ns = building.operator_self_time(is_operator, lane_code, columns.start_ns, end_ns)
    fetch = (kind == "input") | np.fromiter(
        (own == "python function" and _FETCH.search(name) is not None for own, name in zip(columns.kind, columns.name, strict=True)),
        np.bool_,
        len(kind),
    )
    parent = _parents(columns, kind, host & (fetch | (kind != "python function")), lane_code, end_ns)

    operator = nesting.nearest(parent, is_operator)
    # An operator's own operator is the one around it.
    around = np.where(is_operator, np.where(parent >= 0, operator[np.maximum(parent, 0)], -1), operator)
    launch = _launches(columns, kind, host)
    around = np.where(launch >= 0, operator[np.maximum(launch, 0)], around)
    # Some versions wrote the correlation into the external id as well; it says nothing then.
    telling = np.fromiter((a is not None and a != b for a, b in zip(external, columns.correlation, strict=True)), np.bool_, len(kind))
    by_external = _by_external(external, is_operator, (around < 0) & ~host & telling)
    around = np.where(by_external >= 0, by_external, around)

    backward = np.fromiter(
        (
            own and (_BACKWARD.match(name) is not None or (thread or 0) > 0)
            for own, name, thread in zip(is_operator, columns.name, forward_thread, strict=True)
        ),
        np.bool_,
        len(kind),
    )
    layer = _layers(columns, parent, kind, backward, sequence)
    phase = _phases(columns, parent, kind, backward, fetch, sequence, [value is not None for value in layer])
    for index in np.flatnonzero(~host).tolist():
        source = int(around[index])
        layer[index] = layer[source] if source >= 0 else None
        phase[index] = phase[source] if source >= 0 else "other"

    moments = np.where(launch >= 0, columns.start_ns[np.maximum(launch, 0)], columns.start_ns)
    place = building.step_index(steps, moments)
    columns.step = [steps[index].number if index >= 0 else None for index in place.tolist()]
    columns.operator = [index if index >= 0 else None for index in around.tolist()]
    columns.layer = layer
    columns.phase = phase
    device_work = ~host & np.isin(kind, _DEVICE_WORK)
    return Linked(device_events=int(device_work.sum()), device_events_linked=int((device_work & (around >= 0)).sum()))


def _parents(columns: Columns, kind: NDArray[np.object_], seen: NDArray[np.bool_], lane_code: Integers, end_ns: Integers) -> Integers:
    """Innermost enclosing event of each on the host; Python's own frames are `seen` only where they say what is done."""
    rows = np.flatnonzero(seen & (kind != "other"))
    inner = nesting.parents(lane_code[rows], columns.start_ns[rows], end_ns[rows])
    parent = np.full(len(kind), -1, np.int64)
    parent[rows] = np.where(inner >= 0, rows[np.maximum(inner, 0)], -1)
    return parent


def _launches(columns: Columns, kind: NDArray[np.object_], host: NDArray[np.bool_]) -> Integers:
    """Row of the runtime call that launched each device event, by correlation; -1 for everything else."""
    calls: dict[int, int] = {}
    for index in np.flatnonzero(host & ((kind == "runtime call") | (kind == "synchronisation"))).tolist():
        correlation = columns.correlation[index]
        if correlation:
            calls[correlation] = index
    launch = np.full(len(kind), -1, np.int64)
    for index in np.flatnonzero(~host).tolist():
        correlation = columns.correlation[index]
        if correlation:
            launch[index] = calls.get(correlation, -1)
    return launch


def _by_external(external: Sequence[int | None], is_operator: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Integers:
    found = np.full(len(is_operator), -1, np.int64)
    if wanted.any():
        # The innermost of several with one id: the last in the frame's order.
        operators = {external[index]: index for index in np.flatnonzero(is_operator).tolist() if external[index] is not None}
        for index in np.flatnonzero(wanted).tolist():
            found[index] = operators.get(external[index], -1)
    return found


def _layers(
    columns: Columns,
    parent: Integers,
    kind: NDArray[np.object_],
    backward: NDArray[np.bool_],
    sequence: Sequence[int | None],
) -> list[str | None]:
    module = nesting.nearest(parent, kind == "layer").tolist()
    own: list[str | None] = [columns.name[index].removeprefix("nn.Module: ") if index >= 0 else None for index in module]
    # The operator that made the graph's node is the last that began with the node's number.
    made: dict[int, int] = {}
    starts = columns.start_ns.tolist()
    for index in np.flatnonzero((kind == "operator") & ~backward).tolist():
        number = sequence[index]
        if number is not None and (number not in made or starts[index] >= starts[made[number]]):
            made[number] = index
    handed = {}
    for index in np.flatnonzero(backward).tolist():
        number = sequence[index]
        if number is not None and number in made and own[index] is None:
            handed[index] = own[made[number]]
    linked = np.zeros(len(kind), np.bool_)
    linked[list(handed)] = True
    source = nesting.nearest(parent, linked).tolist()
    return [value if value is not None or index < 0 else handed[index] for value, index in zip(own, source, strict=True)]


def _phases(
    columns: Columns,
    parent: Integers,
    kind: NDArray[np.object_],
    backward: NDArray[np.bool_],
    fetch: NDArray[np.bool_],
    sequence: Sequence[int | None],
    in_layer: Sequence[bool],
) -> list[str]:
    size = len(kind)
    optimizer = np.fromiter(
        (own == "annotation" and name.startswith("Optimizer.") for own, name in zip(kind, columns.name, strict=True)), np.bool_, size
    )
    numbers = {sequence[index] for index in np.flatnonzero(backward).tolist()} - {None}
    forward = np.fromiter((number is not None and number in numbers for number in sequence), np.bool_, size) & (kind == "operator")
    inside = [
        (name, nesting.nearest(parent, marked) >= 0)
        for name, marked in (("optimizer", optimizer), ("backward", backward), ("input", fetch), ("forward", forward))
    ]
    phase = np.full(size, "other", dtype=object)
    for name, rows in reversed(inside):
        phase[rows] = name
    phase[(phase == "other") & np.array(in_layer)] = "forward"
    result: list[str] = phase.tolist()
    return result
