"""A comparison: two variants, several pairs of runs, one verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.model.parity import ParityStage
from core.model.run import SCHEMA_VERSION, RunError, RunResult
from core.model.variant import Variant

SIDES = ("a", "b")

VERDICTS = ("faster", "no_practical_difference", "measurable_under_threshold", "cannot_tell", "not_comparable")
VERDICT_LABELS = {
    "faster": "faster",
    "no_practical_difference": "no practical difference",
    "measurable_under_threshold": "measurable, but under your threshold",
    "cannot_tell": "cannot tell",
    "not_comparable": "not comparable",
}

#: States that a result can have.
ENDS = ("finished", "failed", "cancelled")
#: `interrupted` is never written: it is what a folder without a result and without a living referee means.
STATES = ("queued", "running", *ENDS, "interrupted")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How much to measure."""

    name: str
    label: str
    pairs: int
    """Pairs before the interval is looked at; the minimum for a 95 % interval is 6."""
    max_pairs: int
    """Where larger than `pairs`: go on until the interval is narrower than the threshold."""
    noise_pairs: int
    """Pairs of a variant against itself before the comparison."""
    steady_seconds: float | None = None
    """Measured training time wanted of a run; None where `epochs` decides."""
    epochs: int | None = None
    """Whole epochs to train."""
    steps: int | None = None
    """Measured steps wanted, rounded up to whole blocks."""
    profile_steps: int = 10
    run_limit_s: float = 300.0
    """A run longer than this is ended."""
    silence_limit_s: float = 120.0
    """A run that says nothing for so long is ended."""
    budget_s: float = 3600.0
    """No new pair is begun after this."""
    summary: str = ""


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(name="quick", label="Quick", pairs=6, max_pairs=6, noise_pairs=3, steady_seconds=1.5,
               summary="6 pairs of short runs: two to three minutes on two CPU cores."),
        Preset(name="standard", label="Standard", pairs=10, max_pairs=10, noise_pairs=4, steady_seconds=5.0,
               summary="10 pairs of longer runs: about eight minutes on two CPU cores."),
        Preset(name="rigorous", label="Rigorous", pairs=10, max_pairs=40, noise_pairs=6, steady_seconds=5.0, budget_s=3600.0,
               summary="From 10 to 40 pairs, until the interval is narrower than your threshold or an hour is over."),
        Preset(name="article", label="Article", pairs=6, max_pairs=6, noise_pairs=2, epochs=3, run_limit_s=1800.0, budget_s=7200.0,
               summary="Three epochs as the article trained, with equal work on both sides: 6 pairs, about half an hour on two CPU cores."),
    )
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ComparisonSpec:
    """What is compared and how; written once as `spec.json`, never changed."""

    schema: int = SCHEMA_VERSION
    id: str
    created: str
    """ISO 8601, UTC."""
    workload: str
    """A built-in workload's name, or the folder of one's own."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Complete: a value for each size that the workload has."""
    task: str = "train"
    """`train` or `inference`."""
    measure: str = "step"
    """What the ratio is of: the time of a `step`, or of a whole `epoch` with its input, metrics and validation."""
    a: Variant
    b: Variant
    preset: Preset
    batch_size: int
    learning_rate: float
    seed: int
    train_samples: int | None = None
    """Only the first so many training samples are used; None: all."""
    require_parity: bool = True
    """False: the two need not be the same function; which gates fail is said with the result."""
    threshold: float = 0.05
    """Smallest relative difference that matters to the user."""
    profile: bool = True

    @property
    def workload_name(self) -> str:
        """What a person calls the workload: of one's own, the name of its folder."""
        return self.workload.replace("\\", "/").rstrip("/").rpartition("/")[2]

    def variant(self, side: str) -> Variant:
        return self.a if side == "a" else self.b


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """Two neighbouring runs."""

    index: int
    order: str
    """`ab` or `ba`: which ran first."""
    ratio: float
    """Step time of B over step time of A."""
    cpu_ratio: float | None = None
    """The same for CPU time."""


@dataclass(frozen=True, kw_only=True)
class SideSummary:
    """One side over all its measured runs: medians, unless the name says otherwise."""

    variant: Variant
    runs: int = 0
    import_s: float | None = None
    build_s: float | None = None
    first_step_s: float | None = None
    step_ms: float | None = None
    step_p99_ms: float | None = None
    """In inference: 99th percentile of the time of a batch."""
    epoch_ms: float | None = None
    cpu_step_ms: float | None = None
    input_ms: float | None = None
    page_faults_per_step: float | None = None
    samples_per_s: float | None = None
    train_s: float | None = None
    wall_s: float | None = None
    peak_memory_bytes: int | None = None
    peak_memory_kind: str | None = None
    test_accuracy: float | None = None
    final_loss: float | None = None
    energy_per_run_j: float | None = None
    """Energy of the card over a whole run, import and evaluation included; None for a CPU side."""
    profiled_step_ms: float | None = None
    profiled_page_faults_per_step: float | None = None
    profiler_slowdown: float | None = None
    """Step time under the profiler over step time just before and after it, in the same process."""


@dataclass(frozen=True, kw_only=True)
class AccuracyComparison:
    """Paired test accuracies after whole epochs, over seeds (two one-sided t-tests, margin in accuracy)."""

    mean_difference: float
    """B minus A, 0 to 1."""
    interval_90: tuple[float, float]
    margin: float
    equivalent: bool
    seeds: int


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """The end of a comparison, good or bad; written last, as `result.json`."""

    schema: int = SCHEMA_VERSION
    id: str
    state: str
    """`finished`, `failed` or `cancelled`."""
    workload: str
    verdict: str
    sentence: str
    """The verdict in words, with its numbers."""
    identical: bool | None = None
    """Do both sides compute the same function, by every gate? None: it was not found out."""
    faster_side: str | None = None
    ratio: float | None = None
    """Time of B over time of A: above 1, A is faster."""
    interval_95: tuple[float, float] | None = None
    interval_90: tuple[float, float] | None = None
    noise_floor: float | None = None
    """Relative difference that this machine shows between a variant and itself."""
    threshold: float = 0.05
    delta: float | None = None
    """max(threshold, noise_floor): what a difference must exceed."""
    cpu_ratio: float | None = None
    pairs_needed: int | None = None
    """For `cannot_tell`: about how many pairs would settle it; None where more pairs would not."""
    reasons: tuple[str, ...] = ()
    """Why it is not comparable, or what to keep in mind."""
    pairs: tuple[PairResult, ...] = ()
    noise_ratios: tuple[float, ...] = ()
    parity: tuple[ParityStage, ...] = ()
    sides: dict[str, SideSummary] = field(default_factory=dict)
    accuracy: AccuracyComparison | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    runs: tuple[RunResult, ...] = ()
    error: RunError | None = None
    duration_s: float | None = None
