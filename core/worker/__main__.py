"""One run, from its spec to its last event, read top to bottom."""

from __future__ import annotations

import json
import os
import platform
import sys
import traceback
from importlib import import_module, metadata
from pathlib import Path

from core.model.run import RunSpec, run_spec_from_dict
from core.model.secrets import WITHHELD, is_secret
from core.worker.events import EventWriter
from core.worker.failure import classify_import
from core.worker.process import carry_out


def main(folder: Path) -> int:
    spec = run_spec_from_dict(json.loads((folder / "spec.json").read_text(encoding="utf-8")))
    return carry_out(lambda events: _run(spec, events), folder=folder, device=spec.variant.device)


def _run(spec: RunSpec, events: EventWriter) -> None:
    with events.phase("import"):
        try:
            module = import_module(f"core.worker.{spec.variant.framework}")
        except Exception as error:
            traceback.print_exc()
            raise classify_import(error, spec.variant.framework) from error

    # After the framework, whose import is timed alone; numpy came with it.
    from core.worker import memory, roles
    from core.workloads.inputs import own_order, read_inputs
    from core.workloads.registry import samples

    baseline_bytes = memory.resident_bytes()
    with events.phase("data"):
        train, test = samples(spec.workload, spec.sizes)
        weights, order = read_inputs(Path(spec.inputs))
        order = own_order(order, spec.train_samples or len(train.labels), validation=spec.variant.validation == "on")
    with events.phase("build"):
        program = module.PROGRAM(spec)
        program.build(train, test, order)
        # Each framework now owns its copy; the arrays they were made from would count on one side alone.
        del train, test, order
    events.write("environment", **_interpreter(), **program.environment())
    if spec.role == "parity":
        roles.prove(program, spec, weights, events)
        return
    if spec.role in ("measured", "layers"):
        roles.look(program, spec, weights, events)
        return
    # Another network than the spec's has no weights that could be ported.
    if spec.variant.initial == "ported" and spec.variant.network == "spec":
        program.set_weights(weights)
    memory.reset_peak()
    program.reset_peak_memory()
    if spec.role == "profile":
        roles.profile(program, spec, events)
    elif spec.task == "inference":
        roles.infer(program, spec, events)
    elif spec.measure == "epoch":
        roles.train_epochs(program, spec, events)
    else:
        roles.train(program, spec, events)
    roles.record_memory(program, baseline_bytes, events)


def _interpreter() -> dict[str, object]:
    """Python, its packages, and the variables of this process that change what a framework does."""
    prefixes = ("CUDA", "CUBLAS", "KMP_", "MALLOC_", "MKL_", "NCCL", "NVIDIA", "OMP_", "ONEDNN", "OPENBLAS", "PYTORCH", "TF_", "TORCH", "XLA_")
    return {
        "python_version": platform.python_version(),
        "packages": sorted({f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions() if d.metadata["Name"]}, key=str.lower),
        "variables": {
            name: WITHHELD if is_secret(name, value) else value for name, value in sorted(os.environ.items()) if name.startswith(prefixes)
        },
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m core.worker RUN_FOLDER")
    sys.exit(main(Path(sys.argv[1])))
