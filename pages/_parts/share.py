"""Sharing a comparison: one file to read, a summary to paste, a bundle to take to another machine."""

from __future__ import annotations

import streamlit as st

from core.model.hosted import is_hosted
from core.report.html import comparison_html
from core.report.markdown import comparison_markdown
from core.store.bundle import SUFFIX, pack
from core.store.comparisons import StoredComparison
from core.store.privacy import Redactor
from pages._parts.room import room_for
from pages._parts.stored import bytes_on_disk

#: What making a report takes at its highest point, and a bundle beyond its files.
_REPORT_BYTES, _BUNDLE_BYTES = 130 * 2**20, 20 * 2**20


def _report(one: StoredComparison) -> bytes:
    with room_for(_REPORT_BYTES):
        return comparison_html(one)


def _bundle(one: StoredComparison) -> bytes:
    with room_for(_BUNDLE_BYTES + 2 * bytes_on_disk(one)):
        return pack([one], Redactor.here())


def show_share(one: StoredComparison) -> None:
    """The three, of a comparison that has a result; a file is made when it is asked for."""
    st.caption("Nothing in these says who made them: names of users, of this machine and of home folders are taken out.")
    if is_hosted():
        st.caption("This demo makes one file at a time, while it has the memory for it; where that fails, try it again in a minute.")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**A report to read**")
        st.caption("Verdict, charts, proof and every raw row in one HTML file, which any browser opens without a network.")
        st.download_button("HTML report", lambda: _report(one), file_name=f"{one.id}.html", mime="text/html",
                           icon=":material/download:", key="share_html", on_click="ignore")  # fmt: skip
    with right, st.container(border=True):
        st.markdown("**A bundle to take along**")
        st.caption("Everything that is here of the comparison, its profiles too; this app on another machine imports it and shows the same.")
        st.download_button("Bundle", lambda: _bundle(one), file_name=f"{one.id}{SUFFIX}", mime="application/zip",
                           icon=":material/download:", key="share_bundle", on_click="ignore")  # fmt: skip
    st.markdown("**A summary for a pull request**")
    st.code(comparison_markdown(one), language="markdown", wrap_lines=True)
    st.caption("The same on the command line:")
    st.code(f"python -m core report {one.id} --html report.html\npython -m core report {one.id} --markdown", language="bash")
