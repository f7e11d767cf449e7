"""One run, from its spec to its last event, read top to bottom."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
import traceback
from importlib import import_module, metadata
from pathlib import Path

from core.model.run import SCHEMA_VERSION, RunSpec, run_spec_from_dict
from core.worker.events import EventWriter
from core.worker.failure import EXIT_DISK_FULL, EXIT_FAILED, classify, classify_import, is_disk_full


def main(folder: Path) -> int:
    spec = run_spec_from_dict(json.loads((folder / "spec.json").read_text(encoding="utf-8")))
    _end_with_parent()
    try:
        events = EventWriter(folder / "events.jsonl")
        events.write("started", schema=SCHEMA_VERSION, pid=os.getpid(), python=sys.executable)
        try:
            _run(spec, events)
        except Exception as error:
            traceback.print_exc()
            failure = classify(error, spec.variant)
            events.write("failed", kind=failure.kind, message=str(failure))
            return EXIT_FAILED
        events.write("finished")
    except OSError as error:
        if is_disk_full(error):
            return EXIT_DISK_FULL
        raise
    return 0


def _run(spec: RunSpec, events: EventWriter) -> None:
    with events.phase("import"):
        try:
            module = import_module(f"core.worker.{spec.variant.framework}")
        except Exception as error:
            traceback.print_exc()
            raise classify_import(error, spec.variant) from error

    # After the framework, whose import is timed alone; numpy came with it.
    from core.worker import memory, roles
    from core.workloads.inputs import read_inputs
    from core.workloads.mnist import load_mnist

    baseline_bytes = memory.resident_bytes()
    with events.phase("data"):
        train, test = load_mnist()
        weights, order = read_inputs(Path(spec.inputs))
    with events.phase("build"):
        program = module.PROGRAM(spec, deterministic=spec.role == "parity")
        program.build(train, test, order)
        # Each framework now owns its copy; the arrays they were made from would count on one side alone.
        del train, test, order
    events.write("environment", **_interpreter(), **program.environment())
    if spec.role == "parity":
        roles.prove(program, spec, weights, events)
        return
    program.set_weights(weights)
    memory.reset_peak()
    program.reset_peak_memory()
    if spec.role == "profile":
        roles.profile(program, spec, events)
    else:
        roles.train(program, spec, events)
    roles.record_memory(program, baseline_bytes, events)


def _interpreter() -> dict[str, object]:
    """Python, its packages, and the variables of this process that change what a framework does."""
    prefixes = ("CUDA", "CUBLAS", "KMP_", "MKL_", "NCCL", "NVIDIA", "OMP_", "ONEDNN", "OPENBLAS", "PYTORCH", "TF_", "TORCH", "XLA_")
    return {
        "python_version": platform.python_version(),
        "packages": sorted({f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions() if d.metadata["Name"]}, key=str.lower),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(prefixes)},
    }


def _end_with_parent() -> None:
    """A worker whose referee is gone has nobody to report to: it ends, so that nothing runs on unseen."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(EXIT_FAILED)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m core.worker RUN_FOLDER")
    sys.exit(main(Path(sys.argv[1])))
