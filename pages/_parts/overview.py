"""The Overview of a store that holds something: the verdict, where the time goes, and what was compared before."""

from __future__ import annotations

import streamlit as st

from core.analysis.comparison import pair_times, phase_times, time_column, unit_of_work
from core.charts.pairs import time_pairs
from core.charts.phases import phase_bars
from core.model.comparison import SIDES, ComparisonResult, ComparisonSpec
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.places import link
from pages._parts.recent import show_recent
from pages._parts.states import show_state
from pages._parts.stored import choose_comparison, sides
from pages._parts.verdict import show_ratio, show_sides, show_verdict


def show_overview(comparisons: list[StoredComparison]) -> None:
    """The chosen comparison and a list of the newest; `comparisons` holds at least one."""
    one = choose_comparison(comparisons)
    assert one is not None
    if show_state(one):
        assert one.spec is not None
        assert one.result is not None
        spec, result, names = one.spec, one.result, sides(one)
        show_verdict(spec, result)
        if result.verdict == "not_comparable":
            link("compare", "See the evidence", comparison=one.id)
        else:
            show_ratio(result, names)
        show_sides(result, names)

        times, phases = pair_times(spec, result), phase_times(result)
        left, right = st.columns(2, gap="large")
        if not times.is_empty():
            with left:
                what = f"{unit_of_work(spec).capitalize()} time"
                st.subheader(f"{what}, pair by pair", anchor=False)
                alt = f"{what} of both sides in {len(result.pairs)} pairs: median {_medians(spec, result)}"
                chart_with_table(time_pairs(times, time_column(spec), names), times, alt=alt, download_name=f"{one.id}-times")
                link("compare", "How sure is this?", comparison=one.id)
        if not phases.is_empty():
            with right:
                st.subheader("Where a whole run's time goes", anchor=False)
                walls = " and ".join(formats.seconds(result.sides[side].wall_s) for side in ("a", "b"))
                alt = f"Phases of a run from its start to its end: {walls} in all"
                chart_with_table(phase_bars(phases, names), phases.drop("order"), alt=alt, download_name=f"{one.id}-phases")
                link("explain", "Why is one step longer?", comparison=one.id)
                link("kernels", "Which operations take the time of a step?", comparison=one.id)

    st.divider()
    show_recent(comparisons)


def _medians(spec: ComparisonSpec, result: ComparisonResult) -> str:
    sides = [result.sides[side] for side in SIDES]
    if spec.measure == "epoch":
        return " and ".join(formats.NONE if side.epoch_ms is None else formats.seconds(side.epoch_ms / 1000) for side in sides)
    return " and ".join(formats.ms(side.step_ms) for side in sides)
