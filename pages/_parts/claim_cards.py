"""One claim: what the article says, what is known, what was measured here."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analysis.claims import evidence_intervals, evidence_table, is_factor
from core.charts.claims import evidence_forest
from core.charts.ratio_axis import RATIO_TITLE
from core.charts.waterfall import waterfall
from core.claims.ledger import LedgerRow
from core.model.claim import ClaimResult
from core.model.hosted import is_hosted
from core.store.claims import ClaimStore
from pages._parts import formats
from pages._parts.charts import chart_with_table, downloads
from pages._parts.claim_runs import here, machine_words, start
from pages._parts.claim_words import interval_words, verdict_badge
from pages._parts.places import link

#: What the columns of evidence are called on an axis; a ratio's name depends on what was compared.
TITLES = {
    "mean_percent": "test accuracy (%)",
    "cost_per_epoch": "cost of an epoch, in the currency of the price",
    "eager_over_compiled_step": "eager step ÷ compiled step",
}


def show_claim(store: ClaimStore, row: LedgerRow, *, busy: bool) -> None:
    """Everything about one claim; its evidence is read when it is unfolded."""
    claim, result = row.claim, row.result
    with st.container(border=True, key=f"claim-{claim.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            verdict_badge(row.verdict)
            st.markdown(f"**{formats.plain(claim.says)}**", width="stretch")
            st.caption(claim.id, width="content")
        if (row.verdict != "open" or row.stored.failure or row.stored.problem) and not row.reason.startswith(claim.known):
            st.markdown(formats.plain(row.reason))
        if result is not None and (words := interval_words(result)):
            st.markdown(f":material/straighten: {formats.plain(words)}")
        st.caption(f"Known: {formats.plain(claim.known)} Source: {formats.plain(claim.source)}, as of {claim.as_of}.")
        st.caption(f"Experiment: {formats.plain(claim.experiment)}")
        _actions(store, row, busy)
        if result is not None and result.rows:
            # A row of comparisons makes a chart worth seeing at once; a table can wait.
            shown = len(result.comparisons) > 1
            evidence = st.expander("Evidence", shown, icon=":material/table:", type="compact", key=f"evidence_{claim.id}", on_change="rerun")
            if evidence.open:
                with evidence:
                    _evidence(result)
        failure = row.stored.failure
        if failure is not None and result is not None:
            st.warning(formats.plain(failure.reason), title="A later attempt gave no result", icon=":material/error:")
        if failure is not None and failure.log_tail:
            st.code("\n".join(failure.log_tail), language=None)


def _actions(store: ClaimStore, row: LedgerRow, busy: bool) -> None:
    claim, result = row.claim, row.result
    with st.container(horizontal=True, vertical_alignment="center"):
        if (claim.measurable or claim.id == "cost") and not is_hosted():
            label = "Test it" if result is None else "Test it again"
            again = [] if result is None else ["--again"]
            why = "Claims are being tested; wait or stop that first." if busy else f"About {formats.seconds(max(1.0, claim.estimate_s))}."
            if st.button(label, icon=":material/science:", key=f"test_{claim.id}", disabled=busy, help=why):
                start(store, [claim.id, *again])
        if row.comparison is not None:
            others = len(row.result.comparisons) - 1 if row.result else 0
            more = f" (and {others} more in the evidence)" if others else ""
            link("compare", f"The comparison behind it{more}", comparison=row.comparison)
        if result is not None:
            st.caption(_when(result), width="content")
    if is_hosted() and claim.measurable and row.verdict != "needs_gpu":
        st.caption(f"On your machine, `{claim.command}` tests it.")
    if row.verdict == "needs_gpu":
        st.caption("On a machine with an NVIDIA GPU, this tests it:")
        st.code(claim.command, language="bash")


def _when(result: ClaimResult) -> str:
    took = f" in {formats.seconds(result.duration_s)}" if result.duration_s and result.duration_s >= 1 else ""
    if is_hosted():
        on = machine_words(result)
        return formats.plain(f"tested {formats.ago(result.tested)}{took}" + (f" on {on}" if on else ""))
    elsewhere = "" if result.environment == here() else "; on another machine or with other versions than now"
    return f"tested {formats.ago(result.tested)}{took}{elsewhere}"


def _evidence(result: ClaimResult) -> None:
    """The chart where rows have intervals, and the table always."""
    table = evidence_table(result.rows)
    name = f"claim-{result.id}"
    intervals = evidence_intervals(result.rows)
    columns = _columns(compared=bool(result.comparisons))
    if result.id == "code-same":
        st.caption("A: TensorFlow. B: PyTorch. Each bar: how the ratio moves when one more difference is made equal.")
        chart_with_table(
            waterfall(table), table, download_name=name, columns=columns,
            alt="Bars: the ratio of epoch times, PyTorch over TensorFlow, as one difference after another is made equal.",
        )  # fmt: skip
    elif intervals["measure"].n_unique() == 1 and intervals["what"].n_unique() == len(intervals):
        measure = intervals["measure"][0]
        title = TITLES.get(measure) or (RATIO_TITLE if result.comparisons else result.estimate_is.partition(",")[0] or "ratio")
        chart_with_table(
            evidence_forest(intervals, title=title, factor=is_factor(measure)), table, download_name=name, columns=columns,
            alt=f"A point with its 95 % interval for each of {len(intervals)} measurements: {title}.",
        )  # fmt: skip
    else:
        st.dataframe(table, hide_index=True, column_config=columns)
        downloads(table, name)
    if len(result.comparisons) > 1:
        with st.container(horizontal=True):
            for place, id in enumerate(result.comparisons):
                link("compare", _step(result, id, place), comparison=id)


def _step(result: ClaimResult, id: str, place: int) -> str:
    """What a comparison shows, by the row that names it."""
    names = (row.get("knob") or row.get("what") for row in result.rows if row.get("comparison") == id)
    return str(next(names, None) or f"Comparison {place + 1}")


def _columns(*, compared: bool) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    of_comparisons = {"ratio": number("B ÷ A", format="%.3f", help="Time of B over time of A; above 1, A is faster")} if compared else {}
    return {
        **of_comparisons,
        "low": number("95 % from", format="%.3f"),
        "high": number("to", format="%.3f"),
        "noise_floor": number("noise floor", format="%.3f"),
        "flops_per_sample": number("FLOPs per sample", format="compact"),
        "size_bytes": number("size", format="bytes"),
        "a_peak_bytes": number("peak of A", format="bytes"),
        "b_peak_bytes": number("peak of B", format="bytes"),
    }
