"""Mixed precision against float32: time and memory, in both frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, row, variant
from core.claims.judging import CANNOT_TELL, Factor, all_of, judge_factor, memory_factor, time_factor
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

#: "1.2-1.4 times"; "about 30 %" less memory leaves 0.7.
CLAIMED_SPEED, CLAIMED_MEMORY = (1.2, 1.4), (0.6, 0.8)
#: What the article calls mixed precision; TF32 is shown beside it.
MIXED = ("fp16", "bf16")
PRECISIONS = {"cpu": ("bf16",), "gpu": ("tf32", "fp16", "bf16")}
WORKLOADS = {"cpu": "mnist_cnn", "gpu": "resnet50"}


def amp(context: Context) -> ClaimResult:
    """float32 (A) against each other precision (B); on a CPU bf16 alone, which is what CPUs have instructions for."""
    compared = []
    for framework in FRAMEWORKS:
        a = variant(context, framework)
        for precision in PRECISIONS[context.device]:
            # Another precision is another function: how far it is off is stated, and no obstacle.
            spec = planned(context, WORKLOADS[context.device], a, replace(a, precision=precision), require_parity=False)
            compared.append(compare(context, f"{FRAMEWORK_LABELS[framework]}, fp32 against {precision}", spec))
    return judge(compared, context.device)


def judge(compared: Sequence[Compared], device: str) -> ClaimResult:
    rows, words, verdicts = [], [], []
    for one in compared:
        time, memory = time_factor(one.result), memory_factor(one.result)
        speed = time.inverse() if time else None
        rows.append({**row(one, time), "speed_up": speed.value if speed else None, "memory_ratio": memory.value if memory else None,
                     "memory_low": memory.low if memory else None, "memory_high": memory.high if memory else None,
                     "skipped_steps": sum(run.skipped_steps or 0 for run in one.result.runs if run.side == "b")})  # fmt: skip
        words.append(_sentence(one, speed, memory))
        if one.spec.b.precision in MIXED:
            verdicts.append(judge_factor(speed, CLAIMED_SPEED) if speed else CANNOT_TELL)
            verdicts.append(judge_factor(memory, CLAIMED_MEMORY) if memory else CANNOT_TELL)
    where = f"The claim is about a GPU, and here is none. On this CPU ({compared[0].spec.workload_name}): " if device == "cpu" else ""
    sentence = "; ".join(words)
    return ClaimResult(
        id="amp", verdict="needs_gpu" if device == "cpu" else all_of(verdicts),
        reason=f"{where}{sentence if where else sentence[:1].upper() + sentence[1:]}.", rows=tuple(rows), comparisons=comparison_ids(compared),
    )  # fmt: skip


def _sentence(one: Compared, speed: Factor | None, memory: Factor | None) -> str:
    who = f"{FRAMEWORK_LABELS[one.spec.b.framework]} in {one.spec.b.precision}"
    if speed is None:
        return f"{who} gave no ratio ({one.result.sentence.rstrip('.')})"
    peak = f" with {memory.words} of the peak memory" if memory else ""
    return f"{who} is {speed.words} times as fast{peak}"
