"""In which order the runs happen and how long each one is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.bench.settle import warmup_steps
from core.model.comparison import Preset
from core.model.errors import ShowdownError
from core.workloads.spec import WorkloadSpec

#: Half as much again as the 50 ms that a block must last, because the pilot reads every step and so overrates them.
BLOCK_MS = 75.0
MIN_STEADY_BLOCKS = 20
PILOT_STEPS = 41


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


def run_length(preset: Preset, spec: WorkloadSpec, batch_size: int, pilot_step_ms: dict[str, np.ndarray]) -> RunLength:
    """Length from the pilots' times per step (one array per side, first step left out).

    A block lasts at least 50 ms on the faster side; the warm-up is the longer one of the two sides; both in whole blocks.
    Raises SpecError where the epochs asked for are over before there is anything to measure.
    """
    medians = [float(np.median(times[len(times) // 2 :])) for times in pilot_step_ms.values()]
    block_steps = max(1, math.ceil(BLOCK_MS / min(medians)))
    warmup = max(warmup_steps(times) for times in pilot_step_ms.values())
    warmup = math.ceil(warmup / block_steps) * block_steps
    if preset.epochs is not None:
        epoch = spec.steps_per_epoch(batch_size)
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
    blocks = max(MIN_STEADY_BLOCKS, blocks)
    steps = 1 + warmup + blocks * block_steps
    return RunLength(steps=steps, warmup_steps=warmup, block_steps=block_steps, evaluate_every_steps=steps)
