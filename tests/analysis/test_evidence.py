"""What comparisons and claims of this machine say about a criterion; which of them may speak at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.analysis.evidence import Measured, evidence
from core.claims.experiments.seeds import Repeated, judge_seeds
from core.claims.judging import Factor
from core.model.claim import ClaimResult
from core.model.run import Phase
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore
from tests.pages import samples

Make = Callable[..., Measured]


@pytest.fixture
def make(home: Path) -> Make:
    """A finished comparison: `finish` as of `samples.finish`, everything else as of its spec."""
    store = ComparisonStore(home)

    def made(finish: dict[str, Any] | None = None, **fields: Any) -> Measured:
        spec = samples.new(store, **fields)
        return spec, samples.finish(store, spec, **(finish or {}))

    return made


def test_speed_is_told_as_pytorch_over_tensorflow_whichever_side_is_a(make: Make):
    (found,) = evidence("speed", [make()], {})
    assert found.outcome == "tensorflow"
    assert [found.ratio, found.low, found.high] == pytest.approx([1.5, 1.48, 1.52], rel=0.01)
    (turned,) = evidence("speed", [make(a=samples.PYTORCH, b=samples.TENSORFLOW)], {})
    assert turned.outcome == "pytorch"
    assert [turned.ratio, turned.low, turned.high] == pytest.approx([1 / 1.5, 1 / 1.52, 1 / 1.48], rel=0.01)
    assert "PyTorch over TensorFlow 1.50 [1.48, 1.52], faster" in found.words


def test_where_no_difference_was_shown_it_is_a_tie_with_its_interval(make: Make):
    (found,) = evidence("speed", [make({"ratios": (0.7, 1.4, 1.1, 0.9, 1.0, 1.2)})], {})
    assert (found.outcome, found.low, found.high) == ("tie", 0.7, 1.4)


def test_of_each_workload_the_newest_of_the_usual_executions_speaks(make: Make):
    first, second = make(), make({"ratios": (2.0,) * 6})
    older = replace(first[0], created="2020-01-01T00:00:00+00:00"), first[1]
    newer_but_unusual = make({"ratios": (3.0,) * 6}, a=Variant(framework="tensorflow", execution="xla"))
    (found,) = evidence("speed", [second, newer_but_unusual, older], {})
    assert found.comparison == second[0].id


@pytest.mark.parametrize(
    "fields",
    [
        {"a": samples.PYTORCH},
        {"a": Variant(framework="tensorflow", execution="graph", threads=2)},
        {"b": Variant(framework="pytorch", execution="eager", precision="bf16")},
        {"task": "inference"},
    ],
)
def test_a_comparison_in_which_something_else_differs_says_nothing(make: Make, fields: dict[str, Any]):
    assert evidence("speed", [make(**fields)], {}) == []


def test_a_comparison_that_is_not_comparable_or_not_of_the_same_function_says_nothing(make: Make):
    crowded = make({"reasons": ("The machine was crowded.",)})
    spec, result = make()
    assert evidence("speed", [crowded, (spec, replace(result, identical=False))], {}) == []


def test_without_a_gpu_comparison_nothing_is_known_of_gpus(make: Make):
    assert evidence("gpu_speed", [make()], {}) == []
    sides = (Variant(framework="tensorflow", execution="graph", device="gpu"), Variant(framework="pytorch", execution="eager", device="gpu"))
    assert len(evidence("gpu_speed", [make(a=sides[0], b=sides[1])], {})) == 1


def with_peaks(one: Measured, pytorch_over_tensorflow: tuple[float, ...]) -> Measured:
    """The same comparison with these ratios of peak memory, pair by pair."""
    spec, result = one
    runs = tuple(
        replace(run, peak_memory_bytes=round(1e8 * (pytorch_over_tensorflow[run.pair or 0] if run.side == "b" else 1))) for run in result.runs
    )
    return spec, replace(result, runs=runs)


def test_memory_is_compared_pair_by_pair_and_needs_six_of_them(make: Make):
    peaks = (1.5, 1.6, 1.4, 1.5, 1.7, 1.5)
    (found,) = evidence("memory", [with_peaks(make(), peaks)], {})
    assert (found.outcome, found.ratio, found.low, found.high) == ("tensorflow", 1.5, 1.4, 1.7)
    spec, result = with_peaks(make(), peaks)
    assert evidence("memory", [(spec, replace(result, runs=tuple(run for run in result.runs if run.pair)))], {}) == []


def test_memory_within_the_threshold_is_a_tie(make: Make):
    (found,) = evidence("memory", [with_peaks(make(), (1.04, 1.06, 1.2, 1.1, 1.1, 1.1))], {})
    assert found.outcome == "tie"


def test_start_up_is_import_building_and_first_step_together(make: Make):
    """A: 1 + 1 + 2 s; B: 0.5 + 0.5 + 1 s."""
    spec, result = make()
    runs = tuple(
        replace(run, phases=tuple(Phase(name=name, wall_s=seconds * (0.5 if run.side == "b" else 1), cpu_s=0.0)
                                  for name, seconds in (("import", 1.0), ("build", 1.0), ("first_step", 2.0), ("steady", 99.0))))
        for run in result.runs
    )  # fmt: skip
    (found,) = evidence("startup", [(spec, replace(result, runs=runs))], {})
    assert (found.outcome, found.ratio) == ("pytorch", 0.5)


def claim(id: str, *rows: dict[str, Any]) -> dict[str, ClaimResult]:
    return {id: ClaimResult(id=id, verdict="holds", reason="", rows=rows)}


def test_export_is_better_only_where_the_other_has_no_format_that_comes_back_the_same():
    good = {"framework": "tensorflow", "format": "SavedModel", "same_outputs": True}
    bad = {"framework": "pytorch", "format": "torch.export", "same_outputs": False}
    failed = {"framework": "pytorch", "format": "ONNX", "same_outputs": None}
    (found,) = evidence("export", [], claim("export", good, bad, failed))
    assert (found.outcome, found.claim) == ("tensorflow", "export")
    assert "TensorFlow: SavedModel; PyTorch: none" in found.words
    (both,) = evidence("export", [], claim("export", good, {**bad, "same_outputs": True}))
    assert both.outcome == "tie"
    assert evidence("export", [], {}) == []


def repeated(framework: str, digests: str, *, seeded: bool = True, switches: bool = False, threads: int = 1) -> Repeated:
    """A run for each letter, ending in the weights that the letter stands for."""
    results = [{"digest": digest, "final_loss": 0.1, "seconds": 1.0} for digest in digests]
    return Repeated(framework=framework, threads=threads, seeded=seeded, switches=switches, results=results)


@pytest.mark.parametrize(("pytorch_on_two_threads", "outcome"), [("bbb", "tie"), ("bcb", "tensorflow")])
def test_reproducibility_asks_for_the_seed_alone_on_every_number_of_threads(pytorch_on_two_threads: str, outcome: str):
    found = [
        repeated("tensorflow", "aaa"), repeated("tensorflow", "xy", seeded=False),
        repeated("pytorch", "aaa"), repeated("pytorch", pytorch_on_two_threads, threads=2), repeated("pytorch", "pq", switches=True),
        repeated("pytorch", "xy", seeded=False),
    ]  # fmt: skip
    costs = {name: Factor(value=1.0, low=0.9, high=1.1) for name in ("tensorflow", "pytorch")}
    result = judge_seeds(found, costs, where="here", gpu=False)
    (one,) = evidence("reproducibility", [], {"seeds": result})
    assert (one.outcome, one.claim) == (outcome, "seeds")


def test_without_runs_of_both_nothing_is_known_of_reproducibility():
    assert evidence("reproducibility", [], claim("seeds", {"framework": "PyTorch", "seed": "set", "determinism_switches": "off"})) == []
