"""From the two programs as the article prints them to two that do the same, one difference after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.comparing import Compared, compare, comparison_ids, planned, variant
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, time_factor
from core.model.claim import ClaimResult
from core.model.comparison import ComparisonSpec
from core.model.parity import STAGE_LABELS
from core.model.variant import Variant

#: A tenth of MNIST: an epoch short enough to be repeated.
TRAIN_SAMPLES = 6_000
#: What is made equal, one after another: new settings of TensorFlow, and of PyTorch.
KNOBS: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("as printed", {}, {}),
    ("samples and validation", {"validation": "off"}, {}),
    ("metrics", {"metrics": "off"}, {}),
    ("input pipeline", {}, {"input": "memory"}),
    ("loss from logits", {"network": "spec"}, {"network": "spec"}),
    ("optimizer form", {"optimizer": "matched"}, {"optimizer": "matched"}),
    ("initial weights", {"initial": "ported"}, {"initial": "ported"}),
    ("training loop", {"execution": "graph"}, {}),
)


def code_same(context: Context) -> ClaimResult:
    """Eight comparisons of a whole epoch; only the last two sides must be, and are proven to be, the same function."""
    compared = []
    for knob, spec in ladder(context):
        compared.append(compare(context, knob, spec))
    return judge(compared)


def ladder(context: Context) -> list[tuple[str, ComparisonSpec]]:
    """What is compared at each step; a difference once made equal stays so."""
    a, b = as_printed(context)
    steps = []
    for knob, of_a, of_b in KNOBS:
        a, b = replace(a, **of_a), replace(b, **of_b)  # type: ignore[arg-type]
        steps.append((knob, planned(context, "mnist_cnn", a, b, measure="epoch", train_samples=TRAIN_SAMPLES, require_parity=knob == KNOBS[-1][0])))
    return steps


def as_printed(context: Context) -> tuple[Variant, Variant]:
    """Keras fit with validation split and accuracy against a loop over a DataLoader, with the size of PyTorch's network mended."""
    own = {"optimizer": "native", "initial": "native"}
    return (
        variant(context, "tensorflow", execution="fit", network="article", metrics="on", validation="on", **own),
        variant(context, "pytorch", network="mended", input="loader", **own),
    )


def judge(compared: Sequence[Compared]) -> ClaimResult:
    """One row per step: `knob`, `ratio` (time of PyTorch over time of TensorFlow) with `low` and `high`, `same_function`, `comparison`."""
    factors = [time_factor(one.result) for one in compared]
    rows: tuple[dict[str, Any], ...] = tuple(
        {"knob": one.what, "ratio": factor.value if factor else None, "low": factor.low if factor else None,
         "high": factor.high if factor else None, "same_function": one.result.identical, "comparison": one.result.id,
         "note": "" if factor else one.result.sentence}
        for one, factor in zip(compared, factors, strict=True)
    )  # fmt: skip
    first, last = factors[0], factors[-1]
    printed, equal = compared[0].result, compared[-1].result
    different = _measured_difference(compared)
    moved = first is not None and last is not None and (first.high < last.low or last.high < first.low)
    if different is not None or moved:
        verdict = DOES_NOT_HOLD
    elif printed.identical and first is not None and last is not None:
        verdict = HOLDS
    else:
        verdict = CANNOT_TELL
    words = []
    if different is not None:
        words.append(f"The two do not compute the same: {different}")
    if first is not None and last is not None:
        how = "beyond" if moved else "within"
        words.append(f"the time of an epoch, PyTorch over TensorFlow, goes from {first.words} as printed to {last.words} with everything equal, "
                     f"{how} what the intervals allow")  # fmt: skip
    else:
        lacking = next(one.result.sentence for one, factor in ((compared[0], first), (compared[-1], last)) if factor is None)
        words.append(f"how far the ratio moves was not found out ({lacking.rstrip('.')})")
    words.append("the last two are proven to be the same function" if equal.identical else "the last two could not be proven to be the same function")
    sentence = "; ".join(words) + "."
    return ClaimResult(
        id="code-same", verdict=verdict, reason=sentence[:1].upper() + sentence[1:], comparisons=comparison_ids(compared), rows=rows,
        estimate=last.value if last else None, interval=(last.low, last.high) if last else None,
        estimate_is="time of PyTorch over time of TensorFlow with everything equal" if last else "",
    )  # fmt: skip


def _measured_difference(compared: Sequence[Compared]) -> str | None:
    """The first gate that fails by a number before everything is equal: what still differs there differs as printed too.

    A gate without a number could not be passed through, which proves nothing.
    """
    for one in compared[:-1]:
        failed = next((stage for stage in one.result.parity if not stage.passed), None)
        if failed is not None and failed.error is not None:
            after = "as printed" if one is compared[0] else f"with everything equal up to '{one.what}'"
            return f"{after} the gate '{STAGE_LABELS[failed.stage]}' fails ({failed.measure} {failed.error:.1e}, allowed {failed.allowed:g})"
    return None
