"""How a comparison looks in a terminal."""

from __future__ import annotations

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.analysis.baseline import Beside
from core.analysis.comparison import unit_of_work
from core.model.comparison import VERDICT_LABELS, ComparisonResult, ComparisonSpec
from core.model.parity import STAGE_LABELS
from core.store.comparisons import StoredComparison

_COLOURS = {"faster": "green", "no_practical_difference": "green", "measurable_under_threshold": "cyan", "cannot_tell": "yellow",
            "not_comparable": "red"}  # fmt: skip
#: A terminal has no room for all packages of two machines.
_MOST_CHANGES = 40


def print_result(console: Console, spec: ComparisonSpec, result: ComparisonResult) -> None:
    """Parity, both sides, and the verdict last."""
    if result.parity:
        console.print(_parity_table(result))
        for stage in result.parity:
            if stage.cause:
                console.print(f"[bold]Likely cause[/bold] ({STAGE_LABELS[stage.stage]}): {escape(stage.cause)}", soft_wrap=True)
    if any(side.runs for side in result.sides.values()):
        console.print(_side_table(spec, result))
    if result.pairs:
        console.print(f"Time of B over A per {unit_of_work(spec)}, pair by pair: " + "  ".join(f"{pair.ratio:.3f}" for pair in result.pairs))
    for reason in result.reasons:
        console.print(f"[yellow]![/yellow] {escape(reason)}")
    if result.error is not None and result.error.log_tail:
        console.print("Last lines of the run's log:")
        for line in result.error.log_tail[-8:]:
            console.print(f"  {escape(line)}", style="dim")
    colour = _COLOURS[result.verdict]
    console.print(f"\n[bold {colour}]{VERDICT_LABELS[result.verdict]}[/]  {escape(result.sentence)}")
    console.print(f"[dim]{result.id}[/dim]")


def _parity_table(result: ComparisonResult) -> Table:
    table = Table(title="Is it the same model?", title_justify="left")
    for name in ("stage", "measure"):
        table.add_column(name)
    for name in ("error", "allowed"):
        table.add_column(name, justify="right")
    table.add_column("")
    for stage in result.parity:
        error = "—" if stage.error is None else f"{stage.error:.2g}"
        mark = "[green]passed[/]" if stage.passed else "[red]failed[/]"
        table.add_row(STAGE_LABELS[stage.stage], stage.measure, error, f"{stage.allowed:g}", mark)
    return table


def _side_table(spec: ComparisonSpec, result: ComparisonResult) -> Table:
    table = Table(title="What was measured (medians over runs)", title_justify="left")
    table.add_column("")
    sides = [result.sides["a"], result.sides["b"]]
    for name, side in zip("AB", sides, strict=True):
        table.add_column(f"{name}: {side.variant.label}", justify="right")

    work = "batch" if spec.task == "inference" else "step"

    def row(label: str, values: list[float | None], unit: str, digits: int = 1, scale: float = 1.0) -> None:
        if any(value is not None for value in values):
            table.add_row(label, *("—" if v is None else f"{v * scale:,.{digits}f} {unit}" for v in values))

    row("batch, p50" if spec.task == "inference" else "step", [side.step_ms for side in sides], "ms", 2)
    if spec.task == "inference":
        row("batch, p99", [side.step_p99_ms for side in sides], "ms", 2)
    if spec.measure == "epoch":
        row("epoch", [side.epoch_ms for side in sides], "s", 2, 1e-3)
    row(f"CPU time per {work}", [side.cpu_step_ms for side in sides], "ms", 2)
    row(f"input per {work}", [side.input_ms for side in sides], "ms", 2)
    row(f"page faults per {work}", [side.page_faults_per_step for side in sides], "", 0)
    row("throughput", [side.samples_per_s for side in sides], "samples/s", 0)
    row("import", [side.import_s for side in sides], "s")
    row("build", [side.build_s for side in sides], "s")
    row(f"first {work}", [side.first_step_s for side in sides], "s", 2)
    row("inference" if spec.task == "inference" else "training", [side.train_s for side in sides], "s")
    row("whole process", [side.wall_s for side in sides], "s")
    row("peak memory", [side.peak_memory_bytes for side in sides], "MiB", 0, 1 / 2**20)
    row("test accuracy", [side.test_accuracy for side in sides], "%", 2, 100)
    row("profiler slows down", [side.profiler_slowdown for side in sides], "x", 2)
    return table


def print_beside(console: Console, baseline: str, found: Beside, changes: pl.DataFrame) -> None:
    """Each side against the baseline, and what else is not the same; `changes` as `environment_changes` makes it."""
    console.print(f"\n[bold]Beside {escape(baseline)}[/bold]")
    for doubt in found.doubts:
        console.print(f"[yellow]![/yellow] {escape(doubt)}", soft_wrap=True)
    for sentence in (words for side in found.sides for words in side.sentences()):
        console.print(escape(sentence), soft_wrap=True, highlight=False)
    if changes.is_empty():
        console.print("Nothing else is known to differ between the two.")
        return
    table = Table(title="What else differs", title_justify="left")
    for name in ("of", "fact", "baseline", "this"):
        table.add_column(name, overflow="fold")
    for row in changes.head(_MOST_CHANGES).iter_rows():
        table.add_row(*map(escape, row))
    console.print(table)
    if len(changes) > _MOST_CHANGES:
        console.print(f"{len(changes) - _MOST_CHANGES} more differ; --json has all.")


def comparison_table(comparisons: list[StoredComparison]) -> Table:
    """One row per comparison, newest first; as narrow as a terminal of 80 columns."""
    table = Table()
    table.add_column("id", no_wrap=True)
    table.add_column("what was compared, A and B", min_width=29)
    table.add_column("outcome")
    table.add_column("B/A", justify="right", no_wrap=True)
    for one in comparisons:
        spec, result = one.spec, one.result
        ratio = f"{result.ratio:.3f}" if result and result.ratio else ""
        outcome = VERDICT_LABELS[result.verdict] if result else one.problem or one.state
        if result and one.state != "finished":
            outcome = f"{one.state}: {outcome}"
        asked = f"{spec.workload_name}, {spec.preset.name}: {spec.a.label} and {spec.b.label}" if spec else ""
        table.add_row(one.id, escape(asked), escape(outcome), ratio)
    return table
