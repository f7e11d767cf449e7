"""A run: one variant of one workload in one fresh process; what it is asked and what it gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.model.variant import Variant

#: Version of the lines a worker writes and of every file beside them.
SCHEMA_VERSION = 1

ROLES = ("parity", "measured", "layers", "pilot", "noise", "pair", "profile")
TASKS = ("train", "inference")
MEASURES = ("step", "epoch")


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything a worker needs; written as `spec.json` into the run's folder."""

    schema: int = SCHEMA_VERSION
    index: int
    """Place in the comparison, from 0, in the order in which the processes ran."""
    role: str
    """Why it runs: one of `ROLES`. `measured`: what one batch gives at the sizes and the precision that are measured.
    `layers`: what each layer gives, to find where two sides part."""
    side: str
    """`a` or `b`."""
    pair: int | None = None
    """Which pair (of its role) it belongs to, from 0; None outside `noise` and `pair`."""
    workload: str
    """A built-in workload's name, or the folder of one's own."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Complete: a value for each size that the workload has."""
    task: str = "train"
    """`train`, or `inference`: one batch after the other through the network, each waited for."""
    variant: Variant
    batch_size: int
    learning_rate: float
    seed: int
    inputs: str
    """Path of the `.npz` with initial weights and the order of the samples, shared by both sides."""
    folder: str
    """Where the worker writes."""
    steps: int
    """Training steps in all, the first one and the warm-up included."""
    warmup_steps: int = 0
    """Steps after the first that are trained but not measured."""
    block_steps: int = 1
    """Steps between two synchronisations."""
    evaluate_every_steps: int | None = None
    """Evaluate after each so many steps and at the end, outside the step clock; None: never."""
    train_samples: int | None = None
    """Only the first so many training samples are used; None: all."""
    measure: str = "step"
    """`epoch`: a block is a whole epoch with its input, metrics and validation. `step`: see `block_steps`."""
    enough_s: float | None = None
    """Training for so long is enough, even if it is fewer steps; only in the role `pilot`."""
    profile_steps: int = 0
    """Steps under the profiler after the warm-up; only in the role `profile`."""


def run_spec_from_dict(raw: dict[str, Any]) -> RunSpec:
    """Rebuild a spec from its JSON object.

    Raises TypeError for unknown or missing fields.
    """
    return RunSpec(**{**raw, "variant": Variant(**raw["variant"])})


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of a run that is timed apart."""

    name: str
    """`import`, `build`, `first_step`, `warmup`, `steady`, `evaluate`."""
    wall_s: float
    cpu_s: float
    """CPU seconds of the whole process, all threads."""


@dataclass(frozen=True, kw_only=True)
class RunError:
    """Why a run gave no result."""

    kind: str
    """`framework_missing`, `framework_broken`, `device_missing`, `compile_failed`, `out_of_memory`, `nan_loss`,
    `killed`, `hung`, `time_limit`, `protocol`, `disk_full`, `crashed`, `interpreter`, `spec`, `workload` (in a file of
    one's own) or `error`."""
    message: str
    """One sentence for a person."""
    exit_code: int | None = None
    """Negative: the signal that ended the process."""
    log_tail: tuple[str, ...] = ()
    """Last lines of the worker's own output."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The test set through the network."""

    step: int
    since_start_s: float
    """Seconds since the process was started."""
    loss: float
    accuracy: float
    """Share of test samples classified correctly, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class MachineLoad:
    """What the machine did during a run, as means in cores; GPU facts where there is one."""

    own_cores: float
    """Cores kept busy by the run itself."""
    other_cores: float
    """Cores kept busy by every other process."""
    steal_cores: float
    """Cores that the hypervisor gave to somebody else."""
    samples: int
    memory_available_min_bytes: int | None = None
    gpu_throttle_reasons: tuple[str, ...] = ()
    gpu_temperature_max_c: int | None = None
    gpu_power_mean_w: float | None = None
    gpu_utilisation_mean_percent: float | None = None
    gpu_sm_clock_min_mhz: int | None = None
    gpu_other_process_bytes: int | None = None
    """GPU memory held by processes that are not this run's."""
    gpu_energy_j: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What the referee read out of a run's events; times in the unit of their name."""

    index: int
    role: str
    side: str
    pair: int | None
    seed: int
    ok: bool
    error: RunError | None = None
    phases: tuple[Phase, ...] = ()
    first_step_s: float | None = None
    """Build end to first step done: tracing and compilation included."""
    step_ms: float | None = None
    """Median over steady blocks of wall time per step; in inference per batch."""
    cpu_epoch_ms: float | None = None
    step_p99_ms: float | None = None
    """99th percentile over steady blocks; in inference only, where a block is one batch."""
    epoch_ms: float | None = None
    """Median wall time of a whole epoch; only where epochs are measured."""
    skipped_steps: int | None = None
    """Steps without an update because a scaled gradient overflowed; fp16 only."""
    cpu_step_ms: float | None = None
    """Median over steady blocks of CPU time per step, all threads."""
    input_ms: float | None = None
    """Median over steady blocks of host time per step spent fetching the batch."""
    page_faults_per_step: float | None = None
    """Median over steady blocks: pages of memory (4 KiB as a rule) that the process used for the first time since it got them."""
    block_variation: float | None = None
    """Coefficient of variation of the last ten steady blocks."""
    settled: bool | None = None
    """Did the run reach a steady state? None where too few blocks were measured to tell."""
    wall_s: float | None = None
    """Process start to process end."""
    train_s: float | None = None
    """First step, warm-up and steady steps together, evaluations left out."""
    steps: int = 0
    peak_memory_bytes: int | None = None
    """GPU: peak of the framework's allocator. CPU: peak resident memory in training, minus what the import took; the data set,
    which both sides hold once, is in it."""
    peak_memory_kind: str | None = None
    """`device_allocator` or `host_resident`."""
    host_peak_bytes: int | None = None
    device_reserved_bytes: int | None = None
    final_loss: float | None = None
    test_accuracy: float | None = None
    evaluations: tuple[Evaluation, ...] = ()
    load: MachineLoad | None = None
