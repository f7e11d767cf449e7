"""One sweep: how far it is, its charts, what it says, and the comparisons behind it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import streamlit as st

from core.analysis.comparison import length_override
from core.analysis.sweep import WIDENS_LABELS, remaining_s, sweep_table, trends
from core.bench.sweep import finished_results, start_sweep_detached
from core.charts.sweep import ratio_by_batch, ratio_by_flops
from core.model.comparison import VERDICT_LABELS
from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.model.sweep import SweepSpec, SweepWorkload
from core.store.files import tail
from core.store.sweeps import StoredSweep, SweepStore
from core.workloads.registry import NAMES, workload_spec
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.linked import linked
from pages._parts.places import link
from pages._parts.stored import store

SWEEP_PARAMETER, CELL_PARAMETER = "sweep", "cell"
POLL_S = 2.0
_PICKER = "sweep_picker"
_STATES = {
    "starting": (":material/hourglass_empty:", "gray"),
    "running": (":material/sync:", "blue"),
    "finished": (":material/check:", "green"),
    "stopped": (":material/pause_circle:", "orange"),
    "unreadable": (":material/broken_image:", "red"),
}
_COLUMNS = {
    "cell": None,
    "a": None,
    "b": None,
    "alone": None,
    "workload": st.column_config.TextColumn("workload"),
    "batch_size": st.column_config.NumberColumn("batch"),
    "flops_per_step": st.column_config.NumberColumn("FLOPs per step", format="compact"),
    "pair": st.column_config.TextColumn("A / B"),
    "a_step_ms": st.column_config.NumberColumn("A (ms)", format="%.3g"),
    "b_step_ms": st.column_config.NumberColumn("B (ms)", format="%.3g"),
    "ratio": st.column_config.NumberColumn("B ÷ A", format="%.3f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.3f"),
    "high": st.column_config.NumberColumn("to", format="%.3f"),
    "verdict": st.column_config.TextColumn("verdict among all"),
    "p_holm": st.column_config.NumberColumn("p (Holm)", format="%.3g"),
    "comparison": None,
    "reason": st.column_config.TextColumn("why"),
}


def choose_sweep(sweeps: SweepStore) -> StoredSweep | None:
    """A picker whose choice is the query parameter `sweep`; the newest one where nothing is asked for. None where there is none."""
    by_id = {one.id: one for one in sweeps.all()}
    asked = st.query_params.get(SWEEP_PARAMETER)
    if asked is not None and asked not in by_id:
        st.warning(f"There is no sweep {formats.plain(asked[:60])}; it was deleted, or made on another machine.",
                   title="This sweep is not here", icon=":material/link_off:")  # fmt: skip
        del st.query_params[SWEEP_PARAMETER]
        asked = None
    if not by_id:
        return None
    st.session_state[_PICKER] = asked or next(iter(by_id))
    chosen: str = st.selectbox(
        "Sweep", list(by_id), format_func=lambda id: _label(by_id[id]), key=_PICKER, label_visibility="collapsed",
        on_change=lambda: _ask(st.session_state[_PICKER]),
    )  # fmt: skip
    return by_id[chosen]


def _ask(id: str) -> None:
    st.query_params[SWEEP_PARAMETER] = id
    st.query_params.pop(CELL_PARAMETER, None)


def _label(one: StoredSweep) -> str:
    if one.spec is None:
        return f"{one.id} · {one.state}"
    names = ", ".join(row.label for row in one.spec.workloads)
    return f"{names} · {len(one.spec.cells)} cells · {formats.moment(one.spec.created)}"


def sweep_command(spec: SweepSpec) -> str:
    """The command that runs the same grid, safe to paste: what a file says is quoted for a POSIX shell."""
    options: list[tuple[str, object]] = [("workloads", ",".join(map(_row_words, spec.workloads)))]
    options += [("pair", f"{pair.a.text}/{pair.b.text}") for pair in spec.pairs]
    same_batches = len({row.batch_sizes for row in spec.workloads}) == 1
    if same_batches:
        options.append(("batch-sizes", ",".join(map(str, spec.workloads[0].batch_sizes))))
    options += [("preset", spec.preset.name), *length_override(spec.preset).items(), ("threshold", spec.threshold), ("seed", spec.seed)]
    lines = ["python -m core sweep run", *(f"--{name} {shlex.quote(str(value))}" for name, value in options)]
    if not same_batches and all(map(_has_small_batch, spec.workloads)):
        lines.append("--small")
    return " \\\n  ".join(lines)


def _has_small_batch(row: SweepWorkload) -> bool:
    return row.workload in NAMES and row.batch_sizes == (workload_spec(row.workload).small_batch_size,)


def _row_words(row: SweepWorkload) -> str:
    """`NAME:size=value,size=value`."""
    sizes = ",".join(f"{name}={value}" for name, value in row.sizes.items())
    return f"{row.workload}:{sizes}" if sizes else row.workload


def show_sweep(sweeps: SweepStore, one: StoredSweep) -> None:
    """Everything about one sweep; while it runs, words every two seconds and charts whenever a cell has ended."""
    if one.spec is None:
        st.error(formats.plain(one.problem), title="This sweep cannot be read", icon=":material/broken_image:")
        return
    ended = _ended(one)

    @st.fragment(run_every=POLL_S if one.active else None)
    def progress() -> None:
        now = sweeps.load(one.id)
        if one.active and (not now.active or _ended(now) != ended):
            st.rerun()
        if now.spec is not None:
            _show_progress(sweeps, now, now.spec)

    progress()
    results = finished_results(one, store())
    table = sweep_table(one.spec, results, {index: cell.reason for index, cell in one.cells.items()})
    _show_trends(table, one)
    _show_charts(table, one)
    _show_cells(table, one)


def _ended(one: StoredSweep) -> int:
    return sum(cell.state != "begun" for cell in one.cells.values())


def _show_progress(sweeps: SweepStore, one: StoredSweep, spec: SweepSpec) -> None:
    done = sum(cell.state == "finished" for cell in one.cells.values())
    icon, colour = _STATES[one.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(one.state, icon=icon, color=colour)  # type: ignore[arg-type]
        st.caption(f"{done} of {len(spec.cells)} cells done · {spec.preset.label}, {spec.preset.pairs} pairs each · {one.id}", width="content")
        if not is_hosted():
            _buttons(sweeps, one)
    if one.active:
        _show_current(one, spec, len(spec.cells) - done)
    failed = {index: cell for index, cell in one.cells.items() if cell.state == "failed"}
    if failed:
        lines = "\n".join(f"- {formats.plain(f'{spec.cells[index].label}: {cell.reason}')}" for index, cell in sorted(failed.items()))
        st.warning(lines, title=f"{len(failed)} {'cell' if len(failed) == 1 else 'cells'} failed; the others went on", icon=":material/error:")
    if one.state == "stopped" and not one.cells and (lines_of_log := tail(one.folder / "runner.log")):
        st.caption("Last lines of its log")
        st.code("\n".join(lines_of_log), language=None)


def _buttons(sweeps: SweepStore, one: StoredSweep) -> None:
    if one.active and st.button("Stop", icon=":material/stop_circle:", key="stop_sweep", help="Ends within a second; it can go on later."):
        _try(lambda: sweeps.request_cancel(one.id), "It was not stopped")
    if one.state == "stopped" and st.button("Go on", icon=":material/resume:", key="resume_sweep", help="Runs the cells that are not done."):
        _try(lambda: start_sweep_detached(sweeps, one.id), "It was not started")
        st.rerun(scope="app")


    if not one.active and st.button("Delete", icon=":material/delete:", key="delete_sweep"):
        _confirm_delete(sweeps, one)


@st.dialog("Delete this sweep?", icon=":material/delete:")
def _confirm_delete(sweeps: SweepStore, one: StoredSweep) -> None:
    st.markdown(formats.plain(_label(one)))
    st.caption("The comparisons of its cells stay. This cannot be undone.")
    if st.button("Delete for good", type="primary", icon=":material/delete_forever:", key="delete_sweep_for_good"):
        _try(lambda: sweeps.delete(one.id), "It was not deleted")
        st.query_params.pop(SWEEP_PARAMETER, None)
        st.rerun(scope="app")


def _try(action: Callable[[], None], title: str) -> None:
    try:
        action()
    except ShowdownError as error:
        st.error(formats.plain(str(error)), title=title, icon=":material/error:")
    except OSError as error:
        st.error(f"The store cannot be written ({error.strerror}).", title=title, icon=":material/error:")


def _show_current(one: StoredSweep, spec: SweepSpec, left: int) -> None:
    took = [cell.duration_s for cell in one.cells.values() if cell.state == "finished" and cell.duration_s is not None]
    current = next(((index, cell) for index, cell in one.cells.items() if cell.state == "begun"), None)
    began = formats.local_time(current[1].time) if current else None
    running_s = (datetime.now(UTC) - began).total_seconds() if began else 0.0
    about = formats.seconds(remaining_s(spec.preset, left, took, running_s))
    now = spec.cells[current[0]].label if current else "starting"
    st.progress(1 - left / len(spec.cells), text=f"{formats.plain(now)} · about {about} left")
    if current:
        link("run", "Watch this comparison live", comparison=current[1].comparison)


def _show_trends(table: pl.DataFrame, one: StoredSweep) -> None:
    """The answer in words, pair by pair."""
    for trend in trends(table):
        numbers = f"{trend.small_ratio:.2f} at {trend.smallest}, {trend.large_ratio:.2f} at {trend.largest}"
        words = {"widens": "the difference widens with more work per step", "narrows": "the difference narrows with more work per step",
                 "turns": "the faster side changes with more work per step"}  # fmt: skip
        said = words.get(trend.outcome, f"{WIDENS_LABELS[trend.outcome]} whether the difference widens: the intervals overlap")
        st.markdown(f"**{formats.plain(trend.pair)}**: {said}. B ÷ A {formats.plain(numbers)}.")
    lost = table.filter((pl.col("alone") == "faster") & (pl.col("verdict") != "faster")).height
    if lost:
        cells = "1 cell" if lost == 1 else f"{lost} cells"
        st.caption(f"{cells} would be *faster* alone, but not after Holm's correction for several comparisons at once.")


def _show_charts(table: pl.DataFrame, one: StoredSweep) -> None:
    shown = table.drop_nulls("ratio")
    if shown.is_empty():
        st.caption("No cell has a ratio yet.")
        return
    by_work, by_batch = st.tabs(["By work per step", "By batch"], key="sweep_view", bind="query-params", on_change="rerun")
    values = shown["ratio"].to_list()
    ratios = f"{len(values)} ratios of time, B over A, from {min(values):.2f} to {max(values):.2f}, with 95 % intervals"
    for tab, chart, against in ((by_work, ratio_by_flops, "floating-point operations per step"), (by_batch, ratio_by_batch, "samples per step")):
        if tab.open:
            with tab:
                chart_with_table(chart(table), _worded(shown), alt=f"{ratios}, against {against}.", columns=_COLUMNS,
                                 download_name=f"{one.id}-{'work' if tab is by_work else 'batch'}")  # fmt: skip
    counted = table["flops_per_step"].null_count()
    if counted:
        st.caption(f"{counted} cells are missing by work: their workload does not count its operations.")


def _worded(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("verdict").replace(VERDICT_LABELS))


def _show_cells(table: pl.DataFrame, one: StoredSweep) -> None:
    st.subheader("Cells", anchor=False)
    st.caption("Select a row to open its comparison.")
    cells = [str(cell) for cell in table["cell"]]
    picking = linked(CELL_PARAMETER, f"sweep_cells_{one.id}", cells)
    event = st.dataframe(_worded(table), hide_index=True, column_config=_COLUMNS, key=picking.key, on_select="rerun",
                         selection_mode="single-row", placeholder="", height="content" if len(table) < 15 else 560,
                         selection_default={"selection": {"rows": [cells.index(cell) for cell in picking.begun[:1]]}})  # fmt: skip
    picked = picking.follow(event, [cells[place] for place in event["selection"]["rows"] if place < len(cells)])
    if picked:
        row = table.row(cells.index(picked[0]), named=True)
        if row["comparison"]:
            link("compare", f"Open {row['workload']}, batch {row['batch_size']}", comparison=row["comparison"])
        elif (record := one.cells.get(row["cell"])) and record.comparison:
            link("run", f"Open {row['workload']}, batch {row['batch_size']}", comparison=record.comparison)
        else:
            st.caption("It has not been run.")
