"""Setup findings: made once per session, shown by area with icon, word, reason and remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.machine.checks import run_checks
from core.model.finding import STATUSES, Finding
from pages._parts import formats

_KEY = "setup_findings"
STATUS_BADGES = {
    "ok": ("ok", ":material/check_circle:", "green"),
    "note": ("note", ":material/info:", "blue"),
    "unknown": ("unknown", ":material/help:", "gray"),
    "warning": ("warning", ":material/warning:", "orange"),
    "problem": ("problem", ":material/error:", "red"),
}


def checked() -> tuple[list[Finding], str]:
    """The session's findings and when they were made (ISO 8601); the first time it looks, which takes a quarter of a minute."""
    if _KEY not in st.session_state:
        bar = st.progress(0.0, text="Looking at this machine")

        def progress(label: str, done: int, total: int) -> None:
            bar.progress(done / total, text=f"Looking at {label} ({done} of {total})")

        findings = run_checks(progress=progress)
        bar.empty()
        st.session_state[_KEY] = (findings, datetime.now(UTC).isoformat())
    return st.session_state[_KEY]


def is_checked() -> bool:
    """Has this session looked already?"""
    return _KEY in st.session_state


def recheck() -> None:
    """Forget the findings, so that they are made again in this very run of the page."""
    st.session_state.pop(_KEY, None)


def status_counts(findings: Sequence[Finding]) -> str:
    """`14 ok, 2 warnings.`, worst last."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(_counted(counts[status], status) for status in STATUSES if counts[status]) + "."


def _counted(count: int, status: str) -> str:
    return f"{count} {status}{'s' if count > 1 and status not in ('ok', 'unknown') else ''}"


def show_area(label: str, group: Sequence[Finding]) -> None:
    """One area; open where something is wrong."""
    worst = max(group, key=lambda finding: STATUSES.index(finding.status)).status
    icon = STATUS_BADGES[worst][1]
    summary = f"{label}: {len(group)} ok" if worst == "ok" else f"{label}: {status_counts(group).removesuffix('.')}"
    with st.expander(summary, icon=icon, expanded=worst in ("warning", "problem"), key=f"area_{label}"):
        for finding in sorted(group, key=lambda finding: -STATUSES.index(finding.status)):
            _show(finding)


def _show(finding: Finding) -> None:
    word, icon, colour = STATUS_BADGES[finding.status]
    left, right = st.columns([1, 5], gap="small")
    with left:
        st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]
    with right:
        harm = " · :orange[times cannot be trusted while this stands]" if finding.harms_timing else ""
        st.markdown(f"**{formats.plain(finding.title)}** · {formats.plain(finding.seen)}{harm}")
        st.caption(formats.plain(finding.why))
        if finding.remedy:
            _remedy(finding.remedy)


def _remedy(remedy: str) -> None:
    """What to do; each command in it stands in a box from which it can be copied."""
    commands = commands_in(remedy)
    if commands != [remedy]:
        st.markdown(f"**What to do:** {formats.plain(remedy)}")
    for command in commands:
        st.code(command, language="bash", wrap_lines=True)


def commands_in(remedy: str) -> list[str]:
    """Commands of a remedy: what it puts in quotes and has more than one word; all of it where it is no sentence."""
    quoted = re.findall(r"'([^']+ [^']+)'", remedy)
    return quoted or ([] if remedy.endswith(".") else [remedy])
