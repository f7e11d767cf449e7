"""Running the comparisons behind a claim one after the other, or taking up one that was made here before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.claims.experiment import Context
from core.claims.judging import Factor
from core.machine.queue import Cancelled
from core.machine.versions import framework_versions
from core.model.comparison import PRESETS, ComparisonResult, ComparisonSpec
from core.model.errors import ShowdownError
from core.model.variant import EXECUTIONS, Variant
from core.store.comparisons import StoredComparison

#: As `quick`, with fewer pairs for the noise floor: neighbours of one side at the seams of ABBA add three more.
LENGTH = replace(PRESETS["quick"], noise_pairs=1)
_STAGES = {"parity": "is it the same function", "pilot": "finding the warm-up", "noise": "noise floor", "pairs": "pairs"}


class NotMeasured(ShowdownError):
    """A comparison that a claim cannot do without has failed."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One comparison behind a claim."""

    what: str
    """What it shows, in a few words."""
    spec: ComparisonSpec
    result: ComparisonResult


def variant(context: Context, framework: str, **settings: Any) -> Variant:
    """A variant on the context's device and threads, by default the framework's usual way to train."""
    given = {"execution": EXECUTIONS[framework][0], "device": context.device, "threads": context.threads, **settings}
    return Variant(framework=framework, **given)


def planned(context: Context, workload: str, a: Variant, b: Variant, **options: Any) -> ComparisonSpec:
    """A comparison of claims' usual length, without profiles; `options` as `make_spec` takes them."""
    spec = make_spec(workload, a, b, profile=False, **options)
    return spec if "preset" in options else replace(spec, preset=LENGTH)


def compare(context: Context, what: str, spec: ComparisonSpec) -> Compared:
    """Run it to its end, good or bad, or take up a finished one that fits.

    Raises Cancelled. The referee waits for the machine by itself.
    """
    if context.cancelled():
        raise Cancelled
    stored = fitting(context, spec)
    if stored is not None:
        assert stored.spec is not None
        assert stored.result is not None
        context.say(f"{what}: taken from comparison {stored.id}")
        return Compared(what=what, spec=stored.spec, result=stored.result)

    def hear(event: dict[str, Any]) -> None:
        match event["event"]:
            case "waiting":
                context.say(f"{what}: waiting for {event['behind']}")
            case "stage":
                context.say(f"{what}: {_STAGES.get(event['stage'], event['stage'])}")
            case "pair":
                context.say(f"{what}: pair {event['index'] + 1} of {spec.preset.pairs}, B over A {event['ratio']:.3f}")

    context.store.create(spec)
    result = Referee(context.store, spec, hear, context.cancelled).run()
    if result.state == "cancelled" or context.cancelled():
        raise Cancelled
    return Compared(what=what, spec=spec, result=result)


def needed(context: Context, what: str, spec: ComparisonSpec) -> Compared:
    """As `compare`; raises NotMeasured where it failed."""
    one = compare(context, what, spec)
    if one.result.state == "failed":
        raise NotMeasured(f"{one.result.sentence} See comparison {one.result.id}.")
    return one


def fitting(context: Context, spec: ComparisonSpec) -> StoredComparison | None:
    """The newest finished comparison of the same spec, machine and versions, made after `context.not_before`."""
    versions = framework_versions()
    for stored in context.store.all():
        if stored.spec is None or stored.result is None or stored.result.state != "finished" or stored.result.ratio is None:
            continue
        if context.not_before and _moment(stored.spec.created) < _moment(context.not_before):
            return None  # they come newest first
        if same_question(stored.spec, spec) and same_answerer(stored.result.environment, context.machine, versions):
            return stored
    return None


def same_question(one: ComparisonSpec, other: ComparisonSpec) -> bool:
    """Do two specs ask the same? A profile beside the timed runs, and who the comparison is called, make no difference."""
    return replace(one, id="", created="", profile=False) == replace(other, id="", created="", profile=False)


def same_answerer(environment: dict[str, Any], machine: dict[str, Any], versions: dict[str, str]) -> bool:
    """Was a comparison made on this machine, with these versions of the frameworks?"""
    then = environment.get("machine", {})
    if any(then.get(name) != machine.get(name) for name in ("cpu_model", "usable_cores")) or gpu_names(then) != gpu_names(machine):
        return False
    for side in ("a", "b"):
        facts = environment.get(side, {})
        package = "tensorflow/tensorflow" if facts.get("framework") == "tensorflow" else "pytorch/torch"
        installed = versions.get(package, "")
        if not installed or str(facts.get("framework_version", "")).partition("+")[0] != installed.partition("+")[0]:
            return False
    return True


def gpu_names(machine: dict[str, Any]) -> list[str]:
    return [str(gpu.get("name", "")) for gpu in machine.get("gpus") or []]


def comparison_ids(compared: Sequence[Compared]) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(one.result.id for one in compared))


def row(one: Compared, factor: Factor | None, *, note: str = "") -> dict[str, Any]:
    """A line of the evidence: time of B over time of A with its interval, or why there is none."""
    missing = "" if factor else one.result.sentence
    return {
        "what": one.what,
        "a": one.spec.a.label,
        "b": one.spec.b.label,
        "ratio": factor.value if factor else None,
        "low": factor.low if factor else None,
        "high": factor.high if factor else None,
        "noise_floor": one.result.noise_floor,
        "a_step_ms": _side(one.result, "a", "step_ms"),
        "b_step_ms": _side(one.result, "b", "step_ms"),
        "a_peak_bytes": _side(one.result, "a", "peak_memory_bytes"),
        "b_peak_bytes": _side(one.result, "b", "peak_memory_bytes"),
        "comparison": one.result.id,
        "note": note or missing,
    }


def refused_row(what: str, a: Variant, b: Variant, reason: str) -> dict[str, Any]:
    """A line for what this machine cannot be asked."""
    blank = dict.fromkeys(("ratio", "low", "high", "noise_floor", "a_step_ms", "b_step_ms", "a_peak_bytes", "b_peak_bytes"))
    return {"what": what, "a": a.label, "b": b.label, **blank, "comparison": None, "note": reason}


def _side(result: ComparisonResult, side: str, name: str) -> Any:
    return getattr(result.sides[side], name) if side in result.sides else None


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)
