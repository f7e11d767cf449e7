"""One real worker by itself, for tests of what a variant does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from core.bench.collect import collect
from core.bench.launch import Limits, Outcome, run_worker
from core.model.run import RunResult, RunSpec
from core.model.variant import parse_variant
from core.workloads.inputs import write_inputs
from core.workloads.registry import resolve, workload_spec


def run_one(
    folder: Path, variant: str, workload: str = "mnist_cnn", *, steps: int = 9, role: str = "pair", threads: int = 1, **settings: Any
) -> tuple[RunResult, pl.DataFrame, Outcome]:
    """Run one worker at the workload's small sizes and small batch; returns its result, its blocks and how it ended."""
    identifier = resolve(workload)
    known = workload_spec(identifier)
    sizes, batch_size = known.small_sizes, settings.pop("batch_size", known.small_batch_size)
    inputs = folder / "inputs.npz"
    folder.mkdir(parents=True, exist_ok=True)
    write_inputs(inputs, identifier, sizes, batch_size=batch_size, steps=max(steps, 41), seed=1, samples=settings.get("train_samples"))
    spec = RunSpec(
        **{"index": 0, "side": "a", "role": role, "workload": identifier, "sizes": sizes, "variant": parse_variant(variant, threads=threads),
           "batch_size": batch_size, "learning_rate": known.learning_rate, "seed": 1, "inputs": str(inputs), "folder": str(folder / "run"),
           "steps": steps, "warmup_steps": 2, "block_steps": 2} | settings
    )  # fmt: skip
    outcome = run_worker(spec, Limits(total_s=240, silence_s=120), cancelled=lambda: False)
    run, blocks = collect(spec, outcome, None)
    return run, blocks, outcome
