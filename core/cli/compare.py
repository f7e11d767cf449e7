"""`compare`: run one comparison in this process, with progress, to its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.analysis.comparison import unit_of_work
from core.bench.referee import Observer, Referee
from core.bench.start import make_spec
from core.cli.gate import FailIfOption, StrictOption, exit_code, judge_all, outcome_fields, parse_conditions, print_outcomes
from core.cli.render import print_result
from core.cli.stopping import stop_asked
from core.cli.stored import IdArgument, JsonOption, as_json, print_json
from core.machine.facts import default_threads, gpu_visible
from core.model.comparison import PRESETS, ComparisonResult, ComparisonSpec
from core.model.variant import parse_variant, settings
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError
from core.workloads.spec import parse_sizes

_STAGES = {"parity": "proving parity", "pilot": "finding the warm-up", "noise": "measuring the noise floor", "pairs": "comparing",
           "profile": "profiling both sides"}  # fmt: skip

VariantOption = Annotated[
    str, typer.Option(metavar="FRAMEWORK[:key=value,...]", help=f"Keys: {', '.join(f.name for f in settings())}.")
]


def compare(
    workload: Annotated[str, typer.Argument(help="What to compute, e.g. mnist_cnn; or the folder of your own pair.")],
    a: VariantOption = "tensorflow",
    b: VariantOption = "pytorch",
    preset: Annotated[str, typer.Option(help=f"How much to measure: {', '.join(PRESETS)}.")] = "quick",
    batch_size: Annotated[int | None, typer.Option(help="Samples per step; the workload's own if not given.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The workload's own if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and sample order; each pair takes the next one.")] = 1,
    threshold: Annotated[float, typer.Option(help="Smallest relative difference that matters to you.")] = 0.05,
    size: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A size of the workload, e.g. image_size=64; may be repeated.")
    ] = None,
    task: Annotated[str, typer.Option(help="train, or inference: one batch after the other, with p50 and p99.")] = "train",
    measure: Annotated[str, typer.Option(help="step, or epoch: whole epochs with input, metrics and validation.")] = "step",
    train_samples: Annotated[int | None, typer.Option(help="Use only the first so many training samples.")] = None,
    require_parity: Annotated[bool, typer.Option(help="No ratio unless both sides are proven to be the same model.")] = True,
    epochs: Annotated[int | None, typer.Option(help="Train so many whole epochs a run, instead of the preset's length.")] = None,
    steps: Annotated[int | None, typer.Option(help="Measure about so many steps a run, instead of the preset's length.")] = None,
    profile: Annotated[bool, typer.Option(help="Profile both sides after the timed runs.")] = True,
    fail_if: FailIfOption = None,
    strict: StrictOption = False,
    json: JsonOption = False,
) -> None:
    """Compare two variants of a workload on this machine."""
    conditions = parse_conditions(fail_if)
    threads, device = default_threads(), "gpu" if gpu_visible() else "cpu"
    spec = make_spec(
        workload,
        parse_variant(a, threads=threads, device=device),
        parse_variant(b, threads=threads, device=device),
        preset=preset, batch_size=batch_size, learning_rate=learning_rate, seed=seed, threshold=threshold, profile=profile,
        epochs=epochs, steps=steps, sizes=parse_sizes(size or []), task=task, measure=measure, train_samples=train_samples,
        require_parity=require_parity,
    )  # fmt: skip
    store = ComparisonStore()
    console = Console(stderr=json)
    try:
        store.create(spec)
        with _progress(console, spec) as observer:
            result = _referee(store, spec, observer)
    except OSError as error:
        raise StoreError(f"The store at {store.root} cannot be written ({error.strerror}); free some space or set SHOWDOWN_HOME.") from error
    outcomes = judge_all(conditions, result)
    if json:
        print_json({**as_json(store.load(spec.id)), **outcome_fields(outcomes)})
    else:
        print_result(console, spec, result)
    print_outcomes(console, outcomes)
    raise typer.Exit(exit_code(result.state, outcomes, strict=strict))


def referee(id: IdArgument) -> None:
    """Run a comparison that was created by another process."""
    store = ComparisonStore()
    comparison = store.load(id)
    if comparison.spec is None or comparison.state != "queued":
        raise StoreError(f"Comparison {id} is {comparison.state} and cannot be started; make a new one.")
    result = _referee(store, comparison.spec, lambda event: None)
    raise typer.Exit(exit_code(result.state))


def _referee(store: ComparisonStore, spec: ComparisonSpec, observer: Observer) -> ComparisonResult:
    with stop_asked() as interrupted:
        return Referee(store, spec, observer, interrupted).run()


@contextmanager
def _progress(console: Console, spec: ComparisonSpec) -> Iterator[Observer]:
    """A line that says which run of which stage is going on, and what the pairs say so far."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    labels = {"a": f"A {spec.a.label}", "b": f"B {spec.b.label}"}
    unit = unit_of_work(spec)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{spec.id}: starting", total=None)

        def observe(event: dict[str, Any]) -> None:
            match event["event"]:
                case "waiting":
                    progress.update(task, description=f"waiting for comparison {event['behind']}")
                case "stage":
                    progress.reset(task, total=event["runs"], description=_STAGES[event["stage"]])
                case "run_begin":
                    stage = progress.tasks[task].description.partition(":")[0]
                    progress.update(task, description=f"{stage}: {labels[event['side']]}")
                case "run_end":
                    progress.advance(task)
                case "pair":
                    progress.console.print(f"pair {event['index'] + 1}: {unit} time of B over A {event['ratio']:.3f}")

        yield observe
