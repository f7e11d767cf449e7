"""The verdict of a finished comparison: claim first, then its numbers, then what stands in its way."""

from __future__ import annotations

import streamlit as st

from core.analysis.comparison import headline, ratio_marks
from core.charts.pairs import ratio_summary
from core.charts.palette import Sides
from core.model.comparison import VERDICT_LABELS, ComparisonResult, ComparisonSpec, SideSummary
from pages._parts import formats
from pages._parts.states import VERDICTS, show_reasons


def show_verdict(spec: ComparisonSpec, result: ComparisonResult) -> None:
    """Badge, sentence and reasons."""
    claim, numbers = headline(result)
    icon, colour = VERDICTS[result.verdict]
    with st.container(gap="small"):
        st.badge(VERDICT_LABELS[result.verdict], icon=icon, color=colour)  # type: ignore[arg-type]
        if result.verdict == "not_comparable":
            st.title("These two cannot be compared", anchor=False)
        else:
            st.title(formats.plain(claim), anchor=False)
            st.markdown(formats.plain(numbers))
        show_reasons(result)


def show_ratio(result: ComparisonResult) -> None:
    """The ratio on its scale, with interval, noise floor and threshold."""
    if result.ratio is None or result.interval_95 is None:
        return
    low, high = result.interval_95
    words = f"Ratio of step times B over A: {result.ratio:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    st.altair_chart(ratio_summary(ratio_marks(result), result.ratio), width="stretch", alt=words)


def show_sides(result: ComparisonResult, sides: Sides) -> None:
    """The figures of both sides, next to each other."""
    for column, side in zip(st.columns(2, gap="medium"), ("a", "b"), strict=True):
        if side in result.sides:
            with column.container(border=True):
                st.markdown(f"**{formats.plain(sides.name(side))}**")
                _show_metrics(result.sides[side])


def _show_metrics(side: SideSummary) -> None:
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("Step", formats.ms(side.step_ms), "Median time of one training step, over all runs"),
            ("Throughput", formats.count(side.samples_per_s, "samples/s"), "Batch size over step time"),
            ("First step", formats.seconds(side.first_step_s), "Tracing and compilation included"),
            ("Peak memory", formats.size(side.peak_memory_bytes), "Of the GPU allocator; on a CPU, of the process beyond the import"),
            ("Test accuracy", formats.percent(side.test_accuracy, 2), "After the training of a run, median"),
        ):
            st.metric(label, value, help=help, width="content")
