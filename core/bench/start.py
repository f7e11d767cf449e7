"""Making a comparison and handing it to a referee process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from core.bench.plan import SpecError
from core.machine.interpreter import PROJECT
from core.model.comparison import PRESETS, ComparisonSpec
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore, new_id
from core.workloads.registry import workload_spec


def make_spec(
    workload: str,
    a: Variant,
    b: Variant,
    *,
    preset: str = "quick",
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 1,
    threshold: float = 0.05,
    profile: bool = True,
    epochs: int | None = None,
    steps: int | None = None,
) -> ComparisonSpec:
    """A comparison to be run; what is not given comes from the workload. `epochs` or `steps` replace the preset's length.

    Raises SpecError or WorkloadError with one sentence about what cannot be meant.
    """
    known = workload_spec(workload)
    batch_size = known.batch_size if batch_size is None else batch_size
    learning_rate = known.learning_rate if learning_rate is None else learning_rate
    if preset not in PRESETS:
        raise SpecError(f"There is no preset '{preset}'; choose {', '.join(PRESETS)}.")
    if not 1 <= batch_size <= known.train_samples:
        raise SpecError(f"A batch of {batch_size} is not possible; choose 1 to {known.train_samples:,} samples.")
    if not 0 < learning_rate < float("inf"):
        raise SpecError(f"A learning rate of {learning_rate} is not possible; choose a positive number.")
    if not 0 < threshold < 1:
        raise SpecError(f"A threshold of {threshold} is not possible; choose a fraction between 0 and 1, such as 0.05 for 5 %.")
    if not 0 <= seed < 2**31:
        raise SpecError(f"A seed of {seed} is not possible; choose a whole number from 0 to {2**31 - 1}.")
    if epochs is not None and steps is not None:
        raise SpecError("Give epochs or steps, not both.")
    for name, value in (("epochs", epochs), ("steps", steps)):
        if value is not None and not 1 <= value <= 1_000_000:
            raise SpecError(f"{name}={value} is not possible; choose a whole number from 1 to 1,000,000.")
    length = PRESETS[preset]
    if epochs is not None or steps is not None:
        length = replace(length, epochs=epochs, steps=steps, steady_seconds=None, run_limit_s=max(length.run_limit_s, 3600.0))
    return ComparisonSpec(
        id=new_id(), created=datetime.now(UTC).isoformat(timespec="seconds"), workload=workload, a=a, b=b, preset=length,
        batch_size=batch_size, learning_rate=learning_rate, seed=seed, threshold=threshold, profile=profile,
    )  # fmt: skip


def start_detached(store: ComparisonStore, spec: ComparisonSpec) -> None:
    """Create the comparison and start its referee as a process that outlives this one."""
    folder = store.create(spec)
    with (folder / "referee.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "referee", spec.id],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
