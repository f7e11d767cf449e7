"""What an event of an XPlane belongs to: its launch, operator and phase."""

from __future__ import annotations

import numpy as np

from core.traces import building, links, nesting
from core.traces.building import NO_INDEX, PHASE, Codes, Columns, Mask, is_kind, linked
from core.traces.nesting import Integers
from core.traces.schema import Step
from core.traces.scope import gradient_type

_INPUT_LANE = "tf_data"


def fill(columns: Columns, *, container: Mask, lane_code: Integers, steps: tuple[Step, ...], one_host: bool) -> None:
    """Fill `self_ns`, `step`, `operator` and `launch`, and complete `phase`; the columns are in the frame's order.

    - launch: the call on the host with a device event's correlation; with several hosts their numbers cannot be told apart.
    - operator: the innermost around an event on its own thread; for a device's event that around its launch.
    - phase: what a scope or an operator's type says, told already. An eager operator has no scope: where its step also calls a
      compiled function (`container`), what comes before it is input; else everything from the first to the last gradient is
      backward, what comes before is forward, what comes after the optimizer's. Every thread of `tf.data` is input.
    """
    host = building.is_host(columns.device)
    is_operator = is_kind(columns.kind, "operator")
    start_ns, end_ns = columns.start_ns, columns.start_ns + columns.duration_ns
    columns.self_ns = building.operator_self_time(is_operator, lane_code, start_ns, end_ns)
    columns.launch = links.launches(columns, host) if one_host else np.full(len(host), NO_INDEX, np.int64)

    hosted = np.flatnonzero(host)
    parent = links.enclosing(hosted, lane_code, start_ns, end_ns)
    nearest = nesting.nearest(parent, is_operator)
    # An operator's own operator is the one around it.
    around = np.where(is_operator, linked(parent, nearest, NO_INDEX), nearest)
    columns.operator = np.where(columns.launch >= 0, linked(columns.launch, nearest, NO_INDEX), around)

    moment_ns = np.where(columns.launch >= 0, linked(columns.launch, start_ns, 0), start_ns)
    columns.step = building.step_numbers(steps, moment_ns)
    columns.phase = _phases(columns, container, lane_code, building.step_index(steps, moment_ns))


def _phases(columns: Columns, container: Mask, lane_code: Integers, step: Integers) -> Codes:
    assert columns.phase is not None
    assert columns.scope is not None
    phase = np.where(columns.lane.where(lambda lane: lane.startswith(_INPUT_LANE)), PHASE["input"], columns.phase)
    eager = container | (is_kind(columns.kind, "operator") & (columns.scope.codes < 0))
    rows = np.flatnonzero((step >= 0) & eager & building.is_host(columns.device))
    if not len(rows):
        return phase
    # One after another in the frame: a lane's rows are in order of time, and so are its steps.
    first = np.flatnonzero((np.diff(lane_code[rows], prepend=-1) != 0) | (np.diff(step[rows], prepend=-1) != 0))
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rows))))
    gradient = columns.name.where(gradient_type)[rows]
    never = len(phase)
    call = np.minimum.reduceat(np.where(container[rows], rows, never), first)[group]
    first_gradient = np.minimum.reduceat(np.where(gradient, rows, never), first)[group]
    last_gradient = np.maximum.reduceat(np.where(gradient, rows, NO_INDEX), first)[group]

    told = np.full(len(rows), PHASE["other"])
    told = np.where(last_gradient >= 0, PHASE["optimizer"], told)
    told = np.where((last_gradient >= 0) & (rows <= last_gradient), PHASE["backward"], told)
    told = np.where((last_gradient >= 0) & (rows < first_gradient), PHASE["forward"], told)
    told = np.where(call < never, np.where(rows < call, PHASE["input"], PHASE["other"]), told)
    left = phase[rows] != PHASE["input"]
    phase[rows[left]] = np.where((call < never) | (last_gradient >= 0), told, phase[rows])[left]
    return phase
