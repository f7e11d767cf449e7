"""Testing one claim or several on this machine: in order, with progress, to be stopped and taken up again."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from core.claims.catalogue import CLAIMS, find_claim
from core.claims.cost import cost
from core.claims.experiment import Context
from core.claims.experiments import EXPERIMENTS, find_experiment
from core.claims.experiments.comparing import gpu_names
from core.machine.facts import gpu_visible, machine_facts
from core.machine.interpreter import PROJECT
from core.machine.queue import Cancelled, machine_lock
from core.machine.versions import framework_versions
from core.model.claim import Claim, ClaimResult
from core.model.errors import ShowdownError
from core.model.hosted import refuse_if_hosted
from core.store.claims import ClaimStore, now
from core.store.comparisons import ComparisonStore

#: What a claim takes that takes up another one's comparison, or has nothing to run.
NOTHING_S = 1.0

Observer = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class PlannedClaim:
    """One claim of a run, and about how long it will take."""

    claim: Claim
    estimate_s: float


def environment(machine: dict[str, Any]) -> dict[str, Any]:
    """What a result holds for: CPU, cores, GPUs and versions; with another of these it has to be tested again."""
    return {"cpu_model": machine["cpu_model"], "usable_cores": machine["usable_cores"], "gpus": gpu_names(machine), "versions": framework_versions()}


def plan(store: ClaimStore, ids: Sequence[str], *, here: dict[str, Any] | None = None) -> list[PlannedClaim]:
    """The claims of these ids in the catalogue's order, each once. With `here`, those without a result from that environment alone.

    Estimates: what the last result took, where it is of this environment; else the catalogue's. Raises UnknownClaim.
    """
    wanted = {find_claim(id).id for id in ids}
    planned: list[PlannedClaim] = []
    for claim in CLAIMS:
        if claim.id not in wanted:
            continue
        stored = store.load(claim.id)
        if here is not None and stored.result is not None and stored.result.environment == here:
            continue
        planned.append(PlannedClaim(claim=claim, estimate_s=_estimate_s(claim, stored.result, [one.claim.id for one in planned])))
    return planned


def total_s(planned: Sequence[PlannedClaim]) -> float:
    return sum(one.estimate_s for one in planned)


def _estimate_s(claim: Claim, last: ClaimResult | None, before: Sequence[str]) -> float:
    entry = EXPERIMENTS.get(claim.id)
    if entry is None or entry.shares in before:
        return NOTHING_S
    # A last result that took up a comparison made before says nothing about how long it takes to make one.
    known = last.duration_s if last is not None and last.duration_s is not None else 0.0
    return known if known > claim.estimate_s / 5 else claim.estimate_s


class Runner:
    """Tests claims one after the other; only one does so in a home at a time. `observer` hears every event that is written down."""

    def __init__(self, claims: ClaimStore, comparisons: ComparisonStore, observer: Observer, interrupted: Callable[[], bool]) -> None:
        self._claims = claims
        self._comparisons = comparisons
        self._observer = observer
        self._interrupted = interrupted

    def run(self, planned: Sequence[PlannedClaim], *, again: bool = False, price_per_hour: float | None = None) -> bool:
        """True where it came to the end, False where it was stopped; what was tested until then is kept.

        `again`: comparisons made before are not taken up. A claim whose experiment fails stays without a result, and the next one is
        tested. Raises StoreError where another process tests claims.
        """
        lock = self._claims.begin_run()
        try:
            machine = machine_facts()
            here = environment(machine)
            not_before = now() if again else ""
            self._say("plan", ids=[one.claim.id for one in planned], estimates_s=[one.estimate_s for one in planned])
            for one in planned:
                if self._stop():
                    self._say("end", state="stopped")
                    return False
                self._say("claim_begin", id=one.claim.id)
                began = time.monotonic()
                try:
                    result = self._test(one.claim, machine, not_before, price_per_hour)
                    duration_s = time.monotonic() - began
                    self._claims.save(replace(result, tested=now(), duration_s=duration_s, environment=here))
                except Cancelled:
                    self._say("end", state="stopped")
                    return False
                except ShowdownError as error:
                    self._failed(one.claim, str(error), getattr(error, "log_tail", ()))
                except Exception as error:
                    # A defect of one experiment must not keep the others from being tested, nor look like a result.
                    traceback.print_exc()
                    self._failed(one.claim, f"The experiment failed ({type(error).__name__}: {error}); its output says where.")
                else:
                    self._say("claim_end", id=one.claim.id, verdict=result.verdict, reason=result.reason, duration_s=duration_s)
            self._say("end", state="finished")
            return True
        finally:
            lock.close()

    def _test(self, claim: Claim, machine: dict[str, Any], not_before: str, price_per_hour: float | None) -> ClaimResult:
        if claim.id == "cost":
            return cost(self._comparisons, self._last_price() if price_per_hour is None else price_per_hour)
        if not claim.measurable:
            return ClaimResult(id=claim.id, verdict="not_measurable", reason=f"{claim.known} ({claim.source}, {claim.as_of})")
        device = "gpu" if gpu_visible() else "cpu"
        if claim.needs_gpu and device == "cpu":
            reason = f"Nothing of it can be said without an NVIDIA GPU; on a machine that has one, run '{claim.command}'."
            return ClaimResult(id=claim.id, verdict="needs_gpu", reason=reason)
        experiment = find_experiment(claim.id)
        context = Context(
            store=self._comparisons, folder=self._claims.begin(claim.id), machine=machine, threads=machine["default_threads"], device=device,
            say=lambda words: self._say("words", id=claim.id, text=words), cancelled=self._stop, not_before=not_before,
        )  # fmt: skip

        def waiting(holder: str) -> None:
            context.say(f"waiting for {holder}")

        alone = nullcontext() if EXPERIMENTS[claim.id].compares else machine_lock("claims", waiting=waiting, cancelled=self._stop)
        with alone:
            return experiment(context)

    def _last_price(self) -> float | None:
        """The price of an hour that was given before."""
        last = self._claims.load("cost").result
        return next((row["price_per_hour"] for row in last.rows if "price_per_hour" in row), None) if last is not None else None

    def _failed(self, claim: Claim, reason: str, log_tail: tuple[str, ...] = ()) -> None:
        self._claims.save_failure(claim.id, reason, tuple(log_tail))
        self._say("claim_end", id=claim.id, verdict="open", reason=reason)

    def _stop(self) -> bool:
        return self._interrupted() or self._claims.stop_requested()

    def _say(self, event: str, **fields: Any) -> None:
        self._observer(self._claims.say(event, **fields))


def start_detached(store: ClaimStore, arguments: Sequence[str]) -> None:
    """Start `python -m core claims run ...` as a process that outlives this one. Raises HostedError in the demo."""
    refuse_if_hosted("a test of claims")
    store.mark_started()
    with (store.run_folder / "log.txt").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "claims", "run", *arguments],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
