"""Eager, `torch.compile`, and `torch.compile(dynamic=True)`, with its caches off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch._dynamo
import torch._inductor.config
from torch import nn

from core.worker.experiments.timing import timed_s
from core.worker.experiments.varying_lengths import CLASSES, HEADS, VOCABULARY, WIDTH, batches
from core.worker.failure import classify, is_compile_failure
from core.workloads.shared.pytorch import PreNormBlock, adam, loss, train_step


class Classifier(nn.Module):
    """Tokens (B, T) to logits (B, classes), of any length T."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.block = PreNormBlock(WIDTH, HEADS)
        self.dense = nn.Linear(WIDTH, CLASSES)

    def forward(self, tokens: Any) -> Any:
        return self.dense(self.block(self.embedding(tokens)).mean(dim=1))


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: as of `batches`, and `modes` in the order to run, of `eager`, `compile` and `compile, any length`."""
    torch._inductor.config.force_disable_caches = True
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    given = [(torch.from_numpy(tokens).to(device), torch.from_numpy(labels).to(device)) for tokens, labels in batches(settings)]
    rows = []
    for mode in settings["modes"]:
        say(f"PyTorch {mode}")
        try:
            rows.append({"mode": mode, **_measure(mode, given, settings["seed"], device)})
        except Exception as error:
            if not is_compile_failure(error):
                raise
            rows.append({"mode": mode, "failed": str(classify(error, settings["device"]))})
    return {"rows": rows}


def _measure(mode: str, given: list[Any], seed: int, device: Any) -> dict[str, Any]:
    torch.manual_seed(seed)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    module = Classifier().to(device)
    model = module if mode == "eager" else torch.compile(module, dynamic=True if mode == "compile, any length" else None)
    step = partial(train_step, model, loss(), adam(module, 1e-3))

    def once() -> Any:
        for batch in given:
            value = step(*batch)
        return value

    total_s, again_s = timed_s(once, float), timed_s(once, float)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    return {"total_s": total_s, "again_s": again_s, "graphs": graphs, "loss": float(step(*given[0]))}
