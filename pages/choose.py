"""Choose: which fits my project?"""

from __future__ import annotations

import streamlit as st

from core.analysis.choose import MAX_WEIGHT, Cell, Decision, cell, choice_table, decide, flip_words, sentence
from core.charts.choose import contributions, tipping
from core.claims.criteria import CRITERIA
from core.model.variant import FRAMEWORK_LABELS
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.choose_evidence import measured_here, own_judgement, show_evidence

DEFAULT_WEIGHT = 5
_COLUMNS = {
    "criterion": st.column_config.TextColumn("criterion"),
    "weight": st.column_config.NumberColumn("weight", format="%d"),
    "basis": st.column_config.TextColumn("rests on"),
    "outcome": st.column_config.TextColumn("outcome"),
    "score": st.column_config.NumberColumn("score", format="%+.2f", help="-1: PyTorch, 1: TensorFlow."),
    "low": st.column_config.NumberColumn("from", format="%+.2f"),
    "high": st.column_config.NumberColumn("to", format="%+.2f"),
    "tensorflow": st.column_config.NumberColumn("TensorFlow (points)", format="%.1f"),
    "pytorch": st.column_config.NumberColumn("PyTorch (points)", format="%.1f"),
    "evidence": st.column_config.TextColumn("evidence"),
}


def main() -> None:
    st.title("Choose", anchor=False)
    st.markdown("Which fits your project? You weigh; each criterion shows what it rests on, and a tie is called a tie.")
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        weights = _weights()
    found = measured_here()
    cells = [cell(one, found.get(one.measure, []), own=own_judgement(one.id)) for one in CRITERIA]
    decision = decide(cells, weights)
    table = choice_table(cells, weights)
    with right:
        _show_decision(decision)
        if decision.outcome != "unknown":
            points = ", ".join(f"{FRAMEWORK_LABELS[name]} {value:.0f}" for name, value in decision.points.items())
            chart_with_table(contributions(table), table, alt=f"Two bars of points by criterion: {points} of 100.", columns=_COLUMNS,
                             download_name="choice")  # fmt: skip
            st.markdown("**Which way each tips, and how far it might**")
            st.altair_chart(tipping(table), width="stretch", alt=_tipping_words(cells))
            st.caption(
                "A measured ratio scores its binary logarithm, twice as good is 1, and only where a difference was shown; the line is its 95 % "
                "interval. What is judged has a direction but no size: it scores 0.5, anywhere from 0 to 1. Thicker: more weight."
            )
    st.subheader("What it rests on", anchor=False)
    for one in cells:
        show_evidence(one)


def _weights() -> dict[str, float]:
    """A slider for each criterion, kept in the address."""
    st.markdown("**How much does it matter to you?**")
    return {
        one.id: st.slider(one.title, 0, MAX_WEIGHT, DEFAULT_WEIGHT, key=f"weight_{one.id}", bind="query-params", help=one.question)
        for one in CRITERIA
    }


def _show_decision(decision: Decision) -> None:
    words = formats.plain(sentence(decision))
    match decision.outcome:
        case "tensorflow" | "pytorch":
            st.success(words, title=f"{FRAMEWORK_LABELS[decision.outcome]}, by these weights", icon=":material/balance:")
        case "tie":
            st.info(words, title="A tie", icon=":material/drag_handle:")
        case "depends":
            st.warning(words, title="It depends", icon=":material/help:")
        case _:
            st.info(words, icon=":material/tune:")
    if decision.flips:
        lines = "; ".join(flip_words(flip) for flip in decision.flips[:3])
        st.markdown(f"One weight alone would turn it — {formats.plain(lines)}.")
    elif decision.outcome in ("tensorflow", "pytorch"):
        st.markdown("No single weight would turn it.")
    if decision.left_out:
        names = ", ".join(one.criterion.title for one in decision.left_out)
        st.caption(f"Without evidence that can be weighed, and so left out: {names}.")


def _tipping_words(cells: list[Cell]) -> str:
    known = [f"{one.criterion.title} {one.outcome_label}" for one in cells if one.score is not None]
    return f"A dot with its range for each criterion: {', '.join(known)}."


main()
