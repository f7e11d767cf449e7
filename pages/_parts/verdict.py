"""The verdict of a finished comparison: claim first, then its numbers, then what stands in its way."""

from __future__ import annotations

import streamlit as st

from core.analysis.comparison import headline, ratio_marks
from core.charts.pairs import ratio_summary
from core.charts.palette import Sides, verdict_colour
from core.model.comparison import VERDICT_LABELS, ComparisonResult, ComparisonSpec, SideSummary
from core.report.words import made_up_data, setting
from pages._parts import formats
from pages._parts.states import VERDICTS, show_reasons


def show_verdict(spec: ComparisonSpec, result: ComparisonResult) -> None:
    """Badges, sentence and reasons."""
    claim, numbers = headline(result)
    icon, colour = VERDICTS[result.verdict]
    timed_anyway = result.identical is False and bool(result.pairs)
    st.title("Not comparable" if result.verdict == "not_comparable" else formats.plain(claim), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(VERDICT_LABELS[result.verdict], icon=icon, color=colour)  # type: ignore[arg-type]
        if timed_anyway:
            st.badge("not the same model", icon=":material/difference:", color="orange")
        if made_up_data(spec.workload):
            st.badge("made-up data: accuracy means nothing", icon=":material/casino:", color="gray")
        st.caption(formats.plain(setting(spec, result)), width="content")
    if result.verdict != "not_comparable":
        st.markdown(formats.plain(numbers))
    show_reasons(result)


def show_ratio(result: ComparisonResult, sides: Sides) -> None:
    """The ratio on its scale, with interval, noise floor and threshold."""
    if result.ratio is None or result.interval_95 is None:
        return
    low, high = result.interval_95
    words = f"Ratio of times B over A: {result.ratio:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    st.altair_chart(ratio_summary(ratio_marks(result), result.ratio, verdict_colour(sides, result.faster_side)), width="stretch", alt=words)


def show_sides(result: ComparisonResult, sides: Sides) -> None:
    """The figures of both sides, next to each other."""
    for column, side in zip(st.columns(2, gap="medium"), ("a", "b"), strict=True):
        if side in result.sides:
            with column.container(border=True):
                st.markdown(f"**{formats.plain(sides.name(side))}**")
                _show_metrics(result.sides[side])


def _show_metrics(side: SideSummary) -> None:
    inference = side.step_p99_ms is not None
    figures = {
        "Epoch": None if side.epoch_ms is None else formats.seconds(side.epoch_ms / 1000),
        "Batch, p50" if inference else "Step": formats.ms(side.step_ms),
        "Batch, p99": formats.ms(side.step_p99_ms) if inference else None,
        "Samples per s": formats.count(side.samples_per_s),
        "First batch" if inference else "First step": None if side.first_step_s is None else formats.seconds(side.first_step_s),
        "Peak memory": formats.size(side.peak_memory_bytes),
        "Test accuracy": None if side.test_accuracy is None else formats.percent(side.test_accuracy),
    }
    with st.container(horizontal=True, gap="small"):
        for label, value in figures.items():
            if value is not None:
                st.metric(label, value, width="content")
