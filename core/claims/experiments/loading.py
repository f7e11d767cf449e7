"""What workers of an input pipeline gain, by what a sample costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.bench.plan import SpecError
from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, refused_row, row, variant
from core.claims.judging import CANNOT_TELL, judge_factor, time_factor
from core.model.claim import ClaimResult
from core.model.variant import Variant

#: "cut epoch time by 40 %" leaves 0.6.
CLAIMED = (0.5, 0.7)
WORKERS = (1, 2, 4)
TRAIN_SAMPLES = 2_000
INPUTS = {"png": "decoding PNG", "loader": "from memory"}


def loader(context: Context) -> ClaimResult:
    """PyTorch without workers (A) against 1, 2 and 4 (B); tf.data one by one against parallel calls with prefetch."""
    compared: list[Compared] = []
    refused: list[dict[str, Any]] = []

    def ask(what: str, a: Variant, b: Variant) -> None:
        try:
            spec = planned(context, "mnist_cnn", a, b, measure="epoch", train_samples=TRAIN_SAMPLES)
        except SpecError as error:
            refused.append({**refused_row(what, a, b, str(error)), "workers": b.workers, "input": b.input})
        else:
            compared.append(compare(context, what, spec))

    for kind, words in INPUTS.items():
        a = variant(context, "pytorch", input=kind)
        for workers in WORKERS:
            ask(f"DataLoader {words}, 0 against {_workers(workers)}", a, replace(a, workers=workers))
    most = max([one.spec.b.workers for one in compared], default=1)
    for kind, words in INPUTS.items():
        a = variant(context, "tensorflow", input=kind, prefetch=0)
        ask(f"tf.data {words}, one by one against {most} parallel calls and prefetch", a, replace(a, workers=most, prefetch=2))
    return judge(compared, refused)


def judge(compared: Sequence[Compared], refused: Sequence[dict[str, Any]]) -> ClaimResult:
    """By PyTorch's most workers that this machine has cores for, decoding PNG: with samples from memory there is nothing to speed up."""
    factors = [time_factor(one.result) for one in compared]
    rows = [{**row(one, factor), "workers": one.spec.b.workers, "input": one.spec.b.input} for one, factor in zip(compared, factors, strict=True)]
    torch = [(one, factor) for one, factor in zip(compared, factors, strict=True) if one.spec.b.framework == "pytorch"]
    most = max((one.spec.b.workers for one, _ in torch), default=0)
    by_input = {one.spec.b.input: (one, factor) for one, factor in torch if one.spec.b.workers == most}
    ids = comparison_ids(compared)
    table = (*rows, *refused)
    one, decoding = by_input.get("png", (None, None))
    if one is None or decoding is None:
        reason = one.result.sentence if one else "No number of workers could be tried on this machine."
        return ClaimResult(id="loader", verdict=CANNOT_TELL, reason=reason, rows=table, comparisons=ids)
    memory = by_input.get("loader", (None, None))[1]
    beside = f"; with samples from memory {memory.words} times" if memory else ""
    fewer = f" This machine has cores for {_workers(most)}, not 4." if most < max(WORKERS) else ""
    return ClaimResult(
        id="loader",
        verdict=judge_factor(decoding, CLAIMED),
        reason=f"With {_workers(most)} instead of none an epoch that decodes PNG takes {decoding.words} times as long{beside}; "
               f"the article says 0.6 with 4.{fewer}",
        comparisons=ids, rows=table, estimate=decoding.value, interval=(decoding.low, decoding.high),
        estimate_is=f"time of an epoch with {_workers(most)} over none, decoding PNG",
    )  # fmt: skip


def _workers(count: int) -> str:
    return f"{count} {'worker' if count == 1 else 'workers'}"
