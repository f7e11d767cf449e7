"""One comparison from its spec to its result, in the order in which it happens."""

from __future__ import annotations

import contextlib
import shutil
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.bench.collect import block_table, per_step, per_step_ms
from core.bench.diagnosis.diagnose import with_cause
from core.bench.environment import side_environment
from core.bench.findings import Findings
from core.bench.parity import ParityEvidence, compare_measured, compare_parity, is_chaos
from core.bench.plan import PILOT_STEPS, RunLength, SpecError, pair_orders, profile_steps, run_length
from core.bench.proof import (
    built_layers,
    can_be_diagnosed,
    gather,
    is_proven_as_measured,
    layer_outputs,
    parity_evidence,
    proof_shape,
)
from core.bench.runs import RunFailed, Runs
from core.bench.verdict import ProfiledSteps, asks_anew, parity_reasons
from core.machine.facts import machine_facts
from core.machine.queue import Cancelled, machine_lock
from core.model.comparison import SIDES, ComparisonResult, ComparisonSpec
from core.model.run import RunError, RunResult
from core.store.comparisons import ComparisonStore, claim
from core.store.files import StoreError, append_event, write_json, write_whole
from core.worker.failure import is_disk_full
from core.workloads.registry import workload_spec
from core.workloads.spec import WorkloadError

#: Kept free while a comparison runs, so that its end can be written down on a full disk.
_RESERVE_BYTES = 1_000_000
#: Seeds that the proof may try.
PROOF_SEEDS = 3

Observer = Callable[[dict[str, Any]], None]


class Referee:
    """Works on one comparison whose folder exists; `observer` hears every event that is also written down."""

    def __init__(self, store: ComparisonStore, spec: ComparisonSpec, observer: Observer, interrupted: Callable[[], bool]) -> None:
        self.store = store
        self.spec = spec
        self.folder = store.folder(spec.id)
        self.workload = workload_spec(spec.workload)
        self._observer = observer
        self._interrupted = interrupted
        self._found = Findings(spec=spec)
        # Not from the spec's seed: the first side of a comparison that is repeated must not always be the same.
        self._generator = np.random.default_rng()
        self._runs = Runs(spec, self.folder, say=self._say, cancelled=self._cancelled, done=self._found.runs)
        self._profile_steps = spec.preset.profile_steps
        self._began = time.monotonic()

    def run(self) -> ComparisonResult:
        """Do everything, write `result.json` and return it; failures of runs end in a result, not in an exception."""
        with contextlib.ExitStack() as held:
            return self._to_its_end(held)

    def _to_its_end(self, held: contextlib.ExitStack) -> ComparisonResult:
        reserve = self.folder / "reserve"
        try:
            held.enter_context(claim(self.folder))  # what shows that somebody works on it
            write_whole(reserve, b"\0" * _RESERVE_BYTES)
            self._say("state", state="queued")
            with machine_lock(self.spec.id, waiting=lambda id: self._say("waiting", behind=id), cancelled=self._cancelled):
                self._began = time.monotonic()
                self._say("state", state="running")
                self._measure()
            result = self._found.finished(self._elapsed_s())
        except StoreError:
            raise  # another process works on it: its folder is not ours to write in
        except Cancelled:
            words = "Cancelled before it was finished; nothing can be said."
            result = self._found.stopped("cancelled", words, "You cancelled it.", self._elapsed_s())
        except RunFailed as failure:
            who = f"{self.spec.variant(failure.run.side).label} (side {failure.run.side.upper()})"
            words = f"Not comparable: {who} failed. {failure.error.message}"
            result = self._found.stopped("failed", words, failure.error.message, self._elapsed_s(), failure.error)
        except SpecError as error:
            result = self._failed("spec", str(error))
        except WorkloadError as error:
            result = self._failed("workload", str(error))
        except OSError as error:
            kind = "disk_full" if is_disk_full(error) else "error"
            message = "The disk is full; free some space and run the comparison again." if kind == "disk_full" else f"Writing failed: {error}."
            reserve.unlink(missing_ok=True)
            result = self._failed(kind, message)
        except Exception as error:
            # A defect of this program must not look like an interruption.
            traceback.print_exc()
            message = f"The referee failed ({type(error).__name__}: {error}); its output says where."
            result = self._failed("error", message)
        reserve.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "inputs", ignore_errors=True)
        write_json(self.folder / "result.json", result)
        with contextlib.suppress(OSError):
            self._say("state", state=result.state, verdict=result.verdict)
        return result

    def _failed(self, kind: str, message: str) -> ComparisonResult:
        """Failed by something other than a run."""
        return self._found.stopped("failed", f"Not comparable: {message}", message, self._elapsed_s(), RunError(kind=kind, message=message))

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def _measure(self) -> None:
        self._found.environment = {"machine": machine_facts()}
        self._prove_parity()
        if any(not stage.passed for stage in self._found.parity) and self.spec.require_parity:
            self._found.reasons += parity_reasons(self._found.parity)
            return
        length = self._pilot()
        self._noise(length)
        self._pairs(length)
        self._found.environment["gpus_after"] = machine_facts()["gpus"]
        write_json(self.folder / "environment.json", self._found.environment)
        if self.spec.profile:
            self._profile(length)

    # -- stages ------------------------------------------------------------------------------------------------------

    def _prove_parity(self) -> None:
        """The gates, at the workload's own learning rate; with another seed where rounding alone may have failed the last one."""
        self._say("stage", stage="parity", runs=2)
        for seed in range(self.spec.seed, self.spec.seed + PROOF_SEEDS):
            evidence: dict[str, ParityEvidence] = {}
            layers: dict[str, list[dict[str, Any]]] = {}
            for side in SIDES:
                run, events = self._runs.run("parity", side, steps=PILOT_STEPS, seed=seed)
                self._found.environment[side] = side_environment(events)
                evidence[side] = parity_evidence(events, self._runs.folder(run.index, side))
                layers[side] = built_layers(events)
            gpu = "gpu" in (self.spec.a.device, self.spec.b.device)
            depth = "deep" if gpu else self.workload.depth
            self._found.parity = compare_parity(evidence["a"], evidence["b"], depth, self.spec.task)
            if not is_chaos(self._found.parity):
                break
        if any(not stage.passed for stage in self._found.parity) and can_be_diagnosed(self.spec):
            self._diagnose(evidence, layers, seed)
        if all(stage.passed for stage in self._found.parity) and not is_proven_as_measured(self.spec):
            for side in SIDES:
                run, events = self._runs.run("measured", side, steps=1)
                folder = self._runs.folder(run.index, side)
                evidence[side] = parity_evidence(events, folder)
                (folder / "parity.npz").unlink()  # as large as the model, and the stages say what it said
            precisions = (self.spec.a.precision, self.spec.b.precision)
            self._found.parity += compare_measured(evidence["a"], evidence["b"], depth, precisions, self.spec.task)
        write_json(self.folder / "environment.json", self._found.environment)
        write_json(self.folder / "parity.json", {"schema": self.spec.schema, "seed": seed, "stages": self._found.parity, "layers": layers})
        self._say("parity", stages=self._found.parity, seed=seed)

    def _diagnose(self, proven: dict[str, ParityEvidence], built: dict[str, list[dict[str, Any]]], seed: int) -> None:
        """Look at each layer on both sides, where both run at all, and name the likely cause in the stage that failed."""
        outputs = {}
        if not any(side.message for side in proven.values()) and not is_chaos(self._found.parity):
            try:
                for side in SIDES:
                    run, events = self._runs.run("layers", side, steps=PILOT_STEPS, seed=seed)
                    outputs[side] = layer_outputs(events, self._runs.folder(run.index, side))
            except RunFailed as failure:  # it costs the cause, not the verdict
                self._found.reasons.append(f"The layers of side {failure.run.side.upper()} could not be looked at: {failure.error.message}")
                outputs = {}
        inputs = self._runs.inputs(seed, PILOT_STEPS, *proof_shape(self.spec))
        self._found.parity = with_cause(self._found.parity, gather(self.spec, proven, built, outputs, inputs))

    def _pilot(self) -> RunLength:
        self._say("stage", stage="pilot", runs=2)
        times = {}
        for side in SIDES:
            _, events = self._runs.run("pilot", side, steps=PILOT_STEPS)
            times[side] = per_step_ms(block_table(events), "wall_ns", "steady")
        length = run_length(self.spec, self.workload, times)
        self._profile_steps = profile_steps(self.spec.preset.profile_steps, times)
        self._say("length", steps=length.steps, warmup_steps=length.warmup_steps, block_steps=length.block_steps)
        return length

    def _noise(self, length: RunLength) -> None:
        """Each variant against itself, in the order scheme of the pairs; the sides take turns."""
        pairs = self.spec.preset.noise_pairs
        self._say("stage", stage="noise", runs=2 * pairs)
        for pair, order in enumerate(pair_orders(pairs, self._generator)):
            side = SIDES[pair % 2]
            first, second = (self._timed("noise", side, pair, length)[0] for _ in range(2))
            self._found.add_self_pair(first, second, order)

    def _pairs(self, length: RunLength) -> None:
        preset = self.spec.preset
        self._say("stage", stage="pairs", runs=2 * preset.pairs)
        orders = pair_orders(preset.max_pairs, self._generator)
        previous: RunResult | None = None
        for pair, order in enumerate(orders):
            if pair >= preset.pairs and not self._wants_more():
                break
            done = {}
            for side in order:
                run, events = self._timed("pair", side, pair, length)
                if pair == 0:
                    self._found.environment[side] = side_environment(events)
                if previous is not None and previous.side == side:
                    # Neighbours of one side at the seam of ABBA are a variant against itself too.
                    self._found.add_self_pair(previous, run, orders[pair])
                done[side] = previous = run
            ratio = self._found.add_pair(done["a"], done["b"], order)
            self._say("pair", index=pair, order=order, ratio=ratio)

    def _wants_more(self) -> bool:
        """Stop on the width of the interval or on the budget, never on significance."""
        return self._found.is_wide() and self._elapsed_s() < self.spec.preset.budget_s

    def _profile(self, length: RunLength) -> None:
        """Outside all timing; a profile that fails costs the breakdown, not the verdict."""
        self._say("stage", stage="profile", runs=2)
        for side in SIDES:
            try:
                # What the profiler allocates between the steps makes the others' memory go back to the system, which timed runs do not see.
                malloc = None if asks_anew(self._found.sides()[side]) else "keep"
                _, events = self._runs.run("profile", side, steps=PILOT_STEPS, warmup=length.warmup_steps,
                                           profile_steps=self._profile_steps, malloc=malloc)  # fmt: skip
            except RunFailed as failure:
                self._found.reasons.append(f"No profile of side {side.upper()}: {failure.error.message}")
                continue
            blocks = block_table(events)
            profiled, bare = (float(np.median(per_step_ms(blocks, "wall_ns", phase))) for phase in ("profiled", "unprofiled"))
            faults = per_step(blocks, "page_faults", "profiled")
            self._found.profiled[side] = ProfiledSteps(with_profiler_ms=profiled, without_ms=bare,
                                                       page_faults=float(np.median(faults)) if len(faults) else None)  # fmt: skip

    # -- runs --------------------------------------------------------------------------------------------------------

    def _timed(self, role: str, side: str, pair: int, length: RunLength) -> tuple[RunResult, list[dict[str, Any]]]:
        every = length.evaluate_every_steps if role == "pair" and self.workload.test_samples and self.spec.task == "train" else None
        return self._runs.run(role, side, pair=pair, steps=length.steps, warmup=length.warmup_steps, block=length.block_steps, evaluate=every)

    def _cancelled(self) -> bool:
        return self._interrupted() or (self.folder / "cancel").exists()

    def _say(self, event: str, **fields: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = append_event(self.folder / "events.jsonl", event, time=now, **fields)
        with contextlib.suppress(BrokenPipeError):  # who watched has gone; the comparison goes on
            self._observer(line)
