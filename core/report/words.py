"""What a report says of a comparison in words: the same whether a page, a document or a pull request shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.analysis.comparison import headline
from core.model.comparison import VERDICT_LABELS, ComparisonResult, ComparisonSpec
from core.model.parity import STAGE_LABELS
from core.model.variant import FRAMEWORK_LABELS
from core.report import formats
from core.workloads.registry import workload_spec
from core.workloads.spec import Sizes, WorkloadError


def made_up_data(workload: str) -> bool:
    """Is it known that the workload's data is made up? Not where the folder of one's own is not there any more."""
    try:
        return workload_spec(workload).generated
    except WorkloadError:
        return False


def title(result: ComparisonResult) -> str:
    """The verdict as a claim."""
    return "Not comparable" if result.verdict == "not_comparable" else headline(result)[0]


def numbers(result: ComparisonResult) -> str:
    """The numbers behind the claim; empty where there is no result to have any, since the reasons say why."""
    return "" if result.verdict == "not_comparable" and result.reasons else headline(result)[1] or result.sentence


def badges(result: ComparisonResult, *, made_up: bool) -> list[str]:
    """The verdict's own word, and what a reader has to know before anything else."""
    said = [(True, VERDICT_LABELS[result.verdict]), (result.state != "finished", result.state),
            (result.identical is False and bool(result.pairs), "not the same model"),
            (made_up, "made-up data: accuracy means nothing")]  # fmt: skip
    return [label for true, label in said if true]


def size_words(sizes: Sizes) -> str:
    """`image size 32, width 512`."""
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in sizes.items())


def setting(spec: ComparisonSpec, result: ComparisonResult) -> str:
    """What was computed, and on what, in one line."""
    machine = result.environment.get("machine") or {}
    gpus = machine.get("gpus") or []
    on_gpu = "gpu" in (spec.a.device, spec.b.device) and gpus
    device = gpus[0].get("name") if on_gpu else machine.get("cpu_model")
    threads = sorted({spec.a.threads, spec.b.threads})
    parts = [
        ", ".join(filter(None, [spec.workload_name, size_words(spec.sizes)])),
        "inference" if spec.task == "inference" else "whole epochs" if spec.measure == "epoch" else "",
        f"batch of {spec.batch_size}",
        f"{spec.train_samples:,} samples" if spec.train_samples else "",
        f"{len(result.pairs)} pairs" if result.pairs else "",
        device or "",
        f"{' / '.join(map(str, threads))} {'thread' if threads == [1] else 'threads'}",
    ]
    return " · ".join(filter(None, parts))


def parity(result: ComparisonResult) -> str:
    """How far it is proven that both sides are one model, in one sentence."""
    stages = result.parity
    if not stages:
        return "It was not found out whether both sides are the same model."
    failed = next((stage for stage in stages if not stage.passed), None)
    passed = sum(stage.passed for stage in stages)
    if failed is None:
        return f"The same model on both sides: all {passed} gates are passed (same weights, same batches, same function)."
    label = STAGE_LABELS.get(failed.stage, failed.stage)
    cause = f" {failed.cause}" if failed.cause else ""
    return f"Not the same model: {passed} of {len(stages)} gates are passed; the first that fails: {label}.{cause}"


def processors(environment: dict[str, Any]) -> str:
    """Processor, cores and cards, as far as they are known."""
    facts = environment.get("machine") or {}
    cores = facts.get("usable_cores")
    parts = [facts.get("cpu_model"), f"{cores} cores" if cores else None, *(gpu.get("name") for gpu in facts.get("gpus") or [])]
    return " · ".join(str(part) for part in parts if part)


def timed_steps(timed_ms: Sequence[float | None], profiled_ms: Sequence[float]) -> str:
    """How long a step of A and one of B take without the profiler, beside what they take under it; empty where that was not timed."""
    a, b = timed_ms
    if a is None or b is None:
        return ""
    said = f"Timed without the profiler, a step takes {formats.ms(a)} in A and {formats.ms(b)} in B."
    if (b - a) * (profiled_ms[1] - profiled_ms[0]) >= 0:
        return said
    return f"{said} There the other side takes longer: these parts explain what the profiler costs, not the verdict."


def machine(environment: dict[str, Any]) -> str:
    """Processors, memory, system and versions, as far as they are known, in one line."""
    facts = environment.get("machine") or {}
    parts = [
        processors(environment),
        f"{formats.size(facts['memory_total_bytes'])} of memory" if facts.get("memory_total_bytes") else None,
        facts.get("os"),
        *versions([environment.get(side) or {} for side in ("a", "b")], facts),
    ]
    return " · ".join(str(part) for part in parts if part)


def versions(sides: Sequence[dict[str, Any]], machine: dict[str, Any]) -> list[str]:
    """Python and the frameworks of both sides, each once."""
    found = []
    for side in sides:
        python = side.get("python_version") or machine.get("python")
        name = FRAMEWORK_LABELS.get(str(side.get("framework")), side.get("framework"))
        found += [f"Python {python}" if python else "", f"{name} {side['framework_version']}" if side.get("framework_version") else ""]
    return [one for one in dict.fromkeys(found) if one]


def steadiness(settled: Sequence[bool | None]) -> str:
    """How many runs reached a steady state, and of how many that could be told; `settled` as `RunResult` has it."""
    told = [one for one in settled if one is not None]
    if not told:
        return "No run had enough blocks to tell whether it reached a steady state."
    few = len(settled) - len(told)
    untold = f" The other {few} had too few blocks to tell." if few else ""
    of = f"{len(told)} runs" if not few else f"{len(told)} runs that could be told"
    if all(told):
        return f"All {of} reached a steady state.{untold}"
    return f"{told.count(False)} of {of} did not reach a steady state.{untold}"
