"""A recording as one HTML file: what is in it, what costs most, its layers, steps, idle time and memory, and the rows behind them."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.analysis.breakdown import step_breakdown
from core.analysis.steps import windows
from core.analysis.summary import coverage
from core.analysis.work import outside_steps
from core.report import formats, page
from core.report.profile_figures import step_figures
from core.report.recording import Recording, clock, costs, recording
from core.report.redaction import redacted
from core.report.trace_figures import idle_figures, layer_table, memory_figures, work_figures
from core.store.privacy import Redactor
from core.traces.schema import Trace

#: Rows of costs in the file: more than anybody reads, and no more than a few megabytes.
_MOST_ROWS = 5_000


def trace_html(name: str, trace: Trace) -> bytes:
    """The file, UTF-8, with nothing of this machine's users in it; `name` is that of the recording's file."""
    return written(gathered(name, trace))


def gathered(name: str, trace: Trace) -> Recording:
    """A recording with nothing private in it."""
    redactor = Redactor.here()
    return recording(redactor.text(name), redacted(trace, redactor))


def written(one: Recording) -> bytes:
    """The file of what was gathered."""
    facts = one.trace.facts
    found = coverage(one.trace)
    body = [
        page.heading(one.label, _headline(one), badges=[formats.framework(facts.framework), facts.source], setting=_setting(found),
                     reasons=facts.notes, reasons_title="Keep in mind"),
        page.section("What was recorded", page.facts(_facts(one, found), "What was recorded")),
        page.section("What costs most", *map(page.figure, work_figures(one)), page.paragraph(_outside(one))),
        page.section("Layers", _layers(one)),
        page.section("Steps", *map(page.figure, step_figures([one]))),
        page.section("Devices", *map(page.figure, idle_figures(one))),
        page.section("Memory", *map(page.figure, memory_figures(one))),
        page.section("Do it again", page.code("python -m core report FILE --html report.html")),
        page.section("Raw rows", *_raw(one)),
    ]  # fmt: skip
    return page.document(one.label, body)


def _headline(one: Recording) -> str:
    steps = one.trace.facts.steps
    if not steps:
        return "No step is marked in this recording; times are of all of it."
    median = pl.Series([step.end_ns - step.start_ns for step in steps]).median()
    assert isinstance(median, int | float)
    return f"{len(steps):,} {'step' if len(steps) == 1 else 'steps'} marked, {formats.ms(median / 1e6)} each in the median."


def _setting(found: dict[str, Any]) -> str:
    """How much of the recording the numbers rest on."""
    words = [f"{found['events_read']:,} of {found['events_found']:,} events read"]
    if found["device_time_ns"]:
        words.append(f"{formats.percent(found['device_time_linked_fraction'])} of device time linked to an operator")
        words.append(f"{formats.percent(found['device_time_classified_fraction'])} classified")
    return " · ".join(words)


def _facts(one: Recording, found: dict[str, Any]) -> list[tuple[str, object]]:
    facts = one.trace.facts
    span = windows(one.trace)
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in found["events_skipped"].items()) or "none"
    rank = None if facts.rank is None else f"{facts.rank}" + (f" of {facts.world_size}" if facts.world_size else "")
    on_device = [
        ("kernels", found["kernels"]),
        ("kernels linked to an operator", found["kernels_linked"]),
        ("device time", formats.ms(found["device_time_ns"] / 1e6)),
        ("device time whose launch is known", formats.percent(found["device_time_launched_fraction"])),
        ("device time linked to an operator", formats.percent(found["device_time_linked_fraction"])),
        ("device time classified", formats.percent(found["device_time_classified_fraction"])),
    ]
    return [
        ("format", facts.source),
        ("framework", formats.framework(facts.framework)),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())),
        ("devices", ", ".join(f"{device.label} {device.name}".strip() for device in facts.devices)),
        ("rank", rank),
        ("steps marked", len(facts.steps)),
        ("time accounted for", formats.ms(sum(step.end_ns - step.start_ns for step in span) / 1e6) if span else None),
        ("events found", found["events_found"]),
        ("events read", found["events_read"]),
        ("left out, and why", skipped),
        *(on_device if found["device_time_ns"] else []),
    ]


def _outside(one: Recording) -> str:
    outside = outside_steps(one.trace)
    if clock([one]) is not True or outside is None:
        return ""
    return (
        f"{formats.ms(outside.time_ns / 1e6)} of device work ({formats.percent(outside.share)}, {outside.events:,} events) belongs to no marked "
        "step and is not in these sums."
    )


def _layers(one: Recording) -> str:
    tree = layer_table(one)
    return "" if tree.is_empty() else page.table(tree, "Layers, each after the one it is part of")


def _raw(one: Recording) -> list[str]:
    """The costs with everything that they are known by, and the parts of each step."""
    device = clock([one])
    offered, left_out = [], ""
    if device is not None:
        rows = costs(one, device=device)
        offered.append(page.Rows(name="costs", label="Costs as CSV", table=rows.head(_MOST_ROWS)))
        if len(rows) > _MOST_ROWS:
            left_out = f"Of {len(rows):,} rows of costs the {_MOST_ROWS:,} largest are in this file."
    steps = one.trace.facts.steps
    if steps:
        parts = step_breakdown(one.trace.events, steps).with_columns(pl.col("part").cast(pl.String))
        offered.append(page.Rows(name="steps", label="Steps as CSV", table=parts))
    return [page.paragraph(left_out), page.downloads(offered)] if offered else []
