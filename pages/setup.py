"""Setup: can this machine run both, and can its numbers be trusted?"""

from __future__ import annotations

import streamlit as st

from core.machine.checks import AREA_LABELS, as_markdown, by_area, trust_sentence, trustworthy
from core.model.finding import Finding
from core.model.hosted import is_hosted
from pages._parts import formats
from pages._parts.findings import checked, is_checked, recheck, show_area, status_counts
from pages._parts.places import link
from pages._parts.processor import show_processor
from pages._parts.queue import unfinished_comparisons


def main() -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Setup", anchor=False, width="content")
        if st.button(
            "Check again",
            icon=":material/refresh:",
            key="recheck",
            help="About a quarter of a minute; each framework is started once.",
        ):
            recheck()
    verdict = st.container()
    st.subheader("Who uses the processor now", anchor=False)
    show_processor()
    if not is_checked() and not _may_check():
        return
    findings, when = checked()
    with verdict:
        _verdict(findings, when)
    st.subheader("What was checked", anchor=False)
    for area, group in by_area(findings).items():
        show_area(AREA_LABELS[area], group)
    _share(findings)


def _may_check() -> bool:
    """Starting both frameworks would disturb a comparison that is being timed: then only who insists may."""
    running = next((one for one in unfinished_comparisons() if one.state == "running"), None)
    if running is None:
        return True
    st.info("Checking starts both frameworks, which would disturb it. Come back when it is done.", title="A comparison is running",
            icon=":material/timer:")  # fmt: skip
    link("run", "Watch it", comparison=running.id)
    return st.button("Check all the same", icon=":material/priority_high:", key="check_anyway")


def _verdict(findings: list[Finding], when: str) -> None:
    """Yes or no, with what stands against it."""
    startable = [finding for finding in findings if finding.id.endswith(".import")]
    if all(finding.status == "ok" for finding in startable):
        runs = "Both frameworks start."
    else:
        runs = "Not every framework starts: " + ", ".join(finding.title for finding in startable if finding.status != "ok") + "."
    words = f"{runs} {status_counts(findings)} Checked {formats.ago(when)}."
    if trustworthy(findings):
        st.success(formats.plain(words), title=trust_sentence(findings), icon=":material/verified:")
    else:
        st.warning(formats.plain(words), title=trust_sentence(findings), icon=":material/gpp_maybe:")


def _share(findings: list[Finding]) -> None:
    with st.expander("Copy as Markdown", icon=":material/content_copy:"):
        st.caption("To paste into an issue or a chat; it names this machine's hardware and versions.")
        st.code(as_markdown(findings), language="markdown", height=320)
    with st.expander("Look deeper", icon=":material/troubleshoot:"):
        st.markdown("Also trains and profiles ten steps in each framework, which shows whether the profilers work. In a terminal:")
        st.code("python -m core doctor --deep", language="bash")


if is_hosted():
    from pages._parts.recorded_setup import show_recorded_setup

    show_recorded_setup()
else:
    main()
