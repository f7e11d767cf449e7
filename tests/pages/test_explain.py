"""The Explain page: why one side's step takes longer, on recorded profiles of both frameworks."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.store.comparisons import ComparisonStore
from core.store.home import traces_folder
from core.traces.cache import open_trace
from core.traces.library import TraceLibrary
from core.traces.read import find_profile
from tests.pages.apps import charts, downloads, links, open_page, words
from tests.pages.test_kernels import profiled
from tests.traces.synthetic import event, kineto

pytestmark = pytest.mark.usefixtures("home")


def test_a_comparison_is_explained_part_by_part_with_what_is_no_work():
    spec = profiled(ComparisonStore())
    app = open_page("explain", comparison=spec.id)
    (alt,) = charts(app)
    assert alt.startswith("From a step of ")
    table = app.dataframe[0].value
    assert "in no operator" in table["what"].to_list()
    a_ms, b_ms = (step_ms(spec.id, index, side) for index, side in ((22, "a"), (23, "b")))
    assert table["difference_ms"].sum() == pytest.approx(b_ms - a_ms)
    assert "Under the profiler a step of" in words(app)
    assert "Timed without the profiler, a step takes 20.0 ms in A and 30.0 ms in B." in words(app)
    assert {"CSV", "Parquet"} <= set(downloads(app))
    assert links(app)["See these operations one by one"][0] == "kernels"


def step_ms(id: str, index: int, side: str) -> float:
    """Mean length of the marked steps of a side's profile."""
    trace = open_trace(find_profile(ComparisonStore().load(id).run_folder(index, side) / "profile"), traces_folder())
    return sum(step.end_ns - step.start_ns for step in trace.facts.steps) / len(trace.facts.steps) / 1e6


@pytest.mark.parametrize("group", ["layer", "operator"])
def test_the_address_chooses_what_the_parts_are(group: str):
    spec = profiled(ComparisonStore())
    by_class, other = (open_page("explain", comparison=spec.id, **query).dataframe[0].value for query in ({}, {"group": group}))
    assert set(by_class["what"]) != set(other["what"])


def of_one_step(step_us: float, product_us: float) -> bytes:
    return kineto([event("ProfilerStep#1", "user_annotation", 0, step_us), event("aten::mm", "cpu_op", 1, product_us)])


def test_only_what_takes_longer_is_said_to_make_a_step_longer(home: Path):
    library = TraceLibrary(traces_folder())
    short, long, idle = (library.upload(f"{name}.json", of_one_step(*lengths)).digest
                         for name, lengths in (("short", (1000, 500)), ("long", (2000, 900)), ("idle", (3000, 100))))  # fmt: skip
    assert "what adds most to that is matrix multiply: 0.40 ms" in words(open_page("explain", trace=short, against=long))
    said = words(open_page("explain", trace=short, against=idle))
    assert "takes 2.00 ms longer" in said
    assert "what adds most" not in said


def test_work_in_no_step_is_named_as_what_is_missing(home: Path):
    events = [event("ProfilerStep#1", "user_annotation", 0, 100), event("cudaLaunchKernel", "cuda_runtime", 200, 1, correlation=1),
              event("volta_sgemm", "kernel", 210, 30, tid=7, device=0, stream=7, correlation=1)]  # fmt: skip
    library = TraceLibrary(traces_folder())
    one, other = (library.upload(f"{name}.json", kineto([*events, event(name, "cpu_op", 1, 10)])) for name in ("aten::add", "aten::mul"))
    said = words(open_page("explain", trace=one.digest, against=other.digest))
    assert "The work on the device belongs to no marked step" in said


def test_one_recording_alone_has_nothing_to_be_compared_with(home: Path):
    entry = TraceLibrary(traces_folder()).upload("one.json", kineto([event("aten::add", "cpu_op", 1, 10)]))
    assert "There is nothing to compare with" in words(open_page("explain", trace=entry.digest))


def test_without_marked_steps_it_says_which_recording_lacks_them(home: Path):
    library = TraceLibrary(traces_folder())
    one, other = (library.upload(f"{name}.json", kineto([event(name, "cpu_op", 1, 10)])) for name in ("aten::add", "aten::mul"))
    said = words(open_page("explain", trace=one.digest, against=other.digest))
    assert "marks no step" in said
    assert "aten::add.json" in said
