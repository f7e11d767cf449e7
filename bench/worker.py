"""What a worker adds to a training step: the same training in a worker and in a plain script, in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.ratios import Ratio, in_turns
from core.model.run import RunSpec
from core.model.variant import FRAMEWORKS, Variant, parse_variant
from core.workloads.inputs import write_inputs
from core.workloads.mnist import MNIST_PATH

HERE = Path(__file__).parent
PAIRS = 6
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
WARMUP_STEPS = 20
BLOCK_STEPS = 5
STEPS = 320
GOAL = 1.01


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One process: medians over its blocks, and the loss it ended with."""

    step_ms: float
    cpu_step_ms: float
    loss: float


def report(console: Console) -> Iterator[tuple[str, Ratio, float | None]]:
    """Ratios worker over script, with the goal each has to meet."""
    with tempfile.TemporaryDirectory(prefix="showdown-bench-") as temporary:
        folder = Path(temporary)
        inputs = folder / "inputs.npz"
        write_inputs(inputs, "mnist_cnn", {}, batch_size=BATCH_SIZE, steps=STEPS, seed=1)
        for framework in FRAMEWORKS:
            variant = parse_variant(framework, threads=1)
            console.print(f"[dim]{variant.label}: {2 * PAIRS} processes, worker and plain script in turns[/dim]")
            workers, scripts = in_turns(partial(run_worker, variant, inputs, folder), partial(run_script, variant, inputs), PAIRS)
            ended = {round(timing.loss, 2) for timing in (*workers, *scripts)}
            assert max(ended) - min(ended) < 0.05, f"the two did not train the same: losses {sorted(ended)}"
            step_ms = statistics.median(timing.step_ms for timing in scripts)
            console.print(f"[dim]  {step_ms:.2f} ms a step in the plain script[/dim]")
            yield f"{variant.label}: step, wall", Ratio.of([t.step_ms for t in workers], [t.step_ms for t in scripts]), GOAL
            yield f"{variant.label}: step, CPU", Ratio.of([t.cpu_step_ms for t in workers], [t.cpu_step_ms for t in scripts]), GOAL


def run_worker(variant: Variant, inputs: Path, folder: Path) -> Timing:
    run = Path(tempfile.mkdtemp(dir=folder))
    spec = RunSpec(index=0, role="pair", side="a", pair=0, workload="mnist_cnn", variant=variant, batch_size=BATCH_SIZE,
                   learning_rate=LEARNING_RATE, seed=1, inputs=str(inputs), folder=str(run), steps=STEPS,
                   warmup_steps=WARMUP_STEPS - 1, block_steps=BLOCK_STEPS)  # fmt: skip
    (run / "spec.json").write_text(json.dumps(asdict(spec)), encoding="utf-8")
    output([sys.executable, "-m", "core.worker", str(run)])
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steady = [event for event in events if event["event"] == "block" and event["phase"] == "steady"]
    return timing([(event["wall_ns"], event["cpu_ns"]) for event in steady], steady[-1]["loss"])


def run_script(variant: Variant, inputs: Path) -> Timing:
    job = {"inputs": str(inputs), "mnist": str(MNIST_PATH), "learning_rate": LEARNING_RATE,
           "warmup": WARMUP_STEPS, "steps": STEPS, "block": BLOCK_STEPS}  # fmt: skip
    printed = json.loads(output([sys.executable, str(HERE / f"bare_{variant.framework}.py"), json.dumps(job)]).splitlines()[-1])
    return timing(printed["blocks"], printed["loss"])


def timing(blocks: list[tuple[int, int]], loss: float) -> Timing:
    assert len(blocks) == (STEPS - WARMUP_STEPS) // BLOCK_STEPS, len(blocks)
    return Timing(
        step_ms=statistics.median(wall for wall, _ in blocks) / BLOCK_STEPS / 1e6,
        cpu_step_ms=statistics.median(cpu for _, cpu in blocks) / BLOCK_STEPS / 1e6,
        loss=loss,
    )


def output(command: list[str]) -> str:
    """Standard output of a process with one thread; its standard error is shown only where it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[1:3]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
