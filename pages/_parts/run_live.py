"""A comparison while it runs: how far it is, what both sides have shown so far, and what else the machine does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import streamlit as st

from core.analysis.live import CurrentRun, LiveProgress, live_progress, live_steps, load_rows, pair_ratios
from core.bench.collect import block_table
from core.charts.live import losses, machine_load, ratios_so_far, step_times
from core.charts.palette import sides_of
from core.machine.cpu import usable_cpus
from core.model.comparison import VERDICT_LABELS, ComparisonSpec
from core.report.words import size_words
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.following import Following
from pages._parts.places import link
from pages._parts.states import VERDICTS, show_reasons, show_state, state_badge
from pages._parts.stopping import show_stop_problem, stop_button
from pages._parts.stored import store

#: Seconds between two looks. Everything here is read and drawn on the machine that is being measured, and drawing costs most.
POLL_S = 2.0
DRAW_S = 4.0
STAGES = {"parity": "parity", "pilot": "pilot", "noise": "noise floor", "pairs": "pairs", "profile": "profile"}
_DOING = {"parity": "proving that both sides are the same model", "pilot": "finding out how long a run must be",
          "noise": "measuring this machine against itself", "pairs": "comparing, pair by pair", "profile": "profiling both sides"}  # fmt: skip
_PHASES = {"import": "importing the framework", "data": "loading data", "build": "building the model",
           "first_step": "first step: tracing and compiling", "warmup": "warming up", "steady": "timing",
           "evaluate": "evaluating on the test set",
           "unprofiled": "timing without the profiler", "profiled": "running under the profiler"}  # fmt: skip


def watch(id: str) -> None:
    """Everything about one comparison: words and numbers every two seconds, charts every four, until it ends."""
    running = not store().load(id).ended

    @st.fragment(run_every=POLL_S if running else None)
    def words() -> None:
        one = store().load(id)
        if one.ended and running:
            st.rerun()
        _show_words(one)

    @st.fragment(run_every=DRAW_S if running else None)
    def charts() -> None:
        one = store().load(id)
        if one.spec is not None:
            _show_charts(one, one.spec)

    words()
    charts()


def _show_words(one: StoredComparison) -> None:
    if one.spec is None:
        show_state(one)
        return
    _headline(one, one.spec)
    if one.ended:
        _ending(one)
        return
    following = Following(one.folder)
    progress = _where(one, one.spec, following)
    _progress(one, one.spec, progress, following)
    if progress.current is not None:
        _log(one, progress.current)


def _show_charts(one: StoredComparison, spec: ComparisonSpec) -> None:
    if one.state == "queued":
        return
    following = Following(one.folder)
    events = following.events("events.jsonl")
    frame = _newest_runs(events, following)
    if len(frame):
        _curves(one, spec, frame)
    left, right = st.columns(2)
    with left:
        _ratios(spec, events, _where(one, spec, following), one.ended)
    with right:
        if not one.ended:
            _load(following)


def _where(one: StoredComparison, spec: ComparisonSpec, following: Following) -> LiveProgress:
    return live_progress(following.events("events.jsonl"), spec.preset, profile=spec.profile, now=datetime.now(UTC))


def _headline(one: StoredComparison, spec: ComparisonSpec) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(formats.plain(f"{spec.a.label} against {spec.b.label}"), anchor=False, width="content")
        state_badge(one.state)
        if not one.ended:
            stop_button(one, key=f"stop_{one.id}")
    if not one.ended:
        show_stop_problem(one)
    work = ", ".join(filter(None, [spec.workload_name, size_words(spec.sizes)]))
    task = "" if spec.task == "train" else f"{spec.task} · "
    about = f"{work} · {task}{spec.preset.label} · batch {spec.batch_size} · started {formats.ago(spec.created)} · {one.id}"
    st.caption(formats.plain(about))


def _progress(one: StoredComparison, spec: ComparisonSpec, progress: LiveProgress, following: Following) -> None:
    if one.state == "queued" or progress.stage is None or progress.stage not in STAGES:
        behind = f" behind {formats.plain(progress.behind)}" if progress.behind else ""
        st.info(
            f"It waits{behind}. One comparison at a time uses this machine, so that none disturbs another; it starts by itself."
            if progress.behind else "Its process is starting.",
            title="Waiting" if progress.behind else "Starting", icon=":material/hourglass_empty:",
        )  # fmt: skip
        return
    st.progress(progress.fraction, text=f"{_DOING[progress.stage].capitalize()} · {_left(progress)}")
    with st.container(horizontal=True, gap="xsmall"):
        places = list(STAGES)
        here = places.index(progress.stage)
        for place, (stage, label) in enumerate(STAGES.items()):
            if stage == "profile" and not spec.profile:
                continue
            if place < here:
                st.badge(f"{label} done", icon=":material/check:", color="green")
            elif place == here:
                st.badge(label, icon=":material/sync:", color="blue")
            else:
                st.badge(label, icon=":material/more_horiz:", color="gray")
    with st.container(horizontal=True, gap="large"):
        for label, value in (
            ("Pairs done", f"{progress.pairs_done} of {progress.pairs_planned}"),
            ("Runs done", f"{progress.runs_done} of {progress.runs_planned}"),
            ("Elapsed", _about(progress.elapsed_s)),
            ("Left, about", _about(progress.remaining_s)),
        ):
            st.metric(label, value, width=150)
    st.markdown(_current_words(spec, progress, following))


def _left(progress: LiveProgress) -> str:
    return f"run {min(progress.runs_done + 1, progress.runs_planned)} of {progress.runs_planned}, about {_about(progress.remaining_s)} left"


def _about(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 99.5 else formats.seconds(seconds)


def _current_words(spec: ComparisonSpec, progress: LiveProgress, following: Following) -> str:
    """What the worker of this moment does."""
    run = progress.current
    if run is None:
        return "Between two runs."
    said = following.events(f"runs/{run.index:02d}-{run.side}/events.jsonl")
    phase = next((event.get("name") for event in reversed(said) if event["event"] == "phase_begin"), None)
    step = next((event.get("step") for event in reversed(said) if event["event"] == "block"), 0)
    doing = _PHASES.get(str(phase), "starting its process")
    steps = f", {'batch' if spec.task == 'inference' else 'step'} {step:,} of {run.steps:,}" if step and run.role != "profile" else ""
    now = f"side {run.side.upper()}, {spec.variant(run.side).label}: {doing}{steps}"
    return f"**Now:** {formats.plain(now)}"


def _newest_runs(events: list[dict[str, Any]], following: Following) -> pl.DataFrame:
    """Curves of the newest run of each side without a profiler that has shown more than its first step: `side, run, step, step_ms, loss`."""
    frames: dict[str, pl.DataFrame] = {}
    for event in reversed([event for event in events if event["event"] == "run_begin" and event["role"] != "profile"]):
        side, index = event["side"], event["index"]
        if side in frames:
            continue
        steps = live_steps(block_table(following.events(f"runs/{index:02d}-{side}/events.jsonl")))
        if len(steps) > 1:
            frames[side] = steps.select(pl.lit(side).alias("side"), pl.lit(index).alias("run"), pl.all())
        if len(frames) == 2:
            break
    return pl.concat([frames[side] for side in sorted(frames)]) if frames else pl.DataFrame()


def _curves(one: StoredComparison, spec: ComparisonSpec, frame: pl.DataFrame) -> None:
    sides = sides_of(spec)
    runs = " and ".join(
        f"run {run} ({side.upper()})" for side, run in frame.select("side", "run").unique(maintain_order=True).iter_rows()
    )
    left, right = st.columns(2)
    with left:
        unit = "batch" if spec.task == "inference" else "step"
        st.markdown(f"**Time per {unit}**")
        chart_with_table(
            step_times(frame, sides, unit), frame.select("side", "run", "step", "step_ms"),
            alt=f"Lines of milliseconds per {unit} in {runs}, lower is faster.", download_name=f"{one.id}-live-step-times",
        )  # fmt: skip
    if spec.task == "inference":
        st.caption(f"The newest run of each side: {runs}. The first batch, which traces and compiles, is left out.")
        return
    with right:
        st.markdown("**Training loss**")
        chart_with_table(
            losses(frame, sides), frame.select("side", "run", "step", "loss"),
            alt=f"Lines of the training loss in {runs}.", download_name=f"{one.id}-live-losses",
        )  # fmt: skip
    st.caption(
        f"The newest run of each side: {runs}. The first step, which traces and compiles, is left out. "
        "Two runs of one pair see the same batches, so their losses agree."
    )


def _ratios(spec: ComparisonSpec, events: list[dict[str, Any]], progress: LiveProgress, ended: bool) -> None:
    frame = pair_ratios(events)
    if frame.is_empty() and ended:
        return
    st.markdown(f"**Ratio of each pair{'' if ended else ' so far'}** · colour and shape: who was faster")
    if frame.is_empty():
        st.caption("None yet. Above 1, A is the faster one; each pair is two runs next to each other in time.")
        return
    values = frame["ratio"].to_list()
    chart_with_table(
        ratios_so_far(frame, sides_of(spec), max(progress.pairs_planned, len(frame))), frame,
        alt=f"One dot per pair: time of B over A, {len(values)} pairs from {min(values):.2f} to {max(values):.2f}.",
        download_name=f"{spec.id}-live-ratios",
    )  # fmt: skip


def _load(following: Following) -> None:
    frame = load_rows(following.samples())
    st.markdown("**This machine, last minute**")
    if frame.is_empty():
        st.caption("No sample yet.")
        return
    chart_with_table(
        machine_load(frame, len(usable_cpus())), frame,
        alt="Stacked areas of busy cores: this run, other processes, taken by the hypervisor.", download_name="live-machine-load",
    )  # fmt: skip


def _log(one: StoredComparison, run: CurrentRun) -> None:
    with st.expander("What the current run prints", icon=":material/terminal:", key="live_log"):
        st.code("\n".join(one.run_log(run.index, run.side)) or "Nothing so far.", language=None, wrap_lines=True)


def _ending(one: StoredComparison) -> None:
    if not show_state(one):
        return
    assert one.result is not None
    icon, _ = VERDICTS[one.result.verdict]
    box = st.success if one.result.verdict in ("faster", "no_practical_difference", "measurable_under_threshold") else st.warning
    box(formats.plain(one.result.sentence), title=f"Verdict: {VERDICT_LABELS[one.result.verdict]}", icon=icon)
    if (one.result.reasons and one.result.reasons[0] not in one.result.sentence) or len(one.result.reasons) > 1:
        show_reasons(one.result)
    with st.container(horizontal=True):
        link("compare", "See how sure that is" if one.result.ratio else "Open it to see why", comparison=one.id)
        if any(run.role == "profile" for run in one.result.runs):
            link("kernels", "See which operations take the time", comparison=one.id)
