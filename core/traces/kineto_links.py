"""What an event of a Kineto recording belongs to: its operator, launch, step, layer and phase."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.traces import building, links, nesting
from core.traces.building import NO_INDEX, PHASE, Coded, Codes, Columns, Mask, is_kind, linked
from core.traces.nesting import Integers
from core.traces.schema import Step

_BACKWARD = re.compile(r"autograd::engine::evaluate_function: |\w+Backward\d*$")
#: Our own worker fetches its batch in functions of this name; a DataLoader says so itself.
_FETCH = re.compile(r"core/(?:worker|workloads)/.*: batch$")
_MODULE = "nn.Module: "
#: Of threads that ran forward: where there are more, whose number is whose is not asked.
_MOST_PAIRS = 64


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What only Kineto writes, a row per event; -1 is null."""

    external: Integers
    sequence: Integers
    forward_thread: Integers


def fill(columns: Columns, raw: Raw, *, lane_code: Integers, steps: Sequence[Step]) -> None:
    """Fill `self_ns`, `step`, `operator`, `launch`, `layer` and `phase`; the columns are in the frame's order.

    - launch: the runtime call with a device event's correlation.
    - operator: the innermost around an event on its own thread; for a device's event that around its launch, else the operator
      that carries the same external id.
    - layer: the innermost `nn.Module` around an operator. A backward operator takes that of the forward operator with its
      sequence number that began last before it, and hands it on to what it calls.
    - phase: backward inside the autograd engine, optimizer inside `Optimizer.*`, input inside a DataLoader or a worker's
      fetch; forward inside an `nn.Module`, or where a backward operator has the same sequence number.
    """
    kind = columns.kind
    host = building.is_host(columns.device)
    is_operator = is_kind(kind, "operator")
    start_ns, end_ns = columns.start_ns, columns.start_ns + columns.duration_ns
    columns.self_ns = building.operator_self_time(is_operator, lane_code, start_ns, end_ns)
    fetch = is_kind(kind, "input") | (is_kind(kind, "python function") & columns.name.where(_FETCH.search))
    # Python's own frames are looked at only where they say what is done.
    seen = host & (fetch | ~is_kind(kind, "python function", "other"))
    rows = np.flatnonzero(seen)
    parent = links.enclosing(rows, _threads(columns, lane_code, seen), start_ns, end_ns)

    operator = nesting.nearest(parent, is_operator)
    # An operator's own operator is the one around it.
    around = np.where(is_operator, linked(parent, operator, NO_INDEX), operator)
    launch = links.launches(columns, host & is_kind(kind, "runtime call", "synchronisation"))
    around = np.where(launch >= 0, operator[np.maximum(launch, 0)], around)
    # Some versions wrote the correlation into the external id as well; it says nothing then.
    assert columns.correlation is not None
    telling = (raw.external > 0) & (raw.external != columns.correlation)
    by_external = links.last_with(raw.external, is_operator, (around < 0) & ~host & telling)
    around = np.where(by_external >= 0, by_external, around)

    backward = is_operator & (columns.name.where(_BACKWARD.match) | (raw.forward_thread > 0))
    source = _made_by(raw, start_ns, lane_code, backward, is_operator & ~backward)
    layer = _layers(columns.name, parent, is_kind(kind, "layer"), source)
    phase = _phases(columns, parent, backward, fetch, raw.sequence, layer.codes >= 0)

    columns.operator, columns.launch = around, launch
    columns.layer = Coded(np.where(host, layer.codes, linked(around, layer.codes, NO_INDEX)), layer.table)
    columns.phase = np.where(host, phase, linked(around, phase, PHASE["other"]))
    columns.step = building.step_numbers(steps, linked(launch, start_ns, 0) + np.where(launch >= 0, 0, start_ns))


def _threads(columns: Columns, lane_code: Integers, seen: Mask) -> Integers:
    """One number per thread: a lane of layers alone is the thread of the operators, which some versions number differently."""
    layers, operators = (np.unique(lane_code[seen & is_kind(columns.kind, name)]) for name in ("layer", "operator"))
    alone = np.setdiff1d(layers, operators)
    if not len(alone) or not len(operators):
        return lane_code
    lanes, counts = np.unique(lane_code[is_kind(columns.kind, "operator")], return_counts=True)
    busiest = lanes[counts.argmax()]
    if len(alone) > 1 or busiest in layers:
        return lane_code
    return np.where(lane_code == alone[0], busiest, lane_code)


def _made_by(raw: Raw, start_ns: Integers, lane_code: Integers, backward: Mask, forward: Mask) -> Integers:
    """Row of the forward operator that made each backward operator's node: the last begun before it with its number; -1 for none.

    Several nested operators carry one number; the innermost made the node, and it began last. Each thread counts for itself, so that
    where several ran forward (a checkpointed part runs again on the engine's) a number is looked for on the node's own one.
    """
    asking, owners = (np.flatnonzero(rows & (raw.sequence >= 0)) for rows in (backward, forward))
    found = np.full(len(raw.sequence), NO_INDEX, np.int64)
    if len(asking) and len(owners):
        home = _homes(raw, lane_code, asking, owners)
        for chosen, by in ((home < 0, ["number"]), (home >= 0, ["number", "lane"])):
            rows = asking[chosen]
            left = pl.DataFrame({"number": raw.sequence[rows], "lane": home[chosen], "time": start_ns[rows], "row": rows})
            right = pl.DataFrame({"number": raw.sequence[owners], "lane": lane_code[owners], "time": start_ns[owners], "row": owners})
            both = left.sort("time").join_asof(
                right.sort("time"), on="time", by=by, strategy="backward", suffix="_made", check_sortedness=False
            )
            found[both["row"].to_numpy()] = both["row_made"].fill_null(NO_INDEX).to_numpy()
    return found


def _homes(raw: Raw, lane_code: Integers, asking: Integers, owners: Integers) -> Integers:
    """The lane that each backward operator's forward thread has here; -1 where that is not known.

    A thread's number is its profiler's own and stands nowhere else: it is the lane that has most of the numbers asked of it.
    """
    home = np.full(len(asking), NO_INDEX, np.int64)
    lanes, threads = np.unique(lane_code[owners]), np.unique(raw.forward_thread[asking])
    if not 1 < len(lanes) * len(threads) <= _MOST_PAIRS:
        return home
    for thread in threads[threads > 0]:
        own = raw.forward_thread[asking] == thread
        numbers = raw.sequence[asking[own]]
        hits = np.array([np.isin(numbers, raw.sequence[owners[lane_code[owners] == lane]]).sum() for lane in lanes])
        if (hits == hits.max()).sum() == 1:
            home[own] = lanes[hits.argmax()]
    return home


def _layers(name: Coded, parent: Integers, is_layer: Mask, source: Integers) -> Coded:
    """Layer of every row of the host."""
    if not is_layer.any():
        return Coded(np.full(len(parent), NO_INDEX), [])
    module = nesting.nearest(parent, is_layer)
    own = linked(module, name.codes, NO_INDEX)
    handed = np.where((source >= 0) & (own < 0), linked(source, own, NO_INDEX), NO_INDEX)
    giver = nesting.nearest(parent, (source >= 0) & (own < 0))
    codes = np.where(own < 0, linked(giver, handed, NO_INDEX), own)
    # Only what is a layer keeps its name: the table of all names is far larger.
    used = np.unique(codes[codes >= 0])
    place = np.full(len(name.table) + 1, NO_INDEX, np.int64)
    place[used] = np.arange(len(used))
    return Coded(place[codes], [name.table[code].removeprefix(_MODULE) for code in used.tolist()])


def _phases(columns: Columns, parent: Integers, backward: Mask, fetch: Mask, sequence: Integers, in_layer: Mask) -> Codes:
    numbers = np.unique(sequence[backward & (sequence >= 0)])
    forward = is_kind(columns.kind, "operator") & np.isin(sequence, numbers)
    optimizer = is_kind(columns.kind, "annotation") & columns.name.where(lambda name: name.startswith("Optimizer."))
    phase = np.where(in_layer, PHASE["forward"], PHASE["other"])
    for name, marked in (("forward", forward), ("input", fetch), ("backward", backward), ("optimizer", optimizer)):
        if marked.any():
            phase = np.where(nesting.nearest(parent, marked) >= 0, PHASE[name], phase)
    return phase
