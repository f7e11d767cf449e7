"""A comparison as a summary for a pull request, in the Markdown of GitHub."""

from __future__ import annotations

import re

from core.analysis import comparison as tables
from core.model.comparison import SIDES, ComparisonResult
from core.report import formats, words
from core.report.material import Verdict, verdict_of
from core.store.comparisons import StoredComparison
from core.store.privacy import Redactor

#: What GitHub takes for markup anywhere in a line, and what it takes for a list, a heading or a rule at its beginning.
_ANYWHERE = re.compile(r"([\\`*_{}\[\]()<>#|~&!$@])")
_AT_BEGINNING = re.compile(r"^(\d+)([.)])|^([-+=:])")
_WEB_ADDRESS = re.compile(r"(?i)\b(www)\.|(https?|ftp):")
#: The other way to write the number of an issue.
_ISSUE = re.compile(r"(?i)\b(gh-)(?=\d)")
#: Between a sign and a name, so that nobody is called by a text that only looks like `@name`, `#1` or `GH-1`.
_UNSEEN = "\u200b"
#: Rows of the table of both sides; the rest is in the report.
_FIGURES = ("epoch", "step", "batch, p50", "batch, p99", "throughput", "first step", "first batch", "whole process", "peak memory", "test accuracy")


def comparison_markdown(one: StoredComparison) -> str:
    """The summary, with nothing of this machine's users in it. Raises ReportError where the comparison has no result."""
    return written(verdict_of(one, Redactor.here()))


def written(it: Verdict) -> str:
    """The summary of what was gathered."""
    result = it.result
    badges = " · ".join(escaped(label) for label in words.badges(result, made_up=it.made_up))
    parts = [
        f"### {escaped(words.title(result))}",
        " · ".join(filter(None, [f"**{badges}**", escaped(words.numbers(result))])),
        _sides(it),
        _reasons(result),
        escaped(result.error.message) if result.error else "",
        escaped(words.parity(result)) if result.parity else "",
        f"<sub>{escaped(words.setting(it.spec, result))}</sub>",
        f"<sub>{machine}</sub>" if (machine := escaped(words.machine(result.environment))) else "",
        f"<details><summary>Do it again</summary>\n\n{_fenced(tables.command(it.spec))}\n\n</details>",
        f"<sub>Comparison {it.id}, {formats.universal_moment(it.spec.created)}</sub>",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _sides(it: Verdict) -> str:
    """The main figures of both sides; empty where nothing was measured."""
    rows = [row for row in tables.side_table(it.result, it.spec.task).iter_rows(named=True) if row["figure"] in _FIGURES]
    if not rows:
        return ""
    lines = [f"| median over runs | {escaped(it.sides.a)} | {escaped(it.sides.b)} | B ÷ A |", "|---|---:|---:|---:|"]
    for row in rows:
        a, b = (_with_unit(row[side], row["unit"]) for side in SIDES)
        ratio = formats.NONE if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(f"| {row['figure']} | {a} | {b} | {ratio} |")
    return "\n".join(lines)


def _with_unit(value: float | None, unit: str) -> str:
    # From 9,999.5 on four digits would be rounded to a number with an exponent.
    return formats.NONE if value is None else f"{value:,.4g} {unit}".rstrip() if abs(value) < 9_999.5 else f"{value:,.0f} {unit}".rstrip()


def _reasons(result: ComparisonResult) -> str:
    if result.error is not None or not result.reasons:
        return ""
    kind = "WARNING" if result.verdict == "not_comparable" else "NOTE"
    return "\n".join([f"> [!{kind}]", *(f"> - {escaped(reason)}" for reason in result.reasons)])


def _fenced(command: str) -> str:
    """A command as it is: its fence is longer than any that stands in it."""
    longest = max((len(run) for run in re.findall(r"`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}bash\n{command}\n{fence}"


def escaped(text: str) -> str:
    """Text of unknown origin in one line, so that GitHub shows it letter by letter, links nothing and calls nobody."""
    line = " ".join(text.split())
    line = _ANYWHERE.sub(r"\\\1", line)
    line = _AT_BEGINNING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", line)
    line = _WEB_ADDRESS.sub(lambda found: f"{found[1]}\\." if found[1] else f"{found[2]}\\:", line)
    return _ISSUE.sub(rf"\1{_UNSEEN}", line).replace("@", f"@{_UNSEEN}").replace("#", f"#{_UNSEEN}")
