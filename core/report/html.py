"""A comparison as one HTML file: verdict, charts, proof, both sides, environment, every raw row, and the command that repeats it."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from core.analysis import comparison as tables
from core.bench.environment import differences
from core.model.comparison import SIDES
from core.report import figures, page, words
from core.report.figure import Figure
from core.report.formats import size, universal_moment
from core.report.material import Material, gather
from core.store.comparisons import StoredComparison
from core.store.privacy import Redactor

#: Timed blocks in the file: about three megabytes. Only inference, whose blocks are single batches, ever has more.
MOST_BLOCKS = 30_000


def comparison_html(one: StoredComparison, *, price_per_hour: float | None = None) -> bytes:
    """The file, UTF-8, with nothing of this machine's users in it; what training costs is in it where the price is known.

    Raises ReportError where the comparison has no result, StoreError where a file of it is damaged.
    """
    return written(gather(one, Redactor.here()), price_per_hour=price_per_hour)


def written(it: Material, *, price_per_hour: float | None = None) -> bytes:
    """The file of what was gathered."""
    result = it.result
    proof = page.section(
        "Is it the same model?", page.paragraph(words.parity(result)) if result.parity else "", *_drawn(figures.parity_figures(it))
    )
    body = [
        page.heading(
            words.title(result), words.numbers(result), badges=words.badges(result, made_up=it.made_up), setting=words.setting(it.spec, result),
            # A failure has a part of its own.
            reasons=() if result.error else result.reasons,
            reasons_title="Why these sides are not comparable" if result.verdict == "not_comparable" else "Keep in mind",
        ),
        _failure(it),
        page.section("Which is faster, by how much, how sure?", *_drawn(figures.ratio_figures(it)), _sides(it)),
        proof,
        page.section("The runs", *_drawn(figures.run_figures(it, price_per_hour=price_per_hour))),
        page.section("Why?", *_drawn(figures.profile_figures(it)), *_without_profile(it)),
        page.section("On what it ran", page.paragraph(words.machine(it.environment)), *_drawn(figures.load_figures(it)), *_environment(it)),
        page.section("Do it again", page.code(tables.command(it.spec))),
        page.section("Raw rows", *_raw(it)),
        f"<footer><p>Comparison {page.text(it.id)}, made {page.text(universal_moment(it.spec.created))}.</p></footer>",
    ]  # fmt: skip
    return page.document(f"{words.title(result)} · {it.spec.workload_name}", body)


def _drawn(found: list[Figure]) -> list[str]:
    return [page.figure(one) for one in found]


def _failure(it: Material) -> str:
    """Why a run gave no result, with its exit code and the last lines of its log."""
    error = it.result.error
    if error is None:
        return ""
    code = "" if error.exit_code is None else f" Exit code {error.exit_code}."
    log = page.folded("Last lines of the run's log", page.code("\n".join(error.log_tail)), short=True) if error.log_tail else ""
    return page.section("What went wrong", page.paragraph(f"{error.message}{code}"), log)


def _sides(it: Material) -> str:
    """The figures of both sides, next to each other."""
    found = tables.side_table(it.result, it.spec.task)
    if found.is_empty():
        return ""
    named = found.rename({"figure": "median over runs", "a": it.sides.a, "b": it.sides.b, "ratio": "B ÷ A"})
    return f"<h3>Both sides in numbers</h3>\n{page.table(named, 'Both sides in numbers')}"


def _without_profile(it: Material) -> list[str]:
    """Which side has no profile, and why, where one was wanted."""
    if not it.spec.profile or it.result.state != "finished":
        return []
    return [page.paragraph(f"{it.sides.name(side)} has no profile: {problem}") for side, problem in it.problems.items()]


def _environment(it: Material) -> list[str]:
    if not it.environment:
        return []
    machine: dict[str, Any] = it.environment.get("machine") or {}
    different = differences(*(it.environment.get(side) or {} for side in SIDES))
    schema = dict.fromkeys(["fact", it.sides.a, it.sides.b], pl.String)
    compared = page.table(pl.DataFrame(different, schema=schema, orient="row"), "What differs between the sides")
    nothing = page.paragraph("Nothing but the framework itself: same interpreter, packages, variables and switches.")
    return [
        page.folded("What differs between the sides", compared if different else nothing, short=len(different) < 40),
        page.folded("Machine", page.facts([(_fact(name), _value(name, value)) for name, value in machine.items()], "Machine"), short=True),
        page.folded("Everything that is known about machine and sides", page.code(json.dumps(it.environment, indent=1, ensure_ascii=False))),
    ]


def _fact(name: str) -> str:
    return name.removesuffix("_bytes").removesuffix("_mhz").replace("_", " ")


def _value(name: str, value: Any) -> object:
    """As a person reads it; what stands in brackets or braces as JSON."""
    if value in (None, [], ""):
        return None
    if name.endswith("_bytes"):
        return size(value)
    if name.endswith("_mhz"):
        return f"{value} MHz"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _raw(it: Material) -> list[str]:
    """Every run and every timed block, as they were measured."""
    if not it.result.runs:
        return []
    runs = tables.run_table(it.result)
    offered = [page.Rows(name=f"{it.id}-runs", label="Runs as CSV", table=runs)]
    kept = blocks_to_embed(it.blocks)
    if not kept.is_empty():
        offered.append(page.Rows(name=f"{it.id}-blocks", label="Blocks as CSV", table=kept))
    return [
        page.paragraph(_counted(it.blocks, kept)),
        page.downloads(offered),
        page.folded("Every run", page.table(runs, "Every run"), short=True),
    ]


def blocks_to_embed(blocks: pl.DataFrame, most: int = MOST_BLOCKS) -> pl.DataFrame:
    """All of them or, where they would make the file too large to be sent, as many of each run from its beginning."""
    if len(blocks) <= most:
        return blocks
    return blocks.filter(pl.int_range(pl.len()).over("run") < most // blocks["run"].n_unique())


def _counted(blocks: pl.DataFrame, kept: pl.DataFrame) -> str:
    if blocks.is_empty():
        return "The blocks of these runs are not stored any more."
    counted = f"{len(blocks):,} timed blocks of {blocks['run'].n_unique()} runs, in nanoseconds, as they were measured"
    return f"{counted}, are in this file." if len(kept) == len(blocks) else f"{counted}; the first {len(kept):,}, run by run, are in this file."
