"""What a parity run leaves behind, read from its folder: for the gates, and for the diagnosis of one that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.bench.diagnosis.evidence import Evidence, SideEvidence
from core.bench.parity import ParityEvidence
from core.model.comparison import SIDES, ComparisonSpec
from core.model.variant import FRAMEWORK_LABELS
from core.workloads.inputs import read_inputs
from core.workloads.layouts import Array
from core.workloads.registry import samples, weight_map, workload_spec
from core.workloads.spec import Sizes


def parity_evidence(events: list[dict[str, Any]], folder: Path) -> ParityEvidence:
    """Of a run of role `parity` or `measured`."""
    said = [event for event in events if event["event"] == "parity"]
    parameters = next((event["value"] for event in said if event["stage"] == "parameters"), None)
    failed = next((event for event in said if "failed" in event), {})
    with np.load(folder / "parity.npz", allow_pickle=False) as arrays:
        return ParityEvidence(parameters=parameters, arrays=dict(arrays), failed_stage=failed.get("stage"), message=failed.get("failed", ""))


def built_layers(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`name`, `kind`, `shape` and `parameters` of each layer that a run of role `parity` built; empty where it got not so far."""
    return next((event["layers"] for event in events if event["event"] == "parity" and event.get("stage") == "layers"), [])


def layer_outputs(events: list[dict[str, Any]], folder: Path) -> dict[str, Array]:
    """Of a run of role `layers`, in the order in which the layers were computed."""
    order = next(event["names"] for event in events if event["event"] == "layer_order")
    with np.load(folder / "parity.npz", allow_pickle=False) as arrays:
        return {name: arrays[f"layer:{name}"] for name in order}


def proof_shape(spec: ComparisonSpec) -> tuple[Sizes, int]:
    """Sizes and batch size of the proof: the workload's small ones, where it has sizes, else those that are measured.

    The code is the same at every size, and at small ones rounding leaves room for strict gates on each tensor and ten steps.
    """
    known = workload_spec(spec.workload)
    return (known.small_sizes, known.small_batch_size) if known.sizes else (spec.sizes, spec.batch_size)


def is_proven_as_measured(spec: ComparisonSpec) -> bool:
    """Is what the proof computes what is measured, in size and precision?"""
    return proof_shape(spec) == (spec.sizes, spec.batch_size) and {spec.a.precision, spec.b.precision} == {"fp32"}


def can_be_diagnosed(spec: ComparisonSpec) -> bool:
    """Other networks than the spec's are known to differ, and have no weights that could be ported."""
    return (spec.a.network, spec.b.network) == ("spec", "spec")


def gather(
    spec: ComparisonSpec,
    proven: dict[str, ParityEvidence],
    built: dict[str, list[dict[str, Any]]],
    outputs: dict[str, dict[str, Array]],
    inputs: Path,
) -> Evidence:
    """Everything that a diagnosis may ask for; by side what the parity runs gave and, where they ran, what each layer gave.

    `inputs`: the weights and the order that these runs had.
    """
    weights, order = read_inputs(inputs)
    sizes, _ = proof_shape(spec)
    train, _ = samples(spec.workload, sizes)
    sides = [
        SideEvidence(
            label=FRAMEWORK_LABELS[spec.variant(side).framework] if spec.a.framework != spec.b.framework else f"side {side.upper()}",
            framework=spec.variant(side).framework, arrays=proven[side].arrays, layers=outputs.get(side, {}), rows=tuple(built[side]),
            message=proven[side].message,
        )
        for side in SIDES
    ]  # fmt: skip
    return Evidence(
        a=sides[0], b=sides[1], weight_map=weight_map(spec.workload, sizes), weights=weights, inputs=train.inputs[order[0]],
        labels=train.labels[order[0]], learning_rate=workload_spec(spec.workload).learning_rate,
    )  # fmt: skip
