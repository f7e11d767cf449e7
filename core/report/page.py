"""One self-contained HTML document: charts, tables and raw rows in it, nothing fetched, no script but its own."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from core.charts.colours import FRAMEWORK_COLOURS
from core.report import formats, images
from core.report.figure import Figure

#: A folded table with more rows is not printed.
_SHORT_ROWS = 60
_MARK = (
    '<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">'
    f'<rect y="1" width="13" height="7" rx="2" fill="{FRAMEWORK_COLOURS["tensorflow"]}"/>'
    f'<rect y="12" width="20" height="7" rx="2" fill="{FRAMEWORK_COLOURS["pytorch"]}"/></svg>'
)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table that the document carries as data and hands out as a file."""

    name: str
    """Of the file, without an extension."""
    label: str
    """On the button."""
    table: pl.DataFrame


def text(value: object) -> str:
    """Anything as text of the document, whatever letters are in it."""
    return escape(str(value), quote=True)


def heading(title: str, says: str, *, badges: Sequence[str] = (), setting: str = "", reasons: Sequence[str] = (), reasons_title: str = "") -> str:
    """The document's beginning: what it claims, the words around it, and what stands in its way."""
    labels = "".join(f'<span class="badge">{text(label)}</span>' for label in badges)
    parts = [
        f'<p class="product">{_MARK} Framework Showdown</p>',
        f"<h1>{text(title)}</h1>",
        f"<p>{labels}</p>" if labels else "",
        f'<p class="setting">{text(setting)}</p>' if setting else "",
        f'<p class="numbers">{text(says)}</p>' if says else "",
    ]
    if reasons:
        lines = "".join(f"<li>{text(reason)}</li>" for reason in reasons)
        parts.append(f'<div class="reasons"><p>{text(reasons_title)}</p><ul>{lines}</ul></div>')
    return "<header>" + "\n".join(filter(None, parts)) + "</header>"


def section(title: str, *parts: str) -> str:
    """A part with a heading of its own; nothing where nothing is in it."""
    content = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{text(title)}</h2>\n{content}\n</section>" if content else ""


def figure(one: Figure) -> str:
    """The chart, what it says, and its numbers folded below it."""
    return "\n".join(
        [
            f"<h3>{text(one.title)}</h3>",
            "<figure>",
            f'<div class="chart" data-chart="chart-{text(one.name)}" role="img" aria-label="{text(one.says)}"></div>',
            f"<figcaption>{text(one.says)}</figcaption>",
            "</figure>",
            _data(f"chart-{one.name}", _chart_spec(one)),
            f'<p class="note">{text(one.note)}</p>' if one.note else "",
            folded("The numbers behind it", table(one.table, one.title), short=len(one.table) <= _SHORT_ROWS),
        ]
    )


def _chart_spec(one: Figure) -> dict[str, Any]:
    """With the colours of the document, which change with its reader's preference, and without what only a page can pick."""
    spec = images.spec_of(one.chart, text="currentColor", background="transparent", width="container")
    # What the renderer tells those who do not see: it takes the place of the label that stands there before.
    return {name: value for name, value in spec.items() if name != "params"} | {"description": one.says}


def folded(summary: str, content: str, *, short: bool = False) -> str:
    """Content that unfolds by a click; short content is unfolded when the document is printed."""
    return f"<details{' data-short' if short else ''}><summary>{text(summary)}</summary>\n{content}\n</details>"


def table(frame: pl.DataFrame, caption: str) -> str:
    """A frame as a table; `caption` is for those who do not see where it stands."""
    numeric = {name: kind.is_numeric() for name, kind in frame.schema.items()}
    head = "".join(f'<th scope="col"{_number(numeric[name])}>{text(formats.heading(name))}</th>' for name in frame.columns)
    kinds = [_number(numeric[name]) for name in frame.columns]
    body = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{text(formats.cell(value))}</td>" for kind, value in zip(kinds, row, strict=True)) + "</tr>"
        for row in frame.iter_rows()
    )
    return _wide(f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>", caption)


def facts(rows: Iterable[tuple[str, object]], caption: str) -> str:
    """Names and values; what has no value is left out."""
    known = [(name, value) for name, value in rows if value not in (None, "", [])]
    body = "\n".join(f'<tr><th scope="row">{text(name)}</th><td>{text(formats.cell(value))}</td></tr>' for name, value in known)
    return _wide(f"<tbody>\n{body}\n</tbody>", caption) if known else ""


def _wide(content: str, caption: str) -> str:
    """A table that scrolls in its own place: a document never does so sideways."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{text(caption)}"><table>\n{content}\n</table></div>'


def _number(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def code(lines: str) -> str:
    """A command or another text to copy."""
    return f"<pre><code>{text(lines)}</code></pre>"


def paragraph(words: str) -> str:
    return f"<p>{text(words)}</p>" if words else ""


def downloads(tables: Sequence[Rows]) -> str:
    """Raw rows, embedded, and a button for each that makes a CSV of them."""
    buttons = "".join(
        f'<button type="button" data-rows="rows-{text(one.name)}" data-file="{text(one.name)}.csv">{text(one.label)}</button>' for one in tables
    )
    data = "\n".join(_data(f"rows-{one.name}", _columns(one.table)) for one in tables)
    return f'<p class="downloads">{buttons}</p>\n{data}'


def _columns(frame: pl.DataFrame) -> Mapping[str, list[Any]]:
    """Column by column, which is shorter than row by row."""
    return frame.to_dict(as_series=False)


def _data(identifier: str, value: Any) -> str:
    """JSON that no browser takes for markup: `<`, which only stands in texts, is written as its number."""
    content = msgspec.json.encode(value).decode().replace("<", "\\u003c")
    return f'<script type="application/json" id="{text(identifier)}">{content}</script>'


def document(title: str, body: Sequence[str]) -> bytes:
    """The whole file, UTF-8."""
    scripts = [_libraries(), _asset("page.js")]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            # The renderer writes styles into the elements that it makes.
            "style-src 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    content = "\n".join(filter(None, body))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>
{_asset("page.css")}</style>
</head>
<body>
<main>
{content}
<noscript><p>The charts are drawn by a script of this file, which is not run here; every number is in the tables.</p></noscript>
</main>
{"".join(f"<script>{script}</script>" for script in scripts)}
</body>
</html>
""".encode()


def _digest(script: str) -> str:
    """What the policy knows a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@functools.cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@functools.cache
def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; made once, for it takes a moment.

    Read as HTML it must neither end before its end nor have another line ending, or its digest would not be that of what is run.
    """
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=images.VEGALITE_VERSION)
    script = bundle.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"<(/script|!--)", r"<\\\1", script, flags=re.IGNORECASE)
