"""What a run does once its program is built: prove parity, train under the clock, or train under the profiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.model.run import RunSpec
from core.worker import memory
from core.worker.clock import BlockClock, MarkingClock
from core.worker.events import EventWriter
from core.worker.failure import is_resource_failure
from core.worker.program import Program
from core.workloads.layouts import Array
from core.workloads.own_places import first_line
from core.workloads.registry import workload_spec

PARITY_STEPS = 10
EVALUATION_BATCH = 250
#: Of a batch, so many samples' layer outputs are kept.
LAYER_SAMPLES = 2
#: After so many steps a pilot looks at the time.
PILOT_CHUNK = 5
#: Batches that lie ready in memory at a time.
INFERENCE_CHUNK = 20


def prove(program: Program, spec: RunSpec, weights: dict[str, Array], events: EventWriter) -> None:
    """Write what the parity gates compare into `parity.npz`, as far as this side gets, and `parity` events about it."""
    arrays: dict[str, Any] = {}
    stage = "parameters"
    try:
        events.write("parity", stage="parameters", value=program.parameter_count())
        stage = "forward"
        events.write("parity", stage="layers", layers=program.layers())
        program.set_weights(weights)
        if spec.task == "inference":
            arrays["forward"] = program.outputs(0)
        else:
            outputs, loss, gradients = program.forward_loss_gradients(0)
            arrays["forward"] = outputs
            arrays["loss"] = np.asarray(loss, np.float64)
            arrays.update({f"gradients:{name}": array for name, array in gradients.items()})
            stage = "one_step"
            clock = BlockClock(events)
            # The look at the gradients may have moved running statistics.
            program.set_weights(weights)
            program.train_blocks(0, 1, 1, clock)
            arrays.update({f"one_step:{name}": array for name, array in program.weights().items()})
            stage = "ten_steps"
            program.train_blocks(1, PARITY_STEPS - 1, 1, clock)
            arrays.update({f"ten_steps:{name}": array for name, array in program.weights().items()})
    except (ValueError, RuntimeError) as error:
        # Weights or a network that do not fit together fail their gate; that is a result, not a crash.
        if is_resource_failure(error):
            raise
        events.write("parity", stage=stage, failed=first_line(error))
    np.savez(Path(spec.folder) / "parity.npz", **arrays)


def look(program: Program, spec: RunSpec, weights: dict[str, Array], events: EventWriter) -> None:
    """Write into `parity.npz` what the first batch gives: as it is measured, or layer by layer."""
    program.set_weights(weights)
    arrays: dict[str, Any] = {}
    if spec.role == "layers":
        arrays = {f"layer:{name}": array for name, array in program.layer_outputs(0, LAYER_SAMPLES).items()}
        events.write("layer_order", names=[name.partition(":")[2] for name in arrays])
    elif spec.task == "inference":
        arrays["measured_forward"] = program.outputs(0)
    else:
        outputs, loss, gradients = program.forward_loss_gradients(0)
        whole = np.concatenate([gradients[name].ravel() for name in sorted(gradients)])
        arrays = {"measured_forward": outputs, "measured_loss": np.asarray(loss, np.float64), "measured_gradients": whole}
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
        if spec.enough_s is not None:
            stop = min(stop, clock.step + PILOT_CHUNK)
        with events.phase(clock.phase):
            whole, rest = divmod(stop - clock.step, spec.block_steps)
            if whole:
                program.train_blocks(clock.step, spec.block_steps, whole, clock)
            if rest:
                program.train_blocks(clock.step, rest, 1, clock)
        if spec.evaluate_every_steps and (clock.step % every == 0 or clock.step == spec.steps):
            evaluate(program, clock.step, events)
        if spec.enough_s is not None and clock.train_ns > spec.enough_s * 1e9:
            return


def train_epochs(program: Program, spec: RunSpec, events: EventWriter) -> None:
    """An epoch to warm up, then measured ones, each a block; `spec.steps` counts those of a side that uses all samples.

    Here the first step is not timed apart: it is the start of the first epoch.
    """
    clock = BlockClock(events)
    known = workload_spec(spec.workload)
    samples = spec.train_samples or known.train_samples
    epochs = spec.steps // known.steps_per_epoch(spec.batch_size, samples)
    epoch_steps = (samples - samples // 10 if spec.variant.validation == "on" else samples) // spec.batch_size
    for clock.phase, count in (("warmup", 1), ("steady", epochs - 1)):
        with events.phase(clock.phase):
            program.train_epochs(clock.step, count, epoch_steps, clock)
    if spec.evaluate_every_steps:
        evaluate(program, clock.step, events)


def infer(program: Program, spec: RunSpec, events: EventWriter) -> None:
    """Batches one by one: the first, which may compile; a warm-up; then those that are measured."""
    clock = BlockClock(events)
    with events.phase("first_step"):
        program.infer_blocks(0, 1, clock)
    for clock.phase, count in (("warmup", spec.warmup_steps), ("steady", spec.steps - 1 - spec.warmup_steps)):
        with events.phase(clock.phase):
            while count > 0 and not (spec.enough_s is not None and clock.train_ns > spec.enough_s * 1e9):
                program.infer_blocks(clock.step, min(count, INFERENCE_CHUNK), clock)
                count -= INFERENCE_CHUNK


def evaluate(program: Program, step: int, events: EventWriter) -> None:
    """The test set through the network, outside the step clock."""
    with events.phase("evaluate"):
        loss, accuracy = program.evaluate(EVALUATION_BATCH)
    events.write("evaluation", step=step, loss=loss, accuracy=accuracy)


def profile(program: Program, spec: RunSpec, events: EventWriter) -> None:
    """Warm up, then steps one by one under the profiler, and as many bare ones before and after it, to state its slowdown."""

    def go(steps: int, clock: BlockClock, block: int = 1) -> None:
        if spec.task == "inference":
            program.infer_blocks(clock.step, steps, clock)
        else:
            program.train_blocks(clock.step, block, steps // block, clock)

    clock = BlockClock(events)
    with events.phase("first_step"):
        go(1, clock)
    clock.phase = "warmup"
    with events.phase("warmup"):
        go(spec.warmup_steps, clock, spec.warmup_steps)
    clock.phase = "unprofiled"
    with events.phase("unprofiled"):
        go(spec.profile_steps, clock)
    clock.phase = "profiled"
    folder = Path(spec.folder) / "profile"
    with events.phase("profiled"), program.profile(folder) as mark:
        marking = MarkingClock(clock, mark)
        go(spec.profile_steps, marking)
    clock = marking.unmarked()
    clock.phase = "unprofiled"
    with events.phase("unprofiled"):
        go(spec.profile_steps, clock)
    files = sorted(str(path.relative_to(spec.folder)) for path in folder.rglob("*") if path.is_file())
    events.write("profile", files=files)


def record_memory(program: Program, baseline_bytes: int, events: EventWriter) -> None:
    """Peak of the device's allocator where there is one, and of the process beyond what importing took."""
    events.write("memory", host_baseline_bytes=baseline_bytes, host_peak_bytes=memory.peak_bytes(), device=program.device_memory(),
                 skipped_steps=program.skipped_steps())  # fmt: skip
