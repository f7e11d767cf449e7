"""Making a comparison and handing it to a referee process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from core.bench.plan import SpecError
from core.machine.cpu import usable_cpus
from core.machine.interpreter import PROJECT
from core.model.comparison import PRESETS, ComparisonSpec
from core.model.hosted import refuse_if_hosted
from core.model.run import MEASURES, TASKS
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore, new_id
from core.workloads.registry import resolve, workload_spec
from core.workloads.spec import Sizes, WorkloadSpec


def make_spec(
    workload: str,
    a: Variant,
    b: Variant,
    *,
    preset: str = "quick",
    sizes: Sizes | None = None,
    task: str = "train",
    measure: str = "step",
    require_parity: bool = True,
    train_samples: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 1,
    threshold: float = 0.05,
    profile: bool = True,
    epochs: int | None = None,
    steps: int | None = None,
) -> ComparisonSpec:
    """A comparison to be run; what is not given comes from the workload. `epochs` or `steps` replace the preset's length.

    Raises SpecError or WorkloadError with one sentence about what cannot be meant.
    """
    workload = resolve(workload)
    known = workload_spec(workload)
    complete = known.complete(sizes or {})
    if task not in TASKS:
        raise SpecError(f"There is no task '{task}'; choose {' or '.join(TASKS)}.")
    if measure not in MEASURES:
        raise SpecError(f"'{measure}' cannot be measured; choose {' or '.join(MEASURES)}.")
    if train_samples is not None and not 1 <= train_samples <= known.train_samples:
        raise SpecError(f"{train_samples:,} training samples are not possible; {known.title} has {known.train_samples:,}.")
    for variant in (a, b):
        _check_variant(variant, known, task, measure)
    batch_size = known.batch_size if batch_size is None else batch_size
    learning_rate = known.learning_rate if learning_rate is None else learning_rate
    if preset not in PRESETS:
        raise SpecError(f"There is no preset '{preset}'; choose {', '.join(PRESETS)}.")
    largest = train_samples or known.train_samples
    if "on" in (a.validation, b.validation):
        largest -= largest // 10
    if not 1 <= batch_size <= largest:
        raise SpecError(f"A batch of {batch_size} is not possible; choose 1 to {largest:,} samples.")
    if not 0 < learning_rate < float("inf"):
        raise SpecError(f"A learning rate of {learning_rate} is not possible; choose a positive number.")
    if not 0 < threshold < 1:
        raise SpecError(f"A threshold of {threshold} is not possible; choose a fraction between 0 and 1, such as 0.05 for 5 %.")
    if not 0 <= seed < 2**31:
        raise SpecError(f"A seed of {seed} is not possible; choose a whole number from 0 to {2**31 - 1}.")
    if epochs is not None and steps is not None:
        raise SpecError("Give epochs or steps, not both.")
    for name, value in (("epochs", epochs), ("steps", steps)):
        if value is not None and not 1 <= value <= 1_000_000:
            raise SpecError(f"{name}={value} is not possible; choose a whole number from 1 to 1,000,000.")
    length = PRESETS[preset]
    if epochs is not None or steps is not None:
        length = replace(length, epochs=epochs, steps=steps, steady_seconds=None, run_limit_s=max(length.run_limit_s, 3600.0))
    return ComparisonSpec(
        id=new_id(), created=datetime.now(UTC).isoformat(timespec="seconds"), workload=workload, sizes=complete, task=task,
        measure=measure, require_parity=require_parity, train_samples=train_samples, a=a, b=b, preset=length,
        batch_size=batch_size, learning_rate=learning_rate, seed=seed, threshold=threshold, profile=profile,
    )  # fmt: skip


def _check_variant(variant: Variant, known: WorkloadSpec, task: str, measure: str) -> None:
    """Raises SpecError where this workload or this machine cannot run the variant."""
    cores = len(usable_cpus())
    if variant.workers > cores:
        raise SpecError(f"workers={variant.workers} is more than the {cores} cores of this machine, so they would wait for each other; "
                        f"choose 0 to {cores}.")  # fmt: skip
    if variant.malloc == "keep" and platform.libc_ver()[0] != "glibc":
        raise SpecError("malloc=keep is a setting of glibc's allocator, which this system does not have; leave it out.")
    if variant.network in ("article", "mended") and known.name != "mnist_cnn":
        raise SpecError(f"network={variant.network} is a network of mnist_cnn; {known.title} has spec" + (" and library." if known.library else "."))
    if variant.network == "library" and not known.library:
        raise SpecError(f"The libraries ship no model for {known.title}; choose network=spec.")
    if variant.validation == "on" and measure != "epoch":
        raise SpecError("validation=on happens after an epoch, so only whole epochs show it; measure epochs, or leave it out.")
    if task == "inference":
        if variant.execution == "train_step":
            raise SpecError("execution=train_step is a way to train; for inference choose graph, eager, xla or fit (Keras predict).")
        if variant.execution == "cuda_graph":
            raise SpecError("execution=cuda_graph captures a training step; for inference choose compile_reduce_overhead, which uses CUDA graphs.")
        if variant.input != "memory" or measure != "step":
            raise SpecError("Inference is timed batch by batch from memory; leave out input and epochs.")


def start_detached(store: ComparisonStore, spec: ComparisonSpec) -> None:
    """Create the comparison and start its referee as a process that outlives this one.

    Raises HostedError in the demo.
    """
    refuse_if_hosted("a comparison")
    folder = store.create(spec)
    with (folder / "referee.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "referee", spec.id],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
