"""The worker processes of one comparison, one after the other, and what each leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.bench.collect import collect
from core.bench.launch import Limits, run_worker
from core.bench.plan import PILOT_S
from core.bench.proof import proof_shape
from core.machine.queue import Cancelled
from core.machine.sampler import LoadSampler
from core.model.comparison import ComparisonSpec
from core.model.run import RunResult, RunSpec
from core.model.variant import Variant, as_proven
from core.store.files import write_json
from core.workloads.inputs import write_inputs
from core.workloads.registry import workload_spec
from core.workloads.spec import Sizes


class RunFailed(Exception):
    """A run that the comparison cannot do without has failed."""

    def __init__(self, run: RunResult) -> None:
        assert run.error is not None
        super().__init__(run.error.message)
        self.run = run
        self.error = run.error


class Runs:
    """Starts them; `say` writes an event down, `done` gets every result, also of a run that failed."""

    def __init__(
        self, spec: ComparisonSpec, folder: Path, *, say: Callable[..., None], cancelled: Callable[[], bool], done: list[RunResult]
    ) -> None:
        self._spec = spec
        self._folder = folder
        self._say = say
        self._cancelled = cancelled
        self._done = done
        self._next_index = 0

    def run(
        self, role: str, side: str, *, steps: int, seed: int | None = None, pair: int | None = None, warmup: int = 0, block: int = 1,
        evaluate: int | None = None, profile_steps: int = 0, malloc: str | None = None,
    ) -> tuple[RunResult, list[dict[str, Any]]]:
        """One worker process; `malloc` in the place of the variant's own. Raises RunFailed or Cancelled."""
        if self._cancelled():
            raise Cancelled
        index = self._next_index
        self._next_index += 1
        seed = self._spec.seed + (pair or 0) if seed is None else seed
        variant, sizes, batch_size = self._shape(role, side)
        spec = RunSpec(
            index=index, role=role, side=side, pair=pair, workload=self._spec.workload, sizes=sizes, task=self._spec.task,
            variant=variant if malloc is None else replace(variant, malloc=malloc),
            measure=self._spec.measure if role in ("noise", "pair") else "step", train_samples=self._spec.train_samples,
            enough_s=PILOT_S if role == "pilot" else None, batch_size=batch_size, seed=seed,
            learning_rate=workload_spec(self._spec.workload).learning_rate if role == "parity" else self._spec.learning_rate,
            inputs=str(self.inputs(seed, max(steps, 1 + warmup + 3 * profile_steps), sizes, batch_size)), folder=str(self.folder(index, side)),
            steps=steps, warmup_steps=warmup, block_steps=block, evaluate_every_steps=evaluate, profile_steps=profile_steps,
        )  # fmt: skip
        self._say("run_begin", index=index, role=role, side=side, pair=pair, steps=steps)
        limits = Limits(total_s=self._spec.preset.run_limit_s, silence_s=self._spec.preset.silence_limit_s)
        with LoadSampler(self._folder / "samples.jsonl") as sampler:
            outcome = run_worker(spec, limits, cancelled=self._cancelled, on_start=sampler.begin)
            load = sampler.end()
        if outcome.cancelled:
            raise Cancelled
        run, blocks = collect(spec, outcome, load)
        folder = Path(spec.folder)
        write_json(folder / "result.json", run)
        blocks.write_parquet(folder / "steps.parquet")
        self._done.append(run)
        self._say("run_end", index=index, role=role, side=side, pair=pair, ok=run.ok, step_ms=run.step_ms, cpu_step_ms=run.cpu_step_ms)
        if run.error is not None:
            raise RunFailed(run)
        return run, outcome.events

    def folder(self, index: int, side: str) -> Path:
        return self._folder / "runs" / f"{index:02d}-{side}"

    def inputs(self, seed: int, steps: int, sizes: Sizes, batch_size: int) -> Path:
        """Weights and order of one seed; made anew where an earlier run needed fewer steps."""
        path = self._folder / "inputs" / f"{'-'.join(map(str, (seed, steps, batch_size, *sizes.values())))}.npz"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            digest = write_inputs(path, self._spec.workload, sizes, batch_size=batch_size, steps=steps, seed=seed,
                                  samples=self._spec.train_samples)  # fmt: skip
            self._say("inputs", seed=seed, steps=steps, batch_size=batch_size, sizes=sizes, sha256=digest)
        return path

    def _shape(self, role: str, side: str) -> tuple[Variant, Sizes, int]:
        """What is proven is another shape than what is measured."""
        variant = self._spec.variant(side)
        if role in ("parity", "layers"):
            return as_proven(variant), *proof_shape(self._spec)
        if role == "measured":
            variant = replace(as_proven(variant), precision=variant.precision)
        return variant, self._spec.sizes, self._spec.batch_size
