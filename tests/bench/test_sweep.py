"""Planning a grid, and working through it with a referee that needs no worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.analysis.holm import pairs_for
from core.bench.plan import SpecError
from core.bench.sweep import MAX_CELLS, comparison_spec, finished_results, plan_sweep, run_sweep
from core.model.comparison import PRESETS, ComparisonResult, ComparisonSpec
from core.model.sweep import SweepError, SweepPair, SweepSpec
from core.model.variant import Variant
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError
from core.store.sweeps import SweepJournal, SweepStore
from core.workloads.registry import workload_spec
from core.workloads.spec import WorkloadError
from tests.pages import samples

PAIR = SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)
COMPILED = SweepPair(a=samples.PYTORCH, b=Variant(framework="pytorch", execution="compile"))


def plan(**wishes: Any) -> SweepSpec:
    return plan_sweep([("mnist_cnn", {})], [PAIR], **{"batch_sizes": (16, 32, 64), **wishes})


@pytest.fixture
def referees(home: Any, monkeypatch: pytest.MonkeyPatch) -> dict[int, Callable[..., ComparisonResult]]:
    """How the comparison of each batch size ends; those not named finish."""
    ends: dict[int, Callable[..., ComparisonResult]] = {}

    class Fake:
        def __init__(self, store: ComparisonStore, spec: ComparisonSpec, observer: object, interrupted: Callable[[], bool]) -> None:
            self.store, self.spec = store, spec

        def run(self) -> ComparisonResult:
            return ends.get(self.spec.batch_size, samples.finish)(self.store, self.spec)

    monkeypatch.setattr("core.bench.sweep.Referee", Fake)
    return ends


def work(spec: SweepSpec, interrupted: Callable[[], bool] = lambda: False) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """State of every cell that was begun, and what was heard."""
    heard: list[dict[str, Any]] = []
    stored = run_sweep(SweepStore(), ComparisonStore(), spec.id, heard.append, interrupted)
    return {index: cell.state for index, cell in stored.cells.items()}, heard


def test_the_plan_counts_the_work_and_takes_the_workloads_own_batch():
    spec = plan_sweep([("mnist_cnn", {})], [PAIR, COMPILED])
    (row,) = spec.workloads
    assert row.batch_sizes == (64,)
    assert row.flops_per_sample is not None
    assert spec.cells[0].flops_per_step == 64 * row.flops_per_sample


def test_small_takes_the_small_sizes_and_the_small_batch_and_what_is_given_goes_before_both():
    known = workload_spec("mlp")
    (row,) = plan_sweep([("mlp", {})], [PAIR], small=True).workloads
    assert (row.sizes, row.batch_sizes) == (known.small_sizes, (known.small_batch_size,))
    (given,) = plan_sweep([("mlp", {"width": 512})], [PAIR], small=True, batch_sizes=(2,)).workloads
    assert (given.sizes["width"], given.batch_sizes) == (512, (2,))
    assert (row.label, given.label) == (f"mlp, width {row.sizes['width']}", "mlp")


def test_many_cells_get_the_pairs_that_a_verdict_among_so_many_needs():
    assert plan(batch_sizes=(16,)).preset.pairs == PRESETS["quick"].pairs
    many = plan(batch_sizes=tuple(range(1, 13)))
    assert many.preset.pairs == many.preset.max_pairs == pairs_for(12) > PRESETS["quick"].pairs
    assert plan(batch_sizes=(16, 32), preset="standard").preset == PRESETS["standard"]


def test_a_cell_is_a_comparison_without_a_profile_and_with_an_id_of_its_own():
    spec = plan(steps=40, threshold=0.1, seed=3)
    one, other = (comparison_spec(spec, spec.cells[1]) for _ in range(2))
    assert one.id != other.id
    assert (one.workload, one.batch_size, one.a, one.b) == ("mnist_cnn", 32, PAIR.a, PAIR.b)
    assert (one.preset.steps, one.preset.pairs, one.threshold, one.seed, one.profile) == (40, spec.preset.pairs, 0.1, 3, False)


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"batch_sizes": (16, 10_000_000)}, SpecError),
        ({"preset": "endless"}, SpecError),
        ({"batch_sizes": tuple(range(1, MAX_CELLS + 2))}, SweepError),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_runs(wishes: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        plan(**wishes)


def test_unknown_or_repeated_workloads_are_refused():
    with pytest.raises(WorkloadError, match="no workload 'nothing'"):
        plan_sweep([("nothing", {})], [PAIR])
    with pytest.raises(SweepError, match="twice"):
        plan_sweep([("mnist_cnn", {}), ("mnist_cnn", {})], [PAIR])


def test_every_cell_runs_in_order_and_is_heard(referees: dict[int, Callable[..., ComparisonResult]]):
    spec = plan()
    SweepStore().create(spec)
    states, heard = work(spec)
    assert states == {0: "finished", 1: "finished", 2: "finished"}
    assert [(event["event"], event["cell"]) for event in heard] == [
        (event, cell) for cell in range(3) for event in ("cell_begin", "cell_end")
    ]  # fmt: skip
    stored = SweepStore().load(spec.id)
    assert stored.state == "finished"
    assert [finished_results(stored, ComparisonStore())[cell].workload for cell in range(3)] == ["mnist_cnn"] * 3


def test_a_failed_cell_is_written_down_with_its_reason_and_the_next_one_runs(referees: dict[int, Callable[..., ComparisonResult]]):
    referees[32] = samples.fail
    spec = plan()
    SweepStore().create(spec)
    states, _ = work(spec)
    assert states == {0: "finished", 1: "failed", 2: "finished"}
    stored = SweepStore().load(spec.id)
    assert "needed more memory" in stored.cells[1].reason
    assert stored.state == "stopped"


def test_resuming_runs_what_has_no_finished_comparison_and_nothing_else(referees: dict[int, Callable[..., ComparisonResult]]):
    referees[32] = samples.fail
    spec = plan()
    SweepStore().create(spec)
    work(spec)
    before = SweepStore().load(spec.id).cells
    ComparisonStore().delete(before[2].comparison)
    del referees[32]
    states, heard = work(spec)
    after = SweepStore().load(spec.id).cells
    assert set(states.values()) == {"finished"}
    assert [event["cell"] for event in heard if event["event"] == "cell_begin"] == [1, 2]
    assert after[0] == before[0]
    assert after[2].comparison != before[2].comparison


def test_an_interruption_ends_before_the_next_cell_and_a_cancel_file_too(referees: dict[int, Callable[..., ComparisonResult]]):
    spec = plan()
    SweepStore().create(spec)
    assert work(spec, interrupted=lambda: True)[0] == {}

    def finish_and_cancel(store: ComparisonStore, comparison: ComparisonSpec) -> ComparisonResult:
        SweepStore().request_cancel(spec.id)
        return samples.finish(store, comparison)

    referees[16] = finish_and_cancel
    assert work(spec)[0] == {0: "finished"}
    assert work(spec)[0] == {0: "finished", 1: "finished", 2: "finished"}


def test_only_one_process_works_on_a_sweep(referees: dict[int, Callable[..., ComparisonResult]]):
    spec = plan()
    folder = SweepStore().create(spec)
    with SweepJournal(folder), pytest.raises(StoreError, match="Another process works on sweep"):
        work(spec)
