"""What the article says of TensorRT, and how long one image takes in everything that can be asked here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.bench.experiment import ExperimentFailed
from core.bench.exports import ONNX_RUNTIME, PROGRAMS, TENSORRT, Exported, Exporter, Runtime, find_format, row
from core.claims.experiment import Context
from core.claims.experiments.asking import ask_in_pairs, median_row
from core.claims.experiments.exports import exporter
from core.claims.judging import CANNOT_TELL, Factor, judge_factor
from core.model.claim import ClaimResult

#: Processes for each row of the table.
ROUNDS = 3
#: "15 to 20 % off": time with TensorRT over time without.
CLAIMED = (0.80, 0.85)


def inference_latency(context: Context) -> ClaimResult:
    """Each way in rounds of fresh processes; TensorRT against TensorFlow's graph in pairs, where it is installed."""
    work = exporter(context)
    sides: list[tuple[Exported, Runtime]] = [(work.export(one), one.runtimes[0]) for one in PROGRAMS]
    rows: list[dict[str, Any]] = []
    without = {**row(sides[0][0], TENSORRT, None), "format": "ONNX", "processes": 0}
    exported = None
    for framework in ("tensorflow", "pytorch"):
        format = find_format(framework, "onnx")
        try:
            sides.append((work.export(format), ONNX_RUNTIME))
            exported = exported or sides[-1][0]
        except ExperimentFailed as failure:
            rows.append({**row(Exported(format=format), ONNX_RUNTIME, None, failure.message), "processes": 0})
    rows = _in_rounds(work, sides) + rows
    if exported is None or exported.format.framework != "tensorflow":
        without["note"] = "There is no ONNX file from TensorFlow for it."
        return judge_tensorrt([*rows, without], None, context.device)
    if context.device == "cpu":
        without["note"] = "TensorRT needs an NVIDIA GPU."
        return judge_tensorrt([*rows, without], None, context.device)
    graph = Exported(format=find_format("tensorflow", "graph"))
    try:
        asked = ask_in_pairs(work, (exported, TENSORRT), (graph, graph.format.runtimes[0]), np.random.default_rng())
    except ExperimentFailed as failure:
        without["note"] = failure.message
        return judge_tensorrt([*rows, without], None, context.device)
    return judge_tensorrt([*rows, asked.rows[0]], asked.factor, context.device)


def _in_rounds(work: Exporter, sides: Sequence[tuple[Exported, Runtime]]) -> list[dict[str, Any]]:
    """One row per side, in turn, so that a slow minute hits all alike; a side that fails once is not asked again."""
    found: list[list[dict[str, Any]]] = [[] for _ in sides]
    why = [""] * len(sides)
    for _ in range(ROUNDS):
        for i, side in enumerate(sides):
            if why[i]:
                continue
            try:
                found[i].append(work.ask(*side))
            except ExperimentFailed as failure:
                why[i] = failure.message
    return [
        {**row(*side, None, why[i]), "processes": 0} if why[i] else median_row(*side, found[i])
        for i, side in enumerate(sides)
    ]  # fmt: skip


def judge_tensorrt(rows: Sequence[dict[str, Any]], factor: Factor | None, device: str) -> ClaimResult:
    """`factor`: time with TensorRT over time of TensorFlow's graph; None where TensorRT was not measured."""
    measured = sorted((row for row in rows if row["latency_p50_ms"] is not None), key=lambda row: row["latency_p50_ms"])
    where = "GPU" if device == "gpu" else "CPU"
    beside = f"One image on this {where}, batch 1, median: {', '.join(_latency(row) for row in measured)}."
    if factor is None:
        why = next(row["note"] for row in rows if row["runtime"] == TENSORRT.label)
        verdict = "needs_gpu" if device == "cpu" else CANNOT_TELL
        return ClaimResult(id="tensorrt", verdict=verdict, reason=f"{why} {beside}", rows=tuple(rows))
    return ClaimResult(
        id="tensorrt", verdict=judge_factor(factor, CLAIMED),
        reason=f"With TensorRT one image takes {factor.words} times what TensorFlow's graph takes; the article says 0.80 to 0.85. {beside}",
        rows=tuple(rows), estimate=factor.value, interval=(factor.low, factor.high),
        estimate_is="latency with TensorRT over that of TensorFlow's graph",
    )  # fmt: skip


def _latency(row: dict[str, Any]) -> str:
    origin = f" from {row['framework']}" if row["format"] == "ONNX" else ""
    return f"{row['runtime']} {row['format']}{origin} {row['latency_p50_ms']:.3f} ms"
