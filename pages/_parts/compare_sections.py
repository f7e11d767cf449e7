"""The sections of the Compare page: each answers one question with a chart, its table and a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from core.analysis import comparison as tables
from core.analysis.cost import training_cost
from core.analysis.load import load_over_time, run_spans
from core.bench.environment import differences
from core.charts.cost import cost_bars
from core.charts.learning import AXES, accuracy_points, loss_curves
from core.charts.load import load_timeline
from core.charts.memory import KIND_LABELS, memory_points
from core.charts.pairs import CLOCKS, ratio_per_pair
from core.charts.palette import Sides, verdict_colour
from core.charts.parity import parity_gates
from core.charts.phases import phase_bars
from core.charts.steps import block_distributions
from core.model.comparison import AccuracyComparison, ComparisonResult, ComparisonSpec
from core.model.hosted import is_hosted
from core.report.files import blocks, load_samples
from core.report.words import made_up_data, steadiness
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.charts import chart_with_table, parquet
from pages._parts.share import show_share
from pages._parts.stored import sides

#: What a block of a run is, and what is priced, by what is timed.
_BLOCKS = {"step": "blocks of steps", "batch": "batches", "epoch": "epochs"}
_PRICED = {"step": "training steps alone", "epoch": "whole epochs", "batch": "batches alone"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A comparison with a result, and what every section needs of it."""

    one: StoredComparison
    spec: ComparisonSpec
    result: ComparisonResult
    sides: Sides

    @property
    def id(self) -> str:
        return self.one.id


def shown(one: StoredComparison) -> Shown:
    """Of a comparison that has a result."""
    assert one.spec is not None
    assert one.result is not None
    return Shown(one=one, spec=one.spec, result=one.result, sides=sides(one))


def show_pairs(it: Shown) -> None:
    """By how much, and how sure?"""
    result = it.result
    if result.verdict == "not_comparable":
        st.caption("These ratios are what was measured, not a result: the reasons are above.")
    pairs = tables.pair_ratios(result)
    clock = st.segmented_control("Clock", ("both", *CLOCKS), default="both", required=True, key="clock", bind="query-params",
                                 label_visibility="collapsed")  # fmt: skip
    chosen = pairs if clock == "both" else pairs.filter(pl.col("clock") == clock)
    ratio = tables.middle_ratio(result)
    words = f"Ratio B over A of {len(result.pairs)} pairs, median {ratio:.3f}; noise floor {formats.percent(result.noise_floor)}"
    colour = verdict_colour(it.sides, result.faster_side)
    chart_with_table(ratio_per_pair(chosen, tables.ratio_marks(result), ratio, colour), chosen, alt=words, download_name=f"{it.id}-pairs")
    _how_to_read(result, tables.unit_of_work(it.spec))
    st.subheader("Both sides in numbers", anchor=False)
    st.caption("Medians over the runs of each side.")
    _numbers(it)


def _how_to_read(result: ComparisonResult, unit: str) -> None:
    with st.expander("How to read this", icon=":material/school:"):
        st.markdown(
            f"- **Ratio**: time per {unit} of B over that of A, of two runs next to each other. Above 1, A is faster. "
            "The order alternates, so that a machine that warms up or slows down harms both sides alike.\n"
            "- **Interval**: where the true ratio lies, with 95 % confidence. One process counts as one observation, however many steps it has.\n"
            "- **Noise floor**: the difference that this machine shows between a variant and itself"
            + (f", here {formats.percent(result.noise_floor)}" if result.noise_floor is not None else "")
            + ". Nothing smaller can be seen on it.\n"
            f"- **Your threshold**: {formats.percent(result.threshold)}, the smallest difference that matters to you. "
            "*Faster* needs the whole interval beyond both threshold and noise floor.\n"
            "- **CPU time** leaves out waiting for the processor, so it is steadier on a busy machine."
        )


def _numbers(it: Shown) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        tables.side_table(it.result, it.spec.task), hide_index=True, height="content",
        column_config={"figure": "", "unit": "unit", "a": number(it.sides.a, format="%.4g"), "b": number(it.sides.b, format="%.4g"),
                       "ratio": number("B ÷ A", format="%.2f")},
    )  # fmt: skip


def show_steps(it: Shown) -> None:
    """How steady were the runs?"""
    boxes = tables.block_boxes(tables.block_times(blocks(it.one, tables.measured_runs(it.result))))
    if boxes.is_empty():
        st.info("The blocks of these runs are not stored any more.", icon=":material/info:")
        return
    steady = steadiness([run.settled for run in tables.measured_runs(it.result)])
    unit = "batch" if it.spec.task == "inference" else "step"
    st.caption(f"One box per run: half of its {_BLOCKS[tables.unit_of_work(it.spec)]} lie inside, 90 % between the ends of the line. {steady}")
    words = f"Distribution of block times of {len(boxes)} runs, in milliseconds per {unit}"
    chart_with_table(block_distributions(boxes, it.sides), boxes, alt=words, download_name=f"{it.id}-blocks")


def show_learning(it: Shown) -> None:
    """Do both learn the same?"""
    curves = tables.learning_curves(blocks(it.one, tables.measured_runs(it.result)))
    against = st.radio("Loss against", list(AXES), horizontal=True, key="axis", bind="query-params")
    if not curves.is_empty():
        words = f"Loss of every run against {AXES[against]}"
        chart_with_table(loss_curves(curves, it.sides, against), curves, alt=words, download_name=f"{it.id}-loss")
    if made_up_data(it.spec.workload):
        st.info("This workload trains on made-up data: the loss shows that both sides learn alike, and accuracy means nothing.",
                icon=":material/casino:")  # fmt: skip
    points = tables.accuracies(it.result)
    if not points.is_empty():
        st.subheader("Test accuracy", anchor=False)
        if it.result.accuracy is not None:
            _equivalence(it.result.accuracy)
        medians = [formats.percent(it.result.sides[side].test_accuracy, 2) for side in ("a", "b")]
        words = f"Test accuracy of every pair: median {medians[0]} for A and {medians[1]} for B"
        chart_with_table(accuracy_points(points, it.sides), points, alt=words, download_name=f"{it.id}-accuracy")


def _equivalence(accuracy: AccuracyComparison) -> None:
    low, high = accuracy.interval_90
    words = (
        f"B minus A is {accuracy.mean_difference * 100:+.2f} points over {accuracy.seeds} seeds, 90 % interval {low * 100:+.2f} to "
        f"{high * 100:+.2f}; within {accuracy.margin * 100:.1f} points counts as equal."
    )
    if accuracy.equivalent:
        st.success(words, title="Both reach the same accuracy", icon=":material/drag_handle:")
    else:
        st.warning(words, title="Equal accuracy is not shown", icon=":material/help:")


def show_process(it: Shown) -> None:
    """What does a whole process cost, in seconds and in bytes?"""
    phases = tables.phase_times(it.result)
    st.subheader("Time of a whole process", anchor=False)
    words = "Seconds of each phase of a run: " + "; ".join(
        f"{side.upper()} {formats.seconds(it.result.sides[side].wall_s)} in all" for side in it.result.sides
    )
    chart_with_table(phase_bars(phases, it.sides), phases.drop("order"), alt=words, download_name=f"{it.id}-phases")
    peaks = tables.peak_memory(it.result)
    if not peaks.is_empty():
        st.subheader("Peak memory", anchor=False)
        st.caption(f"Per run: {', '.join(KIND_LABELS[kind] for kind in peaks['kind'].unique().sort() if kind in KIND_LABELS)}.")
        words = f"Peak memory: {' and '.join(formats.size(it.result.sides[side].peak_memory_bytes) for side in it.result.sides)}"
        chart_with_table(memory_points(peaks, it.sides), peaks, alt=words, download_name=f"{it.id}-memory")
    slow = {side: summary.profiler_slowdown for side, summary in it.result.sides.items() if summary.profiler_slowdown is not None}
    if slow:
        st.subheader("What profiling costs", anchor=False)
        st.caption("Step time under the profiler over step time just before and after, in the same process; timed runs carry none.")
        with st.container(horizontal=True, gap="large"):
            for side, factor in slow.items():
                st.metric(it.sides.name(side), formats.factor(factor), width="content")


def show_cost(it: Shown) -> None:
    """What does the difference come to in money?"""
    price_per_hour = st.number_input("Price of this machine per hour, in your currency", min_value=0.0, value=1.0, step=0.1, format="%.2f",
                                     key="price", bind="query-params", width=360)  # fmt: skip
    costs = training_cost(it.result, it.spec.batch_size, price_per_hour)
    prices = " and ".join(f"{price:,.2f}" for price in costs["price"])
    kind = "samples of inference" if it.spec.task == "inference" else "training samples"
    words = f"Price of 100 million {kind}: {prices}"
    table = costs.with_columns(pl.col("side").str.to_uppercase())
    chart_with_table(cost_bars(costs, it.sides), table, alt=words, download_name=f"{it.id}-cost", folded=False)
    if it.result.interval_95 is not None:
        low, high = it.result.interval_95
        of = _PRICED[tables.unit_of_work(it.spec)]
        st.caption(f"B costs {it.result.ratio:.2f} times what A costs, 95 % interval {low:.2f} to {high:.2f}, for {of}: "
                   "importing, compiling and evaluating are not in it.")  # fmt: skip


def show_parity(it: Shown) -> None:
    """Is it the same model?"""
    proof = tables.parity_table(it.result.parity)
    passed = int(proof["passed"].sum())
    if passed == len(proof):
        st.success(f"All {passed} gates are passed: both sides start from the same weights, see the same batches, and compute the same function.",
                   title="The same model on both sides", icon=":material/verified:")  # fmt: skip
    else:
        failed = next(stage for stage in proof.iter_rows(named=True) if not stage["passed"])
        which = formats.plain(failed["stage"])
        ratio = "The ratio is of two models that are not the same, as was allowed." if it.result.ratio else "Different models have no ratio."
        st.caption(f"{passed} of {len(proof)} gates are passed; the first that fails: {which}. {ratio}")
        if failed["cause"]:
            st.warning(formats.plain(failed["cause"]), title="Likely cause", icon=":material/lightbulb:")
    words = "Error at each gate: " + "; ".join(f"{row['stage']} {formats.scientific(row['error'])}" for row in proof.iter_rows(named=True))
    readable = proof.with_columns(
        pl.when("passed").then(pl.lit("✓ passed")).otherwise(pl.lit("✗ failed")).alias("passed"),
        *(pl.Series(name, [formats.scientific(value) for value in proof[name]], dtype=pl.String) for name in ("error", "allowed")),
    )
    columns = {"stage": "gate", "passed": "", "measure": "how it is measured", "tensor": "worst tensor", "detail": "remark", "cause": "likely cause"}
    chart_with_table(parity_gates(proof), readable, alt=words, download_name=f"{it.id}-parity", columns=columns, folded=False)


def show_machine(it: Shown) -> None:
    """On what did it run, and was it quiet?"""
    environment = it.one.environment()
    machine: dict[str, Any] = environment.get("machine") or {}
    samples = load_samples(it.one)
    load = load_over_time(samples)
    if not load.is_empty():
        st.subheader("Load during the runs", anchor=False)
        spans = run_spans(it.one.events(), samples[0]["time_s"])
        words = "Busy cores over time: the run itself, other processes, and what the hypervisor took"
        chart = load_timeline(load, spans, it.sides, machine.get("usable_cores"))
        chart_with_table(chart, load, alt=words, download_name=f"{it.id}-load")
    st.subheader("What differs between the sides", anchor=False)
    rows = differences(environment.get("a") or {}, environment.get("b") or {})
    if rows:
        schema = ["fact", it.sides.a, it.sides.b]
        st.dataframe(pl.DataFrame(rows, schema=schema, orient="row"), hide_index=True, height="content" if len(rows) < 20 else 600)
    else:
        st.caption("Nothing but the framework itself: same interpreter, packages, variables and switches.")
    st.subheader("Machine", anchor=False)
    facts = [(_fact(name), _text(name, value)) for name, value in machine.items() if value not in (None, [], "")]
    st.dataframe(pl.DataFrame(facts, schema=["fact", "value"], orient="row"), hide_index=True, height="content" if len(facts) < 30 else 600)
    with st.expander("Everything that is known about machine and sides", icon=":material/data_object:"):
        st.download_button("JSON", json.dumps(environment, indent=1), file_name=f"{it.id}-environment.json", mime="application/json",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.json(environment, expanded=1)


def _fact(name: str) -> str:
    return name.removesuffix("_bytes").removesuffix("_mhz").replace("_", " ")


def _text(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return formats.size(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    unit = " MHz" if name.endswith("_mhz") else ""
    return value if isinstance(value, str) else f"{json.dumps(value)}{unit}"


def show_data(it: Shown) -> None:
    """Where are the raw rows, and how is it repeated?"""
    st.subheader("Do it again", anchor=False)
    st.code(tables.command(it.spec), language="bash")
    if not it.result.runs:
        return
    st.subheader("Every run", anchor=False)
    runs = tables.run_table(it.result)
    st.dataframe(runs, hide_index=True, placeholder="")
    st.subheader("Every block", anchor=False)
    rows = blocks(it.one, it.result.runs)
    st.caption(f"{len(rows):,} timed blocks of {rows['run'].n_unique()} runs, in nanoseconds, as they were measured.")
    with st.container(horizontal=True):
        for label, data, name, mime in (
            ("Runs as CSV", runs.write_csv, "runs.csv", "text/csv"),
            ("Blocks as CSV", rows.write_csv, "blocks.csv", "text/csv"),
            ("Blocks as Parquet", lambda: parquet(rows), "blocks.parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(label, data, file_name=f"{it.id}-{name}", mime=mime, icon=":material/download:", on_click="ignore")
    if not is_hosted():
        st.caption("The folder of this comparison, with logs and profiles:")
        st.code(str(it.one.folder), language=None)


Section = Callable[[Shown], None]


def sections(it: Shown) -> dict[str, Section]:
    """The sections that this comparison has something to show in, by the name of their tab."""
    measured = bool(tables.measured_runs(it.result))
    offered: dict[str, tuple[bool, Section]] = {
        "Ratio": (bool(it.result.pairs), show_pairs),
        "Steps": (measured, show_steps),
        "Learning": (measured and it.spec.task == "train", show_learning),
        "Process": (measured, show_process),
        "Cost": (measured, show_cost),
        "Parity": (bool(it.result.parity), show_parity),
        "Machine": (bool(it.result.environment), show_machine),
        "Data": (True, show_data),
        "Share": (True, lambda it: show_share(it.one)),
    }
    return {name: show for name, (there, show) in offered.items() if there}
