"""Eager, and `torch.compile` with its caches off, so that every process compiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch._dynamo
import torch._inductor.config

from core.worker.experiments.timing import median_call_s, timed_s
from core.worker.failure import classify, is_compile_failure
from core.workloads.registry import samples, workload_module, workload_spec


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `workloads`, each with `name`, `sizes` and `batch_size`; `modes` in the order to run; `budget_s` of steady steps."""
    torch._inductor.config.force_disable_caches = True
    rows = []
    for chosen in settings["workloads"]:
        for mode in settings["modes"]:
            say(f"{chosen['name']}, PyTorch {mode}")
            row = {"workload": chosen["name"], "mode": mode}
            try:
                rows.append({**row, **_measure(chosen, mode, settings)})
            except Exception as error:
                if not is_compile_failure(error):
                    raise
                rows.append({**row, "failed": str(classify(error, settings["device"]))})
    return {"rows": rows}


def _measure(chosen: dict[str, Any], mode: str, settings: dict[str, Any]) -> dict[str, float]:
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    torch._dynamo.reset()
    workload = workload_module(chosen["name"], "pytorch")
    sizes = workload_spec(chosen["name"]).complete(chosen["sizes"])
    train, _ = samples(chosen["name"], sizes)
    batch = workload.data(train.inputs[: chosen["batch_size"]], train.labels[: chosen["batch_size"]], device)
    module = workload.model(sizes).to(device).train()
    model = torch.compile(module) if mode == "compile" else module
    step = partial(workload.train_step, model, workload.loss(), workload.optimizer(module, 1e-3))
    first_step_s = timed_s(lambda: step(*batch), float)
    return {"first_step_s": first_step_s, "step_s": median_call_s(lambda: step(*batch), float, budget_s=settings["budget_s"])}
