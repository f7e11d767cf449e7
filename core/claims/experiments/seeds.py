"""Is a seed enough to repeat a training bit by bit, and what do the determinism switches cost?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.processes import Processes, alternate, median_factor, on
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, Factor
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

SEED, STEPS, BATCH_SIZE = 7, 40, 64
_REPEATS = 3
#: Runs without a seed, which must differ; else there would be nothing that a seed could repeat.
_CONTROLS = 2


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """Runs that were started alike, each in its own process."""

    framework: str
    threads: int
    seeded: bool
    switches: bool
    """The frameworks' determinism switches."""
    results: list[dict[str, Any]]
    """As the experiment returns them: `digest`, `final_loss`, `seconds`."""

    @property
    def different(self) -> int:
        """How many results there are that differ in at least one bit."""
        return len({result["digest"] for result in self.results})

    @property
    def same(self) -> bool:
        return self.different == 1

    @property
    def what(self) -> str:
        switches = "with the determinism switches" if self.switches else "with the seed alone" if self.seeded else "without a seed"
        return f"{FRAMEWORK_LABELS[self.framework]}, {self.threads} {'thread' if self.threads == 1 else 'threads'}, {switches}"

    def row(self) -> dict[str, Any]:
        losses = [result["final_loss"] for result in self.results]
        return {
            "framework": FRAMEWORK_LABELS[self.framework], "threads": self.threads, "seed": "set" if self.seeded else "not set",
            "determinism_switches": "on" if self.switches else "off", "runs": len(self.results), "different_results": self.different,
            "largest_loss_difference": max(losses) - min(losses),
        }  # fmt: skip


def seeds(context: Context, *, pairs: int = 6, steps: int = STEPS) -> ClaimResult:
    """Claim `seeds`."""
    processes = Processes(context, limit_s=180)

    def run(framework: str, threads: int, *, seeded: bool = True, switches: bool = False) -> dict[str, Any]:
        settings = {"seed": SEED if seeded else None, "deterministic": switches, "steps": steps, "batch_size": BATCH_SIZE}
        return processes.run("repeated_seed", framework, settings, threads=threads)

    def repeat(framework: str, threads: int, count: int, **how: bool) -> Repeated:
        results = [run(framework, threads, **how) for _ in range(count)]
        return Repeated(framework=framework, threads=threads, seeded=how.get("seeded", True), switches=how.get("switches", False), results=results)

    found: list[Repeated] = []
    costs: dict[str, Factor] = {}
    for framework in FRAMEWORKS:
        context.say(f"{FRAMEWORK_LABELS[framework]}: one seed, {pairs} times without and with the determinism switches")
        both = alternate(
            context,
            lambda pair, framework=framework: run(framework, context.threads),  # type: ignore[misc]
            lambda pair, framework=framework: run(framework, context.threads, switches=True),  # type: ignore[misc]
            pairs=pairs,
        )
        costs[framework] = median_factor([math.log(with_["seconds"] / without["seconds"]) for without, with_ in both])
        for switches in (False, True):
            results = [pair[switches] for pair in both]
            found.append(Repeated(framework=framework, threads=context.threads, seeded=True, switches=switches, results=results))
        if context.threads == 1 and (context.machine.get("usable_cores") or 1) >= 2:
            context.say(f"{FRAMEWORK_LABELS[framework]}: the same on two threads")
            several = repeat(framework, 2, _REPEATS)
            found.append(several)
            if not several.same:
                found.append(repeat(framework, 2, _REPEATS, switches=True))
        found.append(repeat(framework, context.threads, _CONTROLS, seeded=False))
    return judge_seeds(found, costs, where=on(context), gpu=context.device == "gpu")


def judge_seeds(found: list[Repeated], costs: dict[str, Factor], *, where: str, gpu: bool) -> ClaimResult:
    """A seed is enough where every set of runs with it alone is equal in every bit, and runs without it differ.

    `costs`: time with the switches over time without, per framework.
    """
    alone = [one for one in found if one.seeded and not one.switches]
    controls = [one for one in found if not one.seeded]
    broken = [one for one in alone if not one.same]
    switched = [one for one in found if one.switches]
    cost = "; ".join(f"{FRAMEWORK_LABELS[framework]} {factor.words}" for framework, factor in costs.items())
    rows = tuple(one.row() | {"cost_ratio": costs[one.framework].value if one.switches else None,
                              "cost_low": costs[one.framework].low if one.switches else None,
                              "cost_high": costs[one.framework].high if one.switches else None} for one in found)  # fmt: skip
    costs_words = f"Time with the switches over time without: {cost}."
    if broken:
        mended = [one for one in switched if one.framework in {bad.framework for bad in broken}]
        helped = "the switches make them equal" if mended and all(one.same for one in mended) else "the switches do not make them equal"
        which = "; ".join(f"{one.what}: {one.different} different results of {len(one.results)} runs" for one in broken)
        reason = f"{which}; {helped}. {costs_words}"
        return ClaimResult(id="seeds", verdict=DOES_NOT_HOLD, reason=reason, rows=rows)
    counted = "; ".join(f"{one.what}: {len(one.results)} runs" for one in alone)
    if any(one.same for one in controls):
        reason = f"Runs without a seed came out equal too, so nothing here depends on it ({counted}). {costs_words}"
        return ClaimResult(id="seeds", verdict=CANNOT_TELL, reason=reason, rows=rows)
    limit = "" if gpu else " This is a CPU: sums on a GPU, whose order varies, were not tested."
    apart = [FRAMEWORK_LABELS[name] for name in costs if len({one.results[0]["digest"] for one in alone if one.framework == name}) > 1]
    threads = f" Between one and two threads {' and '.join(apart)} differ: a seed repeats a run on the same threads." if apart else ""
    reason = f"Equal in every bit {where} ({counted}), and different without a seed.{threads} {costs_words}{limit}"
    return ClaimResult(id="seeds", verdict=HOLDS, reason=reason, rows=rows)
