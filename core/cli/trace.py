"""`trace` and `trace-diff`: what is in a recording of any profiler, and how two differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from core.analysis import snapshot as snapshots
from core.analysis.communication import ranks_table, stragglers
from core.analysis.difference import GROUPS, cost_by, difference, on_devices
from core.analysis.snapshot_fragmentation import fragmentation_by_device
from core.analysis.summary import summary
from core.cli.stored import JsonOption, print_json
from core.cli.trace_render import print_difference, print_ranks, print_snapshot, print_summary
from core.store.home import traces_folder
from core.traces import cache, sources
from core.traces.library import recordings_in
from core.traces.read import find_profile
from core.traces.safe_pickle import MAX_BYTES
from core.traces.schema import Trace, TraceError
from core.traces.snapshot import is_snapshot, read_snapshot
from core.traces.snapshot_schema import Snapshot
from core.traces.sources import Limits, Source

Recording = Trace | Snapshot
PathsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...", help="Traces of torch.profiler, TensorFlow or JAX, memory snapshots, or a folder of them, one a rank."
    ),
]
TopOption = Annotated[
    int | None, typer.Option("--top", min=1, help="Only so many rows of each list; 15 on a terminal, all in JSON.")
]
_ROWS_ON_A_TERMINAL = 15


def trace(paths: PathsArgument, json: JsonOption = False, top: TopOption = None) -> None:
    """Break recordings down to kernels, layers and memory, and say what could not be accounted for."""
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    opened = _open_all(paths, notes)
    rows = top or (None if json else _ROWS_ON_A_TERMINAL)
    found = {
        name: summary(one, top=rows) if isinstance(one, Trace) else snapshot_summary(one, rows) for name, one in opened.items()
    }
    if json:
        print_json(_together(found, opened))
        return
    console = Console()
    for name, one in found.items():
        console.rule(escape(name))
        (print_summary if isinstance(opened[name], Trace) else print_snapshot)(console, one)
    traces = [one for one in opened.values() if isinstance(one, Trace)]
    if len(traces) > 1:
        console.rule("Together")
        print_ranks(console, ranks_table(traces).to_dicts(), stragglers(traces).to_dicts())


def trace_diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="A recording, or a profiler's folder.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another, of the same or of another framework.")],
    json: JsonOption = False,
    top: TopOption = None,
) -> None:
    """Compare two recordings per step: by kind of operation, layer, operator and kernel; or two memory snapshots."""
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    a, b = (find_profile(path) if path.is_dir() else path for path in (a, b))
    first, second = _open(a, notes), _open(b, notes)
    rows = top or (None if json else _ROWS_ON_A_TERMINAL)
    if isinstance(first, Trace) and isinstance(second, Trace):
        found = trace_difference(first, second, rows)
    elif isinstance(first, Snapshot) and isinstance(second, Snapshot):
        compared = snapshots.compare(first, second)
        found = {
            "kind": "snapshot",
            "a": _totals(first),
            "b": _totals(second),
            "frames": (compared if rows is None else compared.head(rows)).to_dicts(),
        }
    else:
        raise TraceError(f"{a.name} and {b.name} are a trace and a memory snapshot; give two of a kind.")
    found = {"a_path": a.name, "b_path": b.name, **found}
    if json:
        print_json(found)
    else:
        print_difference(Console(), found)


def trace_difference(a: Trace, b: Trace, top: int | None) -> dict[str, Any]:
    """Two traces by every group, in ns per step: of device work where both have some, else of operators' self time."""
    device = on_devices(a, b)
    totals = [float(cost_by(one, "op_class", device=device)["ns"].sum()) for one in (a, b)]
    tables = {group: difference(a, b, group) for group in GROUPS}
    return {
        "kind": "trace",
        "measure": "device time" if device else "operators' self time on the host",
        "a": {"framework": a.facts.framework, "steps": len(a.facts.steps), "step_ns": totals[0]},
        "b": {"framework": b.facts.framework, "steps": len(b.facts.steps), "step_ns": totals[1]},
        "difference_ns": totals[1] - totals[0],
        "ratio": totals[1] / totals[0] if totals[0] else None,
        **{f"by_{group}": (table if top is None else table.head(top)).to_dicts() for group, table in tables.items()},
    }


def snapshot_summary(one: Snapshot, top: int | None) -> dict[str, Any]:
    """A memory snapshot: `segments`, `reserved_bytes`, `allocated_bytes`, `peak_allocated_bytes`, `events` of all devices, then
    of each, and what held the memory at each one's peak.
    """
    by_device = {row.pop("device"): row for row in snapshots.summary(one).to_dicts()}
    whole = by_device.pop(snapshots.ALL_DEVICES)
    peaks = {}
    for label, row in by_device.items():
        held = snapshots.live_at(one, label, row["peak_time_ns"])
        peaks[label.removeprefix("gpu:")] = (held if top is None else held.head(top)).to_dicts()
    unused = {row.pop("device").removeprefix("gpu:"): row for row in fragmentation_by_device(one).to_dicts()}
    facts = one.facts
    return {
        "kind": "snapshot",
        **whole,
        "devices": {label.removeprefix("gpu:"): row for label, row in by_device.items()},
        "live_at_peak": peaks,
        "fragmentation": unused,
        "facts": {"source": "memory snapshot", "devices": [device.label for device in facts.devices], "settings": facts.settings,
                  "origin_ns": facts.origin_ns, "span_ns": facts.end_ns - facts.start_ns, "notes": list(facts.notes)},
        "coverage": {"events_found": facts.coverage.events_found, "events_read": facts.coverage.events_read,
                     "events_skipped": facts.coverage.events_skipped, "parts_skipped": facts.parts_skipped},
    }  # fmt: skip


def _totals(one: Snapshot) -> dict[str, Any]:
    return next(row for row in snapshots.summary(one).to_dicts() if row["device"] == snapshots.ALL_DEVICES)


def _together(found: dict[str, dict[str, Any]], opened: dict[str, Recording]) -> dict[str, Any]:
    """One recording as it is; several as a list, and their ranks next to each other."""
    if len(found) == 1:
        return next(iter(found.values()))
    traces = [one for one in opened.values() if isinstance(one, Trace)]
    ranks = [rank for one in traces if (rank := one.facts.rank) is not None]
    return {
        "facts": {
            "recordings": len(found),
            "ranks": ranks,
            "world_size": max((one.facts.world_size or 0 for one in traces), default=0) or None,
        },
        "recordings": [{"name": name, **one} for name, one in found.items()],
        "devices": {
            f"{place if one.facts.rank is None else one.facts.rank}/{label}": account
            for place, (name, one) in enumerate((name, one) for name, one in opened.items() if isinstance(one, Trace))
            for label, account in found[name]["devices"].items()
        },
        "ranks": ranks_table(traces).to_dicts(),
        "stragglers": stragglers(traces).to_dicts(),
    }


def _open_all(paths: list[Path], notes: Console) -> dict[str, Recording]:
    """Name -> recording; of a folder every recording in it that can be read, and a sentence on the others."""
    opened: dict[str, Recording] = {}
    for path in paths:
        if not path.is_dir():
            opened[path.name if path.name not in opened else str(path)] = _open(path, notes)
            continue
        before = len(opened)
        for file in recordings_in(path):
            try:
                opened[str(file.relative_to(path))] = _open(file, notes)
            except TraceError as error:
                notes.print(f"[yellow]left out:[/] {escape(str(error))}")
        if len(opened) == before:
            raise TraceError(f"None of the files in {path} could be read.")
    return opened


def _open(path: Path, notes: Console) -> Recording:
    source = Source.of(path)
    with _progress(path.name) as progress:
        if path.is_file() and is_snapshot(sources.head(source)):
            one: Recording = read_snapshot(sources.whole(source, progress, Limits(text_bytes=MAX_BYTES)), source.name)
        else:
            one = cache.open_trace(path, traces_folder(), progress=progress)
    for note in one.facts.notes:
        notes.print(f"[yellow]note:[/] {escape(path.name)}: {escape(note)}")
    return one


@contextmanager
def _progress(name: str) -> Iterator[sources.Progress]:
    columns = (TextColumn("reading {task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
