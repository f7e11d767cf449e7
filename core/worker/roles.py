"""What a run does once its program is built: prove parity, train under the clock, or train under the profiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.model.run import RunSpec
from core.worker import memory
from core.worker.clock import BlockClock, MarkingClock
from core.worker.events import EventWriter
from core.worker.program import Program
from core.workloads.layouts import Array

PARITY_STEPS = 10
EVALUATION_BATCH = 250


def prove(program: Program, spec: RunSpec, weights: dict[str, Array], events: EventWriter) -> None:
    """Write what the parity gates compare into `parity.npz`, as far as this side gets, and `parity` events about it."""
    arrays: dict[str, Any] = {}
    try:
        events.write("parity", stage="parameters", value=program.parameter_count())
        stage = "forward"
        events.write("parity", stage="layers", layers=program.layers())
        program.set_weights(weights)
        outputs, loss, gradients = program.forward_loss_gradients(0)
        arrays["forward"] = outputs
        arrays["loss"] = np.asarray(loss, np.float64)
        arrays.update({f"gradients:{name}": array for name, array in gradients.items()})
        stage = "one_step"
        clock = BlockClock(events)
        program.train_blocks(0, 1, 1, clock)
        arrays.update({f"one_step:{name}": array for name, array in program.weights().items()})
        stage = "ten_steps"
        program.train_blocks(1, PARITY_STEPS - 1, 1, clock)
        arrays.update({f"ten_steps:{name}": array for name, array in program.weights().items()})
    except (ValueError, RuntimeError) as error:
        # A network that does not fit together fails its gate; that is a result, not a crash.
        if spec.variant.network == "spec":
            raise
        events.write("parity", stage=stage, failed=str(error).splitlines()[0])
    np.savez(Path(spec.folder) / "parity.npz", **arrays)


def train(program: Program, spec: RunSpec, events: EventWriter) -> None:
    """First step, warm-up, steady blocks, evaluation: the timed run."""
    clock = BlockClock(events)
    with events.phase("first_step"):
        program.train_blocks(0, 1, 1, clock)
    every = spec.evaluate_every_steps or spec.steps
    warm_until = 1 + spec.warmup_steps
    while clock.step < spec.steps:
        clock.phase = "warmup" if clock.step < warm_until else "steady"
        stop = min(spec.steps, (clock.step // every + 1) * every, warm_until if clock.phase == "warmup" else spec.steps)
        with events.phase(clock.phase):
            whole, rest = divmod(stop - clock.step, spec.block_steps)
            if whole:
                program.train_blocks(clock.step, spec.block_steps, whole, clock)
            if rest:
                program.train_blocks(clock.step, rest, 1, clock)
        if spec.evaluate_every_steps and (clock.step % every == 0 or clock.step == spec.steps):
            evaluate(program, clock.step, events)


def evaluate(program: Program, step: int, events: EventWriter) -> None:
    """The test set through the network, outside the step clock."""
    with events.phase("evaluate"):
        loss, accuracy = program.evaluate(EVALUATION_BATCH)
    events.write("evaluation", step=step, loss=loss, accuracy=accuracy)


def profile(program: Program, spec: RunSpec, events: EventWriter) -> None:
    """Warm up, then steps one by one under the profiler, and as many bare ones before and after it, to state its slowdown."""
    clock = BlockClock(events)
    with events.phase("first_step"):
        program.train_blocks(0, 1, 1, clock)
    clock.phase = "warmup"
    with events.phase("warmup"):
        program.train_blocks(clock.step, spec.warmup_steps, 1, clock)
    clock.phase = "unprofiled"
    with events.phase("unprofiled"):
        program.train_blocks(clock.step, 1, spec.profile_steps, clock)
    clock.phase = "profiled"
    folder = Path(spec.folder) / "profile"
    with events.phase("profiled"), program.profile(folder) as mark:
        marking = MarkingClock(clock, mark)
        program.train_blocks(marking.step, 1, spec.profile_steps, marking)
    clock = marking.unmarked()
    clock.phase = "unprofiled"
    with events.phase("unprofiled"):
        program.train_blocks(clock.step, 1, spec.profile_steps, clock)
    files = sorted(str(path.relative_to(spec.folder)) for path in folder.rglob("*") if path.is_file())
    events.write("profile", files=files)


def record_memory(program: Program, baseline_bytes: int, events: EventWriter) -> None:
    """Peak of the device's allocator where there is one, and of the process beyond what importing took."""
    events.write("memory", host_baseline_bytes=baseline_bytes, host_peak_bytes=memory.peak_bytes(), device=program.device_memory())
