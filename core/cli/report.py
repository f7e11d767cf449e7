"""`report`: a comparison or a recording as one HTML file, as Markdown, or as pictures with their tables."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.report import figures, html, images, markdown, trace_figures, trace_report
from core.report.figure import Figure, ReportError
from core.report.material import gather, verdict_of
from core.store.comparisons import ID, ComparisonStore
from core.store.files import write_whole
from core.store.home import traces_folder
from core.store.privacy import Redactor
from core.traces import cache, sources
from core.traces.library import Entry, TraceLibrary
from core.traces.schema import Trace
from core.traces.snapshot import is_snapshot
from core.traces.sources import Source

_DIGEST = re.compile(r"[0-9a-f]{6,64}")


def report(
    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of a comparison, digest of a recording in the library (or its first letters), or path of a trace."),
    ],
    html_file: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="One HTML file that needs no network.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Summary of a comparison for a pull request, on standard output.")] = False,
    figures_folder: Annotated[
        Path | None, typer.Option("--figures", metavar="DIR", help="Each chart as PNG and SVG, and its numbers as CSV.")
    ] = None,
    price_per_hour: Annotated[float | None, typer.Option(min=0.0, help="Price of an hour of the machine, for what training costs.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="With --figures: on a dark background.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write a report to show to others: nothing private is in it, and nothing else is needed to read it."""
    if html_file is None and figures_folder is None and not as_markdown:
        raise ReportError("Say what to write: --html FILE, --markdown or --figures DIR.")
    if price_per_hour is not None and not math.isfinite(price_per_hour):
        raise ReportError(f"A price of {price_per_hour} an hour is not possible; give a number.")
    if html_file is not None:
        _may_write(html_file, force)
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    if ID.fullmatch(id):
        file, drawn, summary = _of_comparison(id, html_file is not None, figures_folder is not None, as_markdown, price_per_hour)
    else:
        if as_markdown:
            raise ReportError("--markdown summarises a comparison; of a recording there are --html and --figures.")
        file, drawn, summary = *_of_recording(id, html_file is not None, figures_folder is not None), ""
    if html_file is not None:
        _write(html_file, file)
        notes.print(f"Wrote {html_file}.", markup=False)
    if figures_folder is not None:
        _write_figures(drawn, figures_folder, "dark" if dark else "light", force)
        notes.print(f"Wrote {len(drawn)} {'figure' if len(drawn) == 1 else 'figures'} to {figures_folder}.", markup=False)
    sys.stdout.write(summary)


def _of_comparison(
    id: str, as_html: bool, as_figures: bool, as_markdown: bool, price_per_hour: float | None
) -> tuple[bytes, list[Figure], str]:
    """The HTML file, the figures and the Markdown, each where it is wanted."""
    one, redactor = ComparisonStore().load(id), Redactor.here()
    summary = markdown.written(verdict_of(one, redactor)) if as_markdown else ""
    if not as_html and not as_figures:
        return b"", [], summary
    it = gather(one, redactor)
    file = html.written(it, price_per_hour=price_per_hour) if as_html else b""
    return file, figures.comparison_figures(it, price_per_hour=price_per_hour) if as_figures else [], summary


def _of_recording(id: str, as_html: bool, as_figures: bool) -> tuple[bytes, list[Figure]]:
    """The same of a recording in the library or in a file."""
    one = trace_report.gathered(*_trace(id))
    return trace_report.written(one) if as_html else b"", trace_figures.trace_figures(one) if as_figures else []


def _trace(id: str) -> tuple[str, Trace]:
    """Name and content; a path is meant where there is a file of that name, or where it can be nothing else."""
    path, folder = Path(id), traces_folder()
    if path.exists() or not _DIGEST.fullmatch(id):
        if not path.exists():
            raise ReportError(f"'{id}' is no comparison's id, no recording's digest and no file; 'python -m core list' shows the comparisons.")
        if path.is_file() and is_snapshot(sources.head(Source.of(path))):
            raise ReportError(f"{path.name} is a memory snapshot; a report is made of a comparison or of a trace.")
        return path.name, cache.open_trace(path, folder)
    library = TraceLibrary(folder)
    entry = _entry(library.all(), id)
    return entry.name, library.trace(entry.digest)


def _entry(entries: Sequence[Entry], beginning: str) -> Entry:
    found = [entry for entry in entries if entry.digest.startswith(beginning)]
    if not found:
        raise ReportError(f"There is no recording '{beginning[:16]}' in the library; the Library page shows those there are.")
    if len(found) > 1:
        raise ReportError(f"{len(found)} recordings begin with '{beginning}'; give more letters of the digest.")
    if found[0].kind != "trace":
        raise ReportError(f"{found[0].name} is a memory snapshot; a report is made of a comparison or of a trace.")
    return found[0]


def _may_write(path: Path, force: bool) -> None:
    """Raises ReportError where a file would be lost, or before a long wait for one that could not be written."""
    if path.exists() and not force:
        raise ReportError(f"{path} exists; give another name, or --force to overwrite it.")
    if not path.parent.is_dir():
        raise ReportError(f"There is no folder {path.parent}; make it, or give another name.")


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise ReportError(f"{path} cannot be written ({error.strerror}); give another place.") from error


def _write_figures(drawn: Sequence[Figure], folder: Path, theme: str, force: bool) -> None:
    """Three files a figure, or none where one of them exists and may not be overwritten."""
    paths = [[folder / f"{one.name}.{kind}" for kind in ("png", "svg", "csv")] for one in drawn]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"The folder {folder} cannot be made ({error.strerror}); give another name.") from error
    for path in (path for three in paths for path in three):
        _may_write(path, force)
    for one, (as_png, as_svg, as_csv) in zip(drawn, paths, strict=True):
        _write(as_png, images.png(one.chart, theme=theme))
        _write(as_svg, images.svg(one.chart, theme=theme).encode())
        _write(as_csv, one.table.write_csv().encode())
