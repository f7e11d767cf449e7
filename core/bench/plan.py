"""In which order the runs happen and how long each one is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.bench.settle import warmup_steps
from core.model.comparison import ComparisonSpec, Preset
from core.model.errors import ShowdownError
from core.workloads.spec import WorkloadSpec

#: Inference is timed batch by batch; a 99th percentile needs at least so many.
MIN_BATCHES = 200
#: Where steps are slow, warm-up and measurement may take this many times the measured time that was asked for, not more.
PATIENCE = 6
MIN_SLOW_BLOCKS, MIN_SLOW_WARMUP = 5, 2
#: Half as much again as the 50 ms that a block must last, because the pilot reads every step and so overrates them.
BLOCK_MS = 75.0
MIN_STEADY_BLOCKS = 20
MIN_EPOCHS = 2
PILOT_STEPS = 41
#: A pilot of slow steps ends after this long.
PILOT_S = 20.0


class SpecError(ShowdownError):
    """A comparison that cannot be meant."""


def pair_orders(pairs: int, generator: np.random.Generator) -> list[str]:
    """`ab` or `ba` for each pair: ABBA BAAB ABBA ... from a random start, so that drift hits both sides alike."""
    first, second = ("ab", "ba") if generator.random() < 0.5 else ("ba", "ab")
    pattern = [first, second, second, first]
    return [pattern[i % 4] for i in range(pairs)]


@dataclass(frozen=True, kw_only=True)
class RunLength:
    """How long every measured run of a comparison is; the same on both sides."""

    steps: int
    """All steps, the first and the warm-up included."""
    warmup_steps: int
    block_steps: int
    evaluate_every_steps: int


def run_length(comparison: ComparisonSpec, workload: WorkloadSpec, pilot_step_ms: dict[str, np.ndarray]) -> RunLength:
    """Length from the pilots' times per step (one array per side, first step left out).

    A block lasts at least 50 ms on the faster side (in inference it is one batch); the warm-up is the longer one of the two
    sides; both in whole blocks. Where steps are slow, fewer of them must do.
    Raises SpecError where the epochs asked for are over before there is anything to measure.
    """
    preset, batch_size = comparison.preset, comparison.batch_size
    medians = [float(np.median(times[len(times) // 2 :])) for times in pilot_step_ms.values()]
    epoch = workload.steps_per_epoch(batch_size, comparison.train_samples)
    if comparison.measure == "epoch":
        return _epochs_length(preset, epoch, max(medians))
    block_steps = 1 if comparison.task == "inference" else max(1, math.ceil(BLOCK_MS / min(medians)))
    patience_ms = PATIENCE * 1000 * (preset.steady_seconds or math.inf)
    warmup = max(warmup_steps(times) for times in pilot_step_ms.values())
    warmup = max(MIN_SLOW_WARMUP, min(warmup, int(min(patience_ms / max(medians), 1e9))))
    warmup = math.ceil(warmup / block_steps) * block_steps
    if preset.epochs is not None:
        if epoch * preset.epochs < 1 + warmup + MIN_STEADY_BLOCKS * block_steps:
            raise SpecError(
                f"{preset.epochs} epochs of {epoch} steps are over before {MIN_STEADY_BLOCKS} blocks of {block_steps} steps could be measured; "
                f"take more epochs or a batch smaller than {batch_size:,}."
            )
        return RunLength(steps=epoch * preset.epochs, warmup_steps=warmup, block_steps=block_steps, evaluate_every_steps=epoch)
    if preset.steps is not None:
        blocks = math.ceil(preset.steps / block_steps)
    else:
        assert preset.steady_seconds is not None
        blocks = math.ceil(preset.steady_seconds * 1000 / (block_steps * max(medians)))
    wanted = MIN_BATCHES if comparison.task == "inference" else MIN_STEADY_BLOCKS
    patient = int(min(patience_ms / (block_steps * max(medians)), 1e9))
    blocks = max(MIN_SLOW_BLOCKS, blocks, min(wanted, patient))
    steps = 1 + warmup + blocks * block_steps
    return RunLength(steps=steps, warmup_steps=warmup, block_steps=block_steps, evaluate_every_steps=steps)


def _epochs_length(preset: Preset, epoch_steps: int, step_ms: float) -> RunLength:
    """One epoch to warm up, and at least two to measure."""
    wanted = preset.epochs or math.ceil((preset.steps or (preset.steady_seconds or 0) * 1000 / step_ms) / epoch_steps)
    epochs = 1 + max(MIN_EPOCHS, wanted)
    return RunLength(steps=epoch_steps * epochs, warmup_steps=epoch_steps, block_steps=epoch_steps, evaluate_every_steps=epoch_steps * epochs)


def profile_steps(wanted: int, pilot_step_ms: dict[str, np.ndarray]) -> int:
    """Steps under the profiler: as many as wanted, fewer where they would take longer than `PILOT_S`, three at least."""
    slowest = max(float(np.median(times)) for times in pilot_step_ms.values())
    return min(wanted, max(3, int(PILOT_S * 1000 / slowest)))
