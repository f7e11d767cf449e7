"""Turning a worker's events into a result and a table of its blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.bench.launch import Outcome
from core.bench.settle import block_variation, is_settled
from core.model.run import Evaluation, MachineLoad, Phase, RunError, RunResult, RunSpec

#: One row per block of `steps.parquet`.
STEPS_SCHEMA = {
    "phase": pl.String,
    "step": pl.Int64,
    "steps": pl.Int64,
    "wall_ns": pl.Int64,
    "cpu_ns": pl.Int64,
    "input_ns": pl.Int64,
    "train_ns": pl.Int64,
    "since_start_s": pl.Float64,
    "loss": pl.Float64,
    "page_faults": pl.Int64,
}


def block_table(events: list[dict[str, Any]]) -> pl.DataFrame:
    """One row per block, columns `STEPS_SCHEMA`: `step` is the number of steps done after it, `train_ns` their wall time."""
    rows = [{name: event.get(name) for name in STEPS_SCHEMA} for event in events if event["event"] == "block"]
    return pl.DataFrame(rows, schema=STEPS_SCHEMA)


def per_step(blocks: pl.DataFrame, column: str, phase: str) -> np.ndarray:
    """`column` per step of each block of a phase, in order; shortened blocks at the end of an epoch are left out."""
    chosen = blocks.filter(pl.col("phase") == phase)
    chosen = chosen.filter(pl.col("steps") == pl.col("steps").max())
    return (chosen[column] / chosen["steps"]).drop_nulls().to_numpy()


def per_step_ms(blocks: pl.DataFrame, column: str, phase: str) -> np.ndarray:
    """The same of a column in ns, in ms."""
    return per_step(blocks, column, phase) / 1e6


def collect(spec: RunSpec, outcome: Outcome, load: MachineLoad | None) -> tuple[RunResult, pl.DataFrame]:
    """The result of a run, as complete as its events are; an event with wrong fields makes it a `protocol` error."""
    try:
        blocks = block_table(outcome.events)
        return _result(spec, outcome, load, blocks), blocks
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        broken = RunError(kind="protocol", message=f"The run wrote an event that cannot be read ({type(error).__name__}: {error}).")
        empty = RunResult(index=spec.index, role=spec.role, side=spec.side, pair=spec.pair, seed=spec.seed, ok=False, error=broken)
        return empty, pl.DataFrame(schema=STEPS_SCHEMA)


def _result(spec: RunSpec, outcome: Outcome, load: MachineLoad | None, blocks: pl.DataFrame) -> RunResult:
    events = outcome.events
    error = outcome.error
    if error is None and not outcome.cancelled and spec.role in ("noise", "pair") and not (blocks["phase"] == "steady").any():
        error = RunError(kind="protocol", message="The run ended without a steady block; take more steps.")
    phases = tuple(Phase(name=e["name"], wall_s=float(e["wall_s"]), cpu_s=float(e["cpu_s"])) for e in events if e["event"] == "phase")
    evaluations = tuple(
        Evaluation(step=int(e["step"]), since_start_s=float(e["since_start_s"]), loss=float(e["loss"]), accuracy=float(e["accuracy"]))
        for e in events
        if e["event"] == "evaluation"
    )
    memory: dict[str, Any] = next((e for e in events if e["event"] == "memory"), {})
    device: dict[str, int] | None = memory.get("device")
    step_ms = per_step_ms(blocks, "wall_ns", "steady")
    cpu_ms = per_step_ms(blocks, "cpu_ns", "steady")
    epoch_steps = int(blocks["steps"][-1]) if spec.measure == "epoch" and len(blocks) else None
    host_peak = memory.get("host_peak_bytes")
    peak = device["allocated_peak_bytes"] if device else (host_peak - memory["host_baseline_bytes"] if host_peak is not None else None)
    return RunResult(
        index=spec.index,
        role=spec.role,
        side=spec.side,
        pair=spec.pair,
        seed=spec.seed,
        ok=error is None and not outcome.cancelled,
        error=error,
        phases=phases,
        first_step_s=next((phase.wall_s for phase in phases if phase.name == "first_step"), None),
        step_ms=_median(step_ms),
        step_p99_ms=float(np.quantile(step_ms, 0.99)) if spec.task == "inference" and len(step_ms) else None,
        epoch_ms=_median(step_ms) * epoch_steps if epoch_steps and len(step_ms) else None,  # type: ignore[operator]
        cpu_step_ms=_median(cpu_ms),
        cpu_epoch_ms=_median(cpu_ms) * epoch_steps if epoch_steps and len(cpu_ms) else None,  # type: ignore[operator]
        skipped_steps=memory.get("skipped_steps"),
        input_ms=_median(per_step_ms(blocks, "input_ns", "steady")),
        page_faults_per_step=_median(per_step(blocks, "page_faults", "steady")),
        block_variation=block_variation(step_ms),
        settled=is_settled(step_ms),
        wall_s=outcome.wall_s,
        train_s=float(blocks["train_ns"].max()) / 1e9 if len(blocks) else None,  # type: ignore[arg-type]
        steps=int(blocks["steps"].sum()),
        peak_memory_bytes=peak,
        peak_memory_kind=None if peak is None else "device_allocator" if device else "host_resident",
        host_peak_bytes=host_peak,
        device_reserved_bytes=device.get("reserved_peak_bytes") if device else None,
        final_loss=None if spec.task == "inference" or not len(blocks) else float(blocks["loss"][-1]),
        test_accuracy=evaluations[-1].accuracy if evaluations else None,
        evaluations=evaluations,
        load=load,
    )


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None
