"""`doctor`: is this machine ready to compare, and can its times be trusted?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.cli.stored import JsonOption, print_json
from core.machine.checks import AREA_LABELS, by_area, run_checks, trust_sentence, trustworthy
from core.model.finding import Finding
from core.model.run import SCHEMA_VERSION

_MARKS = {"ok": "[green]ok[/]", "note": "[cyan]note[/]", "unknown": "[magenta]unknown[/]", "warning": "[yellow]warning[/]",
          "problem": "[red]problem[/]"}  # fmt: skip


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Train and profile ten steps with each framework, and look into the traces.")] = False,
    json: JsonOption = False,
) -> None:
    """Check this machine, both frameworks and their profilers; exit code 1 where something does not work."""
    progress = Console(stderr=True)
    with progress.status("looking around") as status:
        findings = run_checks(deep, progress=lambda label, done, total: status.update(f"{escape(label)} ({done}/{total})"))
    if json:
        print_json({"schema": SCHEMA_VERSION, "trustworthy": trustworthy(findings), "findings": [asdict(finding) for finding in findings]})
    else:
        _print(Console(highlight=False), findings)
    if any(finding.status == "problem" for finding in findings):
        raise typer.Exit(1)


def _print(console: Console, findings: list[Finding]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(max_width=26)
    table.add_column(overflow="fold")
    for area, group in by_area(findings).items():
        table.add_row(f"\n[bold]{AREA_LABELS[area]}[/]")
        for finding in group:
            table.add_row(_MARKS[finding.status], escape(finding.title), escape(finding.seen))
            if finding.remedy:
                table.add_row("", "", f"[dim]→[/] {escape(finding.remedy)}")
    console.print(table)
    colour = "green" if trustworthy(findings) else "yellow"
    console.print(f"\n[{colour}]{escape(trust_sentence(findings))}[/]")
