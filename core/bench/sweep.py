"""Planning a sweep, and working through its cells one after the other."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.analysis.holm import pairs_for
from core.bench.referee import Observer, Referee
from core.bench.start import make_spec
from core.machine.interpreter import PROJECT
from core.model.comparison import ComparisonResult, ComparisonSpec, Preset
from core.model.errors import ShowdownError
from core.model.hosted import refuse_if_hosted
from core.model.sweep import SweepCell, SweepError, SweepPair, SweepSpec, SweepWorkload
from core.store.comparisons import ComparisonStore, new_id
from core.store.sweeps import StoredSweep, SweepJournal, SweepStore
from core.workloads.registry import flops, resolve, workload_name, workload_spec

MAX_CELLS = 200


def plan_sweep(
    workloads: Sequence[tuple[str, dict[str, int]]],
    pairs: Sequence[SweepPair],
    *,
    batch_sizes: Sequence[int] = (),
    preset: str = "quick",
    small: bool = False,
    steps: int | None = None,
    threshold: float = 0.05,
    seed: int = 1,
) -> SweepSpec:
    """A grid to be run: every workload (with the sizes given) x every batch size x every pair.

    Without `batch_sizes` each workload has its own one. `small` takes the sizes and the batch that a machine without a GPU gets
    through. `steps` replaces the preset's length. Raises ShowdownError with one sentence about what cannot be meant, of any cell.
    """
    if not workloads or not pairs:
        raise SweepError("A sweep needs a workload and a pair of variants; name at least one of each.")
    rows = tuple(_workload(text, given, batch_sizes, small) for text, given in workloads)
    if len({row.label for row in rows}) < len(rows) or len(set(pairs)) < len(pairs):
        raise SweepError("A workload or a pair is named twice; name each once.")
    count = sum(len(row.batch_sizes) for row in rows) * len(pairs)
    if count > MAX_CELLS:
        raise SweepError(f"{count} comparisons are more than a sweep holds ({MAX_CELLS}); name fewer workloads, pairs or batch sizes.")
    first, pair = rows[0], pairs[0]
    length = make_spec(first.workload, pair.a, pair.b, preset=preset, batch_size=first.batch_sizes[0], sizes=first.sizes, steps=steps).preset
    spec = SweepSpec(
        id=new_id(), created=datetime.now(UTC).isoformat(timespec="seconds"), workloads=rows, pairs=tuple(pairs),
        preset=_enough_pairs(length, count), threshold=threshold, seed=seed,
    )  # fmt: skip
    for cell in spec.cells:
        comparison_spec(spec, cell)
    return spec


def _workload(text: str, given: dict[str, int], batch_sizes: Sequence[int], small: bool) -> SweepWorkload:
    identifier = resolve(text)
    known = workload_spec(identifier)
    sizes = known.complete({**(known.small_sizes if small else {}), **given})
    counted = flops(identifier, sizes)
    unusual = [f"{size.name} {sizes[size.name]}" for size in known.sizes if sizes[size.name] != size.default]
    return SweepWorkload(
        workload=identifier, label=", ".join([workload_name(identifier), *unusual]), sizes=sizes,
        batch_sizes=tuple(batch_sizes) or (known.small_batch_size if small else known.batch_size,),
        flops_per_sample=counted.training if counted else None,
    )  # fmt: skip


def _enough_pairs(preset: Preset, cells: int) -> Preset:
    """With fewer pairs no cell could ever be *faster* once the correction for so many comparisons is made."""
    pairs = max(preset.pairs, pairs_for(cells))
    return replace(preset, pairs=pairs, max_pairs=max(preset.max_pairs, pairs))


def comparison_spec(sweep: SweepSpec, cell: SweepCell) -> ComparisonSpec:
    """The comparison that answers a cell, with an id of its own each time; profiles are left out."""
    row, pair = cell.workload, cell.pair
    spec = make_spec(
        row.workload, pair.a, pair.b, preset=sweep.preset.name, batch_size=cell.batch_size, sizes=row.sizes, seed=sweep.seed,
        threshold=sweep.threshold, profile=False,
    )  # fmt: skip
    return replace(spec, preset=sweep.preset)


def finished_results(sweep: StoredSweep, comparisons: ComparisonStore) -> dict[int, ComparisonResult]:
    """Result of each cell whose comparison is finished and still there, by cell."""
    found: dict[int, ComparisonResult] = {}
    for cell, record in sweep.cells.items():
        if record.state == "finished" and comparisons.folder(record.comparison).is_dir():
            result = comparisons.load(record.comparison).result
            if result is not None and result.state == "finished":
                found[cell] = result
    return found


def run_sweep(sweeps: SweepStore, comparisons: ComparisonStore, id: str, observer: Observer, interrupted: Callable[[], bool]) -> StoredSweep:
    """Run every cell that has no finished comparison, in order; a cell that fails is written down with its reason and the next one runs.

    `observer` hears `cell_begin` and `cell_end` and every event of the comparisons between. Returns the sweep as it is then.
    Raises StoreError where it cannot be read, or where another process works on it.
    """
    stored = sweeps.load(id)
    if stored.spec is None:
        raise SweepError(f"Sweep {id} cannot be run: {stored.problem}")
    with SweepJournal(stored.folder) as journal:

        def stop() -> bool:
            return interrupted() or journal.cancelled()

        done = finished_results(stored, comparisons)
        for cell in stored.spec.cells:
            if cell.index in done:
                continue
            if stop():
                break
            observer({"event": "cell_begin", "cell": cell.index, "label": cell.label})
            ended = _run_cell(journal, comparisons, stored.spec, cell, observer, stop)
            observer({**ended, "event": "cell_end"})
    return sweeps.load(id)


def _run_cell(
    journal: SweepJournal, comparisons: ComparisonStore, sweep: SweepSpec, cell: SweepCell, observer: Observer, stop: Callable[[], bool]
) -> dict[str, Any]:
    began = time.monotonic()
    comparison = ""
    try:
        spec = comparison_spec(sweep, cell)
        comparisons.create(spec)
        comparison = spec.id
        journal.begin(cell.index, comparison)
        result = Referee(comparisons, spec, observer, stop).run()
    except ShowdownError as error:
        state, reason = "failed", str(error)
    else:
        state, reason = result.state, "" if result.state == "finished" else result.sentence
    return journal.end(cell.index, comparison, state, reason, time.monotonic() - began)


def start_sweep_detached(sweeps: SweepStore, id: str) -> None:
    """Work on a sweep in a process that outlives this one. Raises HostedError in the demo."""
    refuse_if_hosted("a sweep")
    sweeps.mark_started(id)
    with (sweeps.folder(id) / "runner.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "sweep", "resume", id],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
