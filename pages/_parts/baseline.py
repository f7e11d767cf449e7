"""Another comparison beside the one that is shown: of another version, or of another machine."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.baseline import Beside, beside, environment_changes, ratio_intervals
from core.charts.baseline import baseline_forest
from core.report.measured import measured
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.library_bundle import show_origin
from pages._parts.stored import comparison_label, comparison_labels

#: Name of the query parameter.
BASELINE = "baseline"
_WIDGET = "baseline_picker"
_MANY = 20


def choose_baseline(one: StoredComparison, comparisons: list[StoredComparison]) -> StoredComparison | None:
    """A picker whose choice is the query parameter `baseline`, those of the same workload first; not drawn where there is no other."""
    others = [other for other in comparisons if other.id != one.id and other.result is not None and other.result.pairs]
    others.sort(key=lambda other: _workload(other) != _workload(one))
    by_id = {other.id: other for other in others}
    asked = st.query_params.get(BASELINE)
    if asked is not None and asked not in by_id:
        del st.query_params[BASELINE]
        if asked != one.id:
            st.warning(f"There is no comparison {formats.plain(asked[:60])} with pairs here; it was deleted, or made on another machine.",
                       title="The baseline is not here", icon=":material/link_off:")  # fmt: skip
        asked = None
    if not by_id:
        return None
    st.session_state[_WIDGET] = asked or ""
    labels = comparison_labels(others)
    chosen: str = st.selectbox(
        "Beside", ["", *by_id], format_func=lambda id: labels[id] if id else "beside: nothing", key=_WIDGET,
        label_visibility="collapsed", on_change=_keep,
        help="Of another version, or of another machine: the Library imports bundles.",
    )  # fmt: skip
    return by_id.get(chosen)


def show_baseline(one: StoredComparison, other: StoredComparison) -> None:
    """What takes longer than in the other, and what else is not the same."""
    this, baseline = measured(one), measured(other)
    found = beside(this, baseline)
    with st.container(border=True):
        st.subheader("Beside the baseline", anchor=False)
        st.caption(formats.plain(comparison_label(other)))
        show_origin(other)
        _show_words(found)
        intervals = ratio_intervals(this, baseline, found)
        if not intervals.is_empty():
            words = "Ratios with their 95 % intervals: " + "; ".join(f"{row['what']} {row['ratio']:.3f}" for row in intervals.iter_rows(named=True))
            chart_with_table(baseline_forest(intervals), intervals, alt=words, download_name=f"{one.id}-baseline", columns=_columns())
        _show_changes(environment_changes(this, baseline))


def _show_words(found: Beside) -> None:
    if found.doubts:
        st.warning("\n".join(f"- {formats.plain(doubt)}" for doubt in found.doubts), title="Nothing can be concluded from these two",
                   icon=":material/block:")  # fmt: skip
    sentences = [sentence for side in found.sides for sentence in side.sentences()]
    if sentences:
        st.markdown("\n".join(f"- {formats.plain(sentence)}" for sentence in sentences))


def _show_changes(changes: pl.DataFrame) -> None:
    if changes.is_empty():
        st.caption("Nothing else is known to differ between the two.")
        return
    with st.expander(f"What else differs: {len(changes)}", icon=":material/difference:", type="compact"):
        st.dataframe(changes, hide_index=True, height="content" if len(changes) < _MANY else 560)


def _columns() -> dict[str, object]:
    number = st.column_config.NumberColumn
    return {"what": "", "kind": "ratio of", "ratio": number("ratio", format="%.3f"), "low": number("95 % from", format="%.3f"),
            "high": number("to", format="%.3f")}  # fmt: skip


def _workload(one: StoredComparison) -> str:
    return one.spec.workload_name if one.spec else ""


def _keep() -> None:
    chosen = st.session_state[_WIDGET]
    if chosen:
        st.query_params[BASELINE] = chosen
    else:
        st.query_params.pop(BASELINE, None)
