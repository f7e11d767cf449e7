"""Comparisons in every state, written through the real store: small, made up, and with numbers that are easy to recognise."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.bench.collect import block_table
from core.bench.start import make_spec
from core.bench.statistics import judge
from core.bench.verdict import ProfiledSteps, parity_reasons, sentence, summarise_side
from core.machine.facts import machine_facts
from core.model.comparison import SIDES, ComparisonResult, ComparisonSpec, PairResult
from core.model.parity import STAGES, ParityStage
from core.model.run import Evaluation, MachineLoad, Phase, RunError, RunResult
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore, claim
from core.store.files import append_event, write_json
from core.workloads import registry

TENSORFLOW = Variant(framework="tensorflow", execution="graph")
PYTORCH = Variant(framework="pytorch", execution="eager")
WORKLOAD = "mnist_cnn"
#: Locks of the comparisons that run; closing one is the end of its referee.
_HELD: dict[Path, BinaryIO] = {}
PHASES = {"import": 2.0, "data": 0.3, "build": 0.4, "first_step": 0.2, "warmup": 0.3, "steady": 1.5, "evaluate": 0.6}


def new(store: ComparisonStore, *, workload: str = WORKLOAD, a: Variant = TENSORFLOW, b: Variant = PYTORCH, **fields: object) -> ComparisonSpec:
    """A comparison whose folder has a spec and nothing else."""
    spec = make_spec(workload, a, b, **fields)  # type: ignore[arg-type]
    store.create(spec)
    return spec


@functools.cache
def _this_machine() -> dict[str, Any]:
    return machine_facts()


def machine(**known: Any) -> dict[str, Any]:
    """The facts of this machine, so that no key is made up; some of them with a value that is easy to recognise."""
    facts = _this_machine()
    assert known.keys() <= facts.keys()
    return {**facts, **known}


def parity(*, failing: str | None = None) -> tuple[ParityStage, ...]:
    """The proof, passed or with one gate failed."""
    return tuple(
        ParityStage(
            stage=stage, measure="difference" if stage == "parameters" else "relative L2",
            error=0.0 if stage == "parameters" else 3e-3 if stage == failing else 4e-7,
            allowed=0.0 if stage == "parameters" else 1e-6, passed=stage != failing, tensor="dense1/kernel" if stage == failing else "",
            cause="The optimizers have other constants." if stage == failing else "",
        )
        for stage in STAGES
    )  # fmt: skip


def run(spec: ComparisonSpec, index: int, side: str, pair: int, step_ms: float, role: str = "pair") -> RunResult:
    """A run that went well; in inference the 99th percentile is twice the median, and an epoch is 100 steps."""
    inference = spec.task == "inference"
    return RunResult(
        index=index, role=role, side=side, pair=pair, seed=spec.seed + pair, ok=True,
        phases=tuple(Phase(name=name, wall_s=seconds, cpu_s=seconds) for name, seconds in PHASES.items()),
        first_step_s=0.2, step_ms=step_ms, cpu_step_ms=step_ms * 0.98, input_ms=0.1, block_variation=0.01, settled=True, wall_s=6.0,
        train_s=2.0, steps=81, peak_memory_bytes=300 * 2**20 + index, peak_memory_kind="host_resident",
        step_p99_ms=2 * step_ms if inference else None, epoch_ms=100 * step_ms if spec.measure == "epoch" else None,
        final_loss=None if inference else 0.2, test_accuracy=None if inference else 0.94,
        evaluations=() if inference else (Evaluation(step=81, since_start_s=5.5, loss=0.2, accuracy=0.94 + 0.001 * pair),),
        load=MachineLoad(own_cores=0.98, other_cores=0.05, steal_cores=0.0, samples=6),
    )  # fmt: skip


def write_blocks(store: ComparisonStore, spec: ComparisonSpec, one: RunResult) -> None:
    """20 steady blocks of four steps around the run's median, after the first step."""
    assert one.step_ms is not None
    events = []
    for block in range(21):
        steps = 4 if block else 1
        wall_ns = round(one.step_ms * steps * (1 + 0.01 * math.sin(block)) * 1e6)
        events.append({"event": "block", "phase": "steady" if block else "first_step", "step": 1 + 4 * block, "steps": steps,
                       "wall_ns": wall_ns, "cpu_ns": wall_ns, "input_ns": 1000, "train_ns": wall_ns * (block + 1), "since_start_s": 3.0 + block / 10,
                       "loss": 2.3 * math.exp(-block / 6)})  # fmt: skip
    folder = store.load(spec.id).run_folder(one.index, one.side)
    folder.mkdir(parents=True)
    block_table(events).write_parquet(folder / "steps.parquet")


def finish(store: ComparisonStore, spec: ComparisonSpec, *, ratios: tuple[float, ...] = (1.5, 1.52, 1.48, 1.51, 1.5, 1.49),
           reasons: tuple[str, ...] = (), noise: float = 0.01, failing: str | None = None) -> ComparisonResult:  # fmt: skip
    """A finished comparison with these ratios B over A; with reasons it is not comparable; a gate that fails was allowed to."""
    runs: list[RunResult] = []
    for pair, ratio in enumerate(ratios):
        for side, step_ms in (("a", 20.0), ("b", 20.0 * ratio)):
            runs.append(run(spec, len(runs), side, pair, step_ms))
            write_blocks(store, spec, runs[-1])
    statistics = judge(np.log(ratios), np.array([noise, -noise, noise / 2]), spec.threshold, np.random.default_rng(1))
    environment = {"machine": machine(cpu_model="Example CPU", memory_total_bytes=8 * 2**30, gpus=[]),
                   "a": {"framework": "tensorflow", "tf32": False, "packages": ["numpy==2.4.6"]},
                   "b": {"framework": "pytorch", "tf32": True, "packages": ["numpy==2.4.5"]}}  # fmt: skip
    different = tuple(parity_reasons(parity(failing=failing)))
    result = ComparisonResult(
        id=spec.id, state="finished", workload=spec.workload, identical=failing is None,
        verdict="not_comparable" if reasons else statistics.verdict, faster_side=None if reasons else statistics.faster_side,
        sentence=f"Not comparable: {reasons[0]}" if reasons else sentence(spec, statistics), ratio=statistics.ratio,
        interval_95=statistics.interval_95, interval_90=statistics.interval_90, noise_floor=statistics.noise_floor, threshold=spec.threshold,
        delta=statistics.delta, cpu_ratio=statistics.ratio, pairs_needed=statistics.pairs_needed, reasons=(*reasons, *different),
        pairs=tuple(PairResult(index=i, order="ab" if i % 2 else "ba", ratio=r, cpu_ratio=r * 0.99) for i, r in enumerate(ratios)),
        parity=parity(failing=failing), runs=tuple(runs), environment=environment,
        sides={side: summarise_side(spec, side, runs, ProfiledSteps(with_profiler_ms=22.0, without_ms=20.0)) for side in SIDES},
    )  # fmt: skip
    folder = store.folder(spec.id)
    write_json(folder / "environment.json", environment)
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as file:
        for second in range(10):
            file.write(f'{{"time_s": {1_700_000_000 + second}, "own_cores": 0.9, "other_cores": 0.1, "steal_cores": 0.0}}\n')
    write_json(folder / "result.json", result)
    return result


def fail_parity(store: ComparisonStore, spec: ComparisonSpec) -> ComparisonResult:
    """Finished, but not the same model."""
    proof = parity(failing="gradients")
    reasons = tuple(parity_reasons(proof))
    result = ComparisonResult(id=spec.id, state="finished", workload=spec.workload, verdict="not_comparable", parity=proof, reasons=reasons,
                              sentence=f"Not comparable: {reasons[0]}")  # fmt: skip
    write_json(store.folder(spec.id) / "result.json", result)
    return result


def fail_error() -> RunError:
    """Out of memory, with markup in the log."""
    return RunError(kind="out_of_memory", message="The run needed more memory than there is; use a smaller batch.", exit_code=-9,
                    log_tail=("allocating 12 GiB", "Killed <b>hard</b>"))  # fmt: skip


def fail(store: ComparisonStore, spec: ComparisonSpec) -> ComparisonResult:
    """A run was killed."""
    error = fail_error()
    result = ComparisonResult(id=spec.id, state="failed", workload=spec.workload, verdict="not_comparable", error=error, reasons=(error.message,),
                              sentence=f"Not comparable: PyTorch eager (side B) failed. {error.message}")  # fmt: skip
    write_json(store.folder(spec.id) / "result.json", result)
    return result


def cancel(store: ComparisonStore, spec: ComparisonSpec) -> None:
    """The user stopped it."""
    words = "Cancelled before it was finished; nothing can be said."
    write_json(store.folder(spec.id) / "result.json",
               ComparisonResult(id=spec.id, state="cancelled", workload=spec.workload, verdict="not_comparable", sentence=words))  # fmt: skip


def begin(store: ComparisonStore, spec: ComparisonSpec) -> Path:
    """Running: its referee is the process that calls this, and one pair is done."""
    folder = store.folder(spec.id)
    _HELD[folder] = claim(folder)
    now = spec.created
    append_event(folder / "events.jsonl", "state", time=now, state="running")
    append_event(folder / "events.jsonl", "stage", time=now, stage="pairs", runs=12)
    for index, side in enumerate("ab"):
        append_event(folder / "events.jsonl", "run_begin", time=now, index=index, role="pair", side=side, pair=0, steps=81)
        append_event(folder / "events.jsonl", "run_end", time=now, index=index, role="pair", side=side, pair=0, ok=True, step_ms=20.0,
                     cpu_step_ms=20.0)  # fmt: skip
    append_event(folder / "events.jsonl", "pair", time=now, index=0, order="ab", ratio=1.234)
    return folder


def interrupt(store: ComparisonStore, spec: ComparisonSpec) -> None:
    """Its referee is gone."""
    _HELD.pop(begin(store, spec)).close()


def spoil(store: ComparisonStore, spec: ComparisonSpec) -> None:
    """Damaged on disk."""
    (store.folder(spec.id) / "spec.json").write_text("{", encoding="utf-8")


def own_workload(folder: Path) -> Path:
    """A workload of one's own, a copy of a built-in one with another title."""
    built_in = Path(registry.__file__).parent / "mlp"
    folder.mkdir(parents=True)
    for part in registry.PARTS:
        text = (built_in / f"{part}.py").read_text(encoding="utf-8").replace('title="MLP"', 'title="My own net"')
        (folder / f"{part}.py").write_text(text, encoding="utf-8")
    return folder
