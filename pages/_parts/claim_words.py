"""How a claim's verdict looks and reads."""

from __future__ import annotations

import streamlit as st

from core.model.claim import CLAIM_VERDICT_LABELS, ClaimResult

VERDICTS = {
    "holds": (":material/check_circle:", "green"),
    "does_not_hold": (":material/cancel:", "red"),
    "cannot_tell": (":material/help:", "orange"),
    "needs_gpu": (":material/developer_board:", "blue"),
    "not_measurable": (":material/straighten:", "violet"),
    "open": (":material/radio_button_unchecked:", "gray"),
}


def verdict_badge(verdict: str) -> None:
    """A verdict as icon, word and colour."""
    icon, colour = VERDICTS[verdict]
    st.badge(CLAIM_VERDICT_LABELS[verdict], icon=icon, color=colour)  # type: ignore[arg-type]


def interval_words(result: ClaimResult) -> str:
    """The estimate with its interval; empty where there is none."""
    if result.estimate is None or result.interval is None:
        return ""
    low, high = result.interval
    return f"{result.estimate:.3g}, 95 % interval {low:.3g} to {high:.3g}: {result.estimate_is}"
