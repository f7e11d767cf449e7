"""What the article says of exported networks: that they come back whole, and how large and how fast they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.bench.experiment import ExperimentFailed
from core.bench.exports import FORMATS, LITERT, TF_LITE, Exported, Exporter, Runtime, find_format
from core.claims.experiment import Context
from core.claims.experiments.asking import PAIRS, THRESHOLD, ask_in_pairs
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, Factor, all_of
from core.model.claim import ClaimResult
from core.workloads.registry import workload_spec

WORKLOAD = "mnist_cnn"
#: The formats that the article names.
NAMED = ("SavedModel", "TorchScript")
#: "4x smaller": as a factor between these; scales and what is kept in 32 bits cost a little.
FOUR_TIMES = (3.5, 4.5)


def exporter(context: Context) -> Exporter:
    """Of the article's network, on the context's machine."""
    sizes = workload_spec(WORKLOAD).complete({})
    return Exporter(workload=WORKLOAD, sizes=sizes, folder=context.folder, threads=context.threads, device=context.device,
                    say=context.say, cancelled=context.cancelled)  # fmt: skip


def export(context: Context) -> ClaimResult:
    """Every format for servers, there and back."""
    return judge_export(exporter(context).rows([one for one in FORMATS if not one.cpu_only]))


def judge_export(rows: Sequence[dict[str, Any]]) -> ClaimResult:
    """It holds where the formats that the article names can be written and read back with the same outputs."""
    named = {row["format"]: row for row in rows if row["format"] in NAMED}
    verdict = all_of([{True: HOLDS, False: DOES_NOT_HOLD, None: CANNOT_TELL}[named[name]["same_outputs"]] for name in NAMED])
    words = [_back(named[name]) for name in NAMED]
    words += [_back(row) for row in rows if row["format"] not in NAMED]
    said = next((row["note"] for row in rows if row["format"] == "TorchScript" and row["same_outputs"]), "")
    warned = f" PyTorch says of TorchScript: {said}" if said else ""
    return ClaimResult(id="export", verdict=verdict, reason=f"{'; '.join(words)}.{warned}", rows=tuple(rows))


def _back(row: dict[str, Any]) -> str:
    name = row["format"] if row["format"] != "ONNX" else f"ONNX from {row['framework']}"
    if row["latency_p50_ms"] is None:
        return f"{name} was not measured ({row['note'].rstrip('.')})"
    same = "the same outputs" if row["same_outputs"] else "DIFFERENT outputs"
    return (f"{name} came back with {same} (largest difference {row['largest_difference'] or 0:.1g}, allowed {row['allowed_difference']:.1g}), "
            f"{row['size_bytes'] / 1e6:.2f} MB, loaded in {row['load_ms']:.0f} ms")  # fmt: skip


def tflite(context: Context) -> ClaimResult:
    """32-bit against dynamic int8, in pairs of processes, by LiteRT where it is installed, else by TensorFlow's own interpreter."""
    work = exporter(context)
    plain, small = (work.export(find_format("tensorflow", name)) for name in ("tflite", "tflite_int8"))
    runtime = _tflite_runtime(work, plain)
    asked = ask_in_pairs(work, (plain, runtime), (small, runtime), np.random.default_rng())
    return judge_tflite(list(asked.rows), asked.factor)


def _tflite_runtime(work: Exporter, exported: Exported) -> Runtime:
    try:
        work.ask(exported, LITERT)
    except ExperimentFailed as failure:
        if failure.kind != "exporter_missing":
            raise
        return TF_LITE
    return LITERT


def judge_tflite(rows: Sequence[dict[str, Any]], speed: Factor) -> ClaimResult:
    """`rows`: 32-bit, then int8; `speed`: latency of the first over the second.

    "Up to 2.5 times faster" asks that it be faster at all; how much is in the reason.
    """
    plain, small = rows
    ratio = plain["size_bytes"] / small["size_bytes"]
    low, high = FOUR_TIMES
    size = HOLDS if low <= ratio <= high else DOES_NOT_HOLD
    faster = HOLDS if speed.beyond_noise and speed.low > 1 else DOES_NOT_HOLD if speed.high < 1 + speed.noise else CANNOT_TELL
    reason = (
        f"int8 is {ratio:.2f} times smaller ({plain['size_bytes']:,} against {small['size_bytes']:,} bytes). One image takes "
        f"{plain['latency_p50_ms']:.3f} ms in 32 bits, {speed.words} times what it takes in int8, by {plain['runtime']} on this CPU, not "
        f"on Android; the article says up to 2.5. {PAIRS} pairs of processes. The outputs differ by {small['largest_difference']:.2g} at most."
    )
    return ClaimResult(
        id="tflite", verdict=all_of([size, faster]), reason=reason, rows=tuple(rows), estimate=speed.value, interval=(speed.low, speed.high),
        estimate_is="latency in 32 bits over latency in int8",
    )  # fmt: skip


def torch_mobile(context: Context) -> ClaimResult:
    """The same network for phones, by both frameworks."""
    wanted = [find_format("pytorch", name) for name in ("torch_mobile", "executorch", "executorch_int8")]
    wanted += [find_format("tensorflow", name) for name in ("tflite", "tflite_int8")]
    return judge_torch_mobile(exporter(context).rows(wanted))


def judge_torch_mobile(rows: Sequence[dict[str, Any]]) -> ClaimResult:
    """It holds where the smallest file of PyTorch is larger than the smallest of TensorFlow, by more than `THRESHOLD`."""
    files = {framework: {row["format"]: row["size_bytes"] for row in rows if row["framework"] == framework and row["size_bytes"]}
             for framework in ("pytorch", "tensorflow")}  # fmt: skip
    # Two formats may lack the same package; each reason is said once.
    missing = list(dict.fromkeys(f"{row['format']}: {row['note']}" for row in rows if not row["size_bytes"]))
    unsaid = f" Not measured: {' '.join(missing)}" if missing else ""
    if not files["pytorch"] or not files["tensorflow"]:
        reason = f"There are no files of both frameworks to weigh.{unsaid}"
        return ClaimResult(id="torch-mobile", verdict=CANNOT_TELL, reason=reason, rows=tuple(rows))
    ratio = min(files["pytorch"].values()) / min(files["tensorflow"].values())
    sizes = ", ".join(f"{name} {size:,} bytes" for framework in files for name, size in files[framework].items())
    return ClaimResult(
        id="torch-mobile", verdict=HOLDS if ratio > 1 + THRESHOLD else DOES_NOT_HOLD,
        reason=f"PyTorch's smallest file is {ratio:.2f} times as large as TensorFlow's ({sizes}); files, without what runs them.{unsaid}",
        rows=tuple(rows), estimate=ratio, estimate_is="bytes of PyTorch's smallest file over TensorFlow's",
    )  # fmt: skip
