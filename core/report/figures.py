"""The figures of a comparison, in the order of the questions: by how much, how sure, is it the same model, what does it cost, why."""

from __future__ import annotations

import polars as pl

from core.analysis import comparison as tables
from core.analysis.cost import training_cost
from core.analysis.load import load_over_time, run_spans
from core.charts.cost import cost_bars
from core.charts.learning import accuracy_points, loss_curves
from core.charts.load import load_timeline
from core.charts.memory import KIND_LABELS, memory_points
from core.charts.pairs import CLOCKS, ratio_per_pair, ratio_summary
from core.charts.palette import verdict_colour
from core.charts.parity import parity_gates
from core.charts.phases import phase_bars
from core.charts.steps import block_distributions
from core.report import formats, words
from core.report.figure import Figure
from core.report.material import Material
from core.report.profile_figures import cost_figures, explanation_figure, step_figures
from core.report.recording import sides_of_recordings

#: What a block of a run is, and what is priced, by what is timed.
_BLOCKS = {"step": "blocks of steps", "batch": "batches", "epoch": "epochs"}
_PRICED = {"step": "training steps alone", "epoch": "whole epochs", "batch": "batches alone"}


def comparison_figures(it: Material, *, price_per_hour: float | None = None) -> list[Figure]:
    """Every figure that the comparison has something to show in; what it costs only where the price of the machine is known."""
    return [*ratio_figures(it), *parity_figures(it), *run_figures(it, price_per_hour=price_per_hour), *profile_figures(it), *load_figures(it)]


def ratio_figures(it: Material) -> list[Figure]:
    """By how much, and how sure?"""
    result = it.result
    if not result.pairs:
        return []
    marks, pairs = tables.ratio_marks(result), tables.pair_ratios(result)
    ratio = tables.middle_ratio(result)
    colour = verdict_colour(it.sides, result.faster_side)
    found = []
    if result.interval_95 is not None and result.verdict != "not_comparable":
        low, high = result.interval_95
        found.append(
            Figure(
                name="ratio", title="The ratio, and what it must exceed", chart=ratio_summary(marks, ratio, colour), table=marks,
                says=f"Ratio of times B over A: {ratio:.3f}, 95 % interval {low:.3f} to {high:.3f}.",
                note=f"Time per {tables.unit_of_work(it.spec)} of B over that of A: above 1, A is faster. The noise floor is the difference "
                     "that the machine shows between a variant and itself.",
            )
        )  # fmt: skip
    found.append(
        Figure(
            name="pairs", title="The ratio of every pair", chart=ratio_per_pair(pairs, marks, ratio, colour), table=pairs,
            says=f"Ratio B over A of {len(result.pairs)} pairs, median {ratio:.3f}; {' and '.join(CLOCKS)}.",
            note="Two runs next to each other in time, each in a fresh process; the order alternates.",
        )
    )  # fmt: skip
    return found


def parity_figures(it: Material) -> list[Figure]:
    """Is it the same model?"""
    if not it.result.parity:
        return []
    proof = tables.parity_table(it.result.parity)
    readable = proof.with_columns(
        pl.when("passed").then(pl.lit("✓ passed")).otherwise(pl.lit("✗ failed")).alias("passed"),
        *(pl.Series(name, [formats.scientific(value) for value in proof[name]], dtype=pl.String) for name in ("error", "allowed")),
    ).rename({"stage": "gate", "passed": "outcome", "measure": "how it is measured", "tensor": "worst tensor", "detail": "remark",
              "cause": "likely cause"})  # fmt: skip
    errors = "; ".join(f"{row['stage']} {formats.scientific(row['error'])}" for row in proof.iter_rows(named=True))
    return [Figure(name="parity", title="How far apart the two sides are at each gate", says=f"Error at each gate: {errors}.",
                   chart=parity_gates(proof), table=readable)]  # fmt: skip


def run_figures(it: Material, *, price_per_hour: float | None = None) -> list[Figure]:
    """How steady, how well do they learn, and what does a whole process cost in seconds, bytes and money?"""
    if not tables.measured_runs(it.result):
        return []
    found = [*_steps(it), *(_learning(it) if it.spec.task == "train" else []), *_process(it)]
    return [*found, *(_cost(it, price_per_hour) if price_per_hour is not None else [])]


def _measured_blocks(it: Material) -> pl.DataFrame:
    return it.blocks.filter(pl.col("run").is_in([run.index for run in tables.measured_runs(it.result)]))


def _steps(it: Material) -> list[Figure]:
    boxes = tables.block_boxes(tables.block_times(_measured_blocks(it)))
    if boxes.is_empty():
        return []
    unit = "batch" if it.spec.task == "inference" else "step"
    return [
        Figure(
            name="blocks", title="How steady the runs were", chart=block_distributions(boxes, it.sides), table=boxes,
            says=f"Distribution of block times of {len(boxes)} runs, in milliseconds per {unit}.",
            note=f"One box per run: half of its {_BLOCKS[tables.unit_of_work(it.spec)]} lie inside, 90 % between the ends of the line. "
                 + words.steadiness([run.settled for run in tables.measured_runs(it.result)]),
        )
    ]  # fmt: skip


def _learning(it: Material) -> list[Figure]:
    found = []
    curves, points = tables.learning_curves(_measured_blocks(it)), tables.accuracies(it.result)
    made_up = "This workload trains on made-up data: the loss shows that both sides learn alike, and accuracy means nothing." if it.made_up else ""
    if not curves.is_empty():
        found.append(Figure(name="loss", title="Loss in training", says="Loss of every run against training step.",
                            chart=loss_curves(curves, it.sides), table=curves, note=made_up))  # fmt: skip
    if not points.is_empty():
        medians = [formats.percent(it.result.sides[side].test_accuracy, 2) for side in it.result.sides]
        found.append(Figure(name="accuracy", title="Test accuracy", says=f"Test accuracy of every pair: median {' and '.join(medians)}.",
                            chart=accuracy_points(points, it.sides), table=points, note=made_up or _equivalence(it)))  # fmt: skip
    return found


def _equivalence(it: Material) -> str:
    accuracy = it.result.accuracy
    if accuracy is None:
        return ""
    low, high = accuracy.interval_90
    judged = "Both reach the same accuracy" if accuracy.equivalent else "Equal accuracy is not shown"
    return (
        f"{judged}: B minus A is {accuracy.mean_difference * 100:+.2f} points over {accuracy.seeds} seeds, 90 % interval {low * 100:+.2f} to "
        f"{high * 100:+.2f}; within {accuracy.margin * 100:.1f} points counts as equal."
    )


def _process(it: Material) -> list[Figure]:
    phases, peaks = tables.phase_times(it.result), tables.peak_memory(it.result)
    found = []
    if not phases.is_empty():
        walls = "; ".join(f"{side.upper()} {formats.seconds(summary.wall_s)} in all" for side, summary in it.result.sides.items())
        found.append(Figure(name="phases", title="Time of a whole process", says=f"Seconds of each phase of a run: {walls}.",
                            chart=phase_bars(phases, it.sides), table=phases.drop("order").rename({"seconds": "time_s"})))  # fmt: skip
    if not peaks.is_empty():
        kinds = ", ".join(KIND_LABELS[kind] for kind in peaks["kind"].unique().sort() if kind in KIND_LABELS)
        medians = " and ".join(formats.size(summary.peak_memory_bytes) for summary in it.result.sides.values())
        found.append(Figure(name="memory", title="Peak memory", says=f"Peak memory: {medians}.", chart=memory_points(peaks, it.sides),
                            table=peaks, note=f"Per run: {kinds}." if kinds else ""))  # fmt: skip
    return found


def _cost(it: Material, price_per_hour: float) -> list[Figure]:
    costs = training_cost(it.result, it.spec.batch_size, price_per_hour)
    if costs.is_empty():
        return []
    kind = "samples of inference" if it.spec.task == "inference" else "training samples"
    prices = " and ".join(f"{price:,.2f}" for price in costs["price"])
    return [
        Figure(
            name="cost", title="What the difference comes to in money", says=f"Price of 100 million {kind}: {prices}.",
            chart=cost_bars(costs, it.sides), table=costs.with_columns(pl.col("side").str.to_uppercase()),
            note=f"At {price_per_hour:,.2f} an hour, for {_PRICED[tables.unit_of_work(it.spec)]}: importing, compiling and evaluating are not "
                 "in it.",
        )
    ]  # fmt: skip


def profile_figures(it: Material) -> list[Figure]:
    """Why? Of the profiled runs, which no timing comes from."""
    if not it.recordings:
        return []
    if len(it.recordings) == 1:
        return [*cost_figures(it.recordings, sides_of_recordings(it.recordings)), *step_figures(it.recordings)]
    a, b = it.recordings
    summaries = [it.result.sides.get(one.side) for one in it.recordings]
    why = explanation_figure(a, b, it.sides, [None if one is None else one.step_ms for one in summaries])
    return [*([why] if why else []), *cost_figures(it.recordings, it.sides), *step_figures(it.recordings)]


def load_figures(it: Material) -> list[Figure]:
    """Was the machine quiet?"""
    load = load_over_time(it.samples)
    if load.is_empty():
        return []
    spans = run_spans(it.events, it.samples[0]["time_s"])
    cores = (it.environment.get("machine") or {}).get("usable_cores")
    return [Figure(name="load", title="Load during the runs", chart=load_timeline(load, spans, it.sides, cores), table=load,
                   says="Busy cores over time: the run itself, other processes, and what the hypervisor took.")]  # fmt: skip
