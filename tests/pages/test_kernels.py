"""The Kernels page on recordings made by hand, on recorded profiles of both frameworks, and on real traces of GPUs."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.model.comparison import ComparisonSpec
from core.model.run import RunError
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.store.home import traces_folder
from core.traces.library import TraceLibrary, recordings_in
from pages._parts.kernel_rows import matching, picked_rows
from tests.pages import samples
from tests.pages.apps import charts, downloads, open_page, words
from tests.traces.shared import SHARED, needs_shared
from tests.traces.synthetic import event, kineto

DATA = Path(__file__).resolve().parents[1] / "traces" / "data"


def profiled(store: ComparisonStore, *, error: RunError | None = None) -> ComparisonSpec:
    """A finished comparison with a recorded profile of each side; with an error, side B's run failed."""
    spec = samples.new(store)
    result = samples.finish(store, spec)
    runs = [
        replace(samples.run(spec, 22, "a", 0, 20.0, "profile"), pair=None),
        replace(samples.run(spec, 23, "b", 0, 30.0, "profile"), pair=None),
    ]
    if error:
        runs[1] = replace(runs[1], ok=False, error=error)
    one = store.load(spec.id)
    folder = one.run_folder(22, "a") / "profile" / "plugins" / "profile" / "now"
    folder.mkdir(parents=True)
    (folder / "vm.xplane.pb").write_bytes(gzip.decompress((DATA / "tensorflow_graph.xplane.pb.gz").read_bytes()))
    if not error:
        folder = one.run_folder(23, "b") / "profile"
        folder.mkdir(parents=True)
        shutil.copy(DATA / "pytorch_eager.pt.trace.json.gz", folder / "vm.pt.trace.json.gz")
    write_json(one.folder / "result.json", replace(result, runs=(*result.runs, *runs)))
    return spec


def device_step(number: int = 4, *, rank: int | None = None, slower: float = 0.0) -> bytes:
    """One step of 1000 us from 100 us on: `aten::mm` launches a kernel of 200 us (and `slower` more) and `aten::relu` one of 100 us;
    a collective of 150 us runs from the middle of the second; a copy of 1 MiB takes 50 us. A kernel of 30 us is outside the step.
    """

    def on_device(
        name: str, kind: str, start: float, length: float, correlation: int, stream: int = 7, **args: object
    ) -> dict[str, Any]:
        return event(name, kind, start, length, tid=stream, device=0, stream=stream, correlation=correlation, **args)

    def launch(start: float, correlation: int) -> dict[str, Any]:
        return event("cudaLaunchKernel", "cuda_runtime", start, 5, correlation=correlation)

    events = [
        event(f"ProfilerStep#{number}", "user_annotation", 100, 1000),
        event("aten::mm", "cpu_op", 110, 50), launch(120, 1),
        event("aten::relu", "cpu_op", 170, 40), launch(180, 2),
        event("nccl:all_reduce", "cpu_op", 220, 40), launch(230, 3),
        event("aten::copy_", "cpu_op", 270, 40), event("cudaMemcpyAsync", "cuda_runtime", 280, 5, correlation=4),
        event("aten::mm", "cpu_op", 1200, 50), launch(1210, 5),
        on_device("ampere_sgemm_128x64_tn", "kernel", 130, 200 + slower, 1, **{"est. achieved occupancy %": 50}),
        on_device("void at::native::vectorized_elementwise_kernel<4, at::native::ReluFunctor<float>>(int)", "kernel", 340 + slower, 100, 2),
        on_device("ncclKernel_AllReduce_RING_LL_Sum_float(ncclWorkElem)", "kernel", 390 + slower, 150, 3, stream=20),
        on_device("Memcpy HtoD (Pageable -> Device)", "gpu_memcpy", 600 + slower, 50, 4, bytes=2**20),
        on_device("ampere_sgemm_128x64_tn", "kernel", 1220, 30, 5),
    ]  # fmt: skip
    info = {} if rank is None else {"distributedInfo": {"backend": "nccl", "rank": rank, "world_size": 2}}
    return kineto(events, **info)


def keep(*recordings: bytes) -> list[str]:
    """Recordings brought to the library; their digests."""
    library = TraceLibrary(traces_folder())
    return [library.upload(f"made-{number}.pt.trace.json", data).digest for number, data in enumerate(recordings)]


def table(app, number: int = 0) -> pl.DataFrame:
    return pl.from_pandas(app.dataframe[number].value)


def test_a_trace_of_a_gpu_shows_its_kernels_per_step(home: Path):
    [digest] = keep(device_step())
    app = open_page("kernels", trace=digest)
    bars = dict(table(app).select("key", "a").rows())
    assert bars == {
        "ampere_sgemm_128x64_tn": pytest.approx(0.2), "ncclKernel_AllReduce_RING_LL_Sum_float(ncclWorkElem)": pytest.approx(0.15),
        "void at::native::vectorized_elementwise_kernel<4, at::native::ReluFunctor<float>>(int)": pytest.approx(0.1),
        "Memcpy HtoD (Pageable -> Device)": pytest.approx(0.05),
    }  # fmt: skip
    first = table(app, 1).row(0, named=True)
    assert first | {"share_percent": 0} == {
        "kernel": "ampere_sgemm_128x64_tn", "operator": "aten::mm", "op_class": "matrix multiply", "phase": first["phase"], "count": 1.0,
        "time_ms": pytest.approx(0.2), "mean_us": pytest.approx(200), "min_us": 200, "max_us": 200, "share_percent": 0, "tensor_cores": "no",
        "occupancy_percent": 50,
    }  # fmt: skip
    assert first["share_percent"] == pytest.approx(40)
    assert "0.030 ms of device work (5.7 %, 1 events) belongs to no marked step" in words(app)
    assert downloads(app) == ["CSV", "Parquet", "PNG", "SVG", "CSV", "Parquet"]


def test_two_traces_are_mirrored_and_the_host_can_be_looked_at_instead(home: Path):
    a, b = keep(device_step(), device_step(slower=60))
    app = open_page("kernels", trace=a, against=b, group="class")
    pair = {row["key"]: (row["a"], row["b"]) for row in table(app).rows(named=True)}
    assert pair["matrix multiply"] == (pytest.approx(0.2), pytest.approx(0.26))
    assert set(table(app, 1)["recording"]) == {"A · PyTorch", "B · PyTorch"}
    host = open_page("kernels", trace=a, against=b, on="host", group="operator", amount="calls")
    assert dict(table(host).select("key", "a").rows())["aten::mm"] == 1.0
    assert "they launch the kernels that do the work" in words(host)


def test_a_click_on_a_bar_leaves_only_its_rows(home: Path):
    a, b = keep(device_step(), device_step(slower=60))
    app = open_page("kernels", trace=a, against=b)
    app.session_state["kernel_bars_kernel_0"] = {"selection": {"picked": [{"key": "ampere_sgemm_128x64_tn"}]}}
    rows = table(app.run(), 1)
    assert rows["kernel"].to_list() == ["ampere_sgemm_128x64_tn"] * 2
    assert rows["time_ms"].to_list() == [pytest.approx(0.26), pytest.approx(0.2)]
    assert "Only what was picked in the chart" in words(app)


def test_phase_and_search_narrow_chart_and_table_and_say_when_nothing_fits(home: Path):
    [digest] = keep(device_step())
    assert table(open_page("kernels", trace=digest, search="NCCL"), 1)["operator"].to_list() == ["nccl:all_reduce"]
    assert "Nothing has this in its name" in words(open_page("kernels", trace=digest, search="zzz[("))
    profiled(ComparisonStore())
    phases = table(open_page("kernels", comparison=ComparisonStore().ids()[0], phase="backward"), 1)["phase"]
    assert set(phases) == {"backward"}


def test_the_remainder_sums_up_what_has_no_bar(home: Path):
    """Twelve kernels of 1 to 12 us, of which ten have a bar."""
    events = [event(f"kernel_{n}", "kernel", 100 * n, n, tid=7, device=0, stream=7) for n in range(1, 13)]
    [digest] = keep(kineto(events))
    bars = table(open_page("kernels", trace=digest, top="10"))
    assert bars.row(-1)[0::2] == ("all others (2)", pytest.approx(0.003))
    assert bars["a"].sum() == pytest.approx(sum(range(1, 13)) / 1e3)


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize(
    ("view", "alt", "numbers"),
    [
        ("Steps", "Parts of 1 steps", {"Median step": "1.00 ms"}),
        ("Idle", "Busy and idle time by cause of 3 devices and streams", {}),
        ("Efficiency", "How well the devices were used. GPU utilisation: 40.0 %", {}),
        ("Copies", "Longest: copy host-device, 0.050 ms · 1x · 1.00 MiB at 21 GB/s", {}),
        (
            "Communication",
            "Longest: ncclKernel_AllReduce_RING_L…at(ncclWorkElem), 0.15 ms · 1x",
            {"Hidden behind computing": "33.3 %", "Exposed": "0.10 ms"},
        ),
    ],
)
def test_every_question_has_a_chart_with_its_table(home: Path, view: str, alt: str, numbers: dict[str, str]):
    [digest] = keep(device_step())
    app = open_page("kernels", trace=digest, view=view)
    assert any(alt in text for text in charts(app))
    assert numbers.items() <= metrics(app).items()
    assert len(app.dataframe) >= 1
    assert {"CSV", "Parquet"} <= set(downloads(app))


def test_a_devices_time_is_divided_to_the_nanosecond(home: Path):
    [digest] = keep(device_step())
    idle = table(open_page("kernels", trace=digest, view="Idle")).row(by_predicate=pl.col("of") == "gpu:0", named=True)
    # 130-330, 340-440 with the collective to 540, 600-650, 1220-1250.
    assert idle["busy ms"] == pytest.approx(0.200 + 0.200 + 0.050 + 0.030)
    assert idle["busy ms"] + idle["host wait ms"] + idle["launch gap ms"] + idle["dependency ms"] == pytest.approx(1.120)


def test_launches_say_what_a_captured_graph_could_save(home: Path):
    [digest] = keep(device_step())
    app = open_page("kernels", trace=digest, view="Launches")
    assert metrics(app)["Launches"] == "5"
    rows = dict(table(app).select("what", "A · PyTorch").rows())
    assert rows["device events without"] == "0"
    assert rows["kernels shorter than their call"] == "0"


def test_coverage_is_said_above_every_view_and_in_full_under_its_own(home: Path):
    [digest] = keep(device_step())
    app = open_page("kernels", trace=digest, view="Does it add up?")
    assert "all 16 events read, 100.0 % of device time linked to an operator, 100.0 % classified, 1 step marked" in words(app)
    rows = dict(table(app).rows())
    assert (rows["kernels"], rows["kernels linked to an operator"], rows["left out, and why"]) == ("4", "4", "none")


def test_ranks_of_one_folder_stand_side_by_side(home: Path, tmp_path: Path):
    folder = tmp_path / "ranks"
    folder.mkdir()
    for rank, slower in ((0, 0.0), (1, 60.0)):
        (folder / f"rank-{rank}.pt.trace.json").write_bytes(device_step(rank=rank, slower=slower))
    (folder / "another-run.pt.trace.json").write_bytes(device_step(7))
    entries = [TraceLibrary(traces_folder()).open_file(path, group=str(folder)) for path in recordings_in(folder)]
    first = next(entry for entry in entries if entry.name == "rank-0.pt.trace.json")
    app = open_page("kernels", trace=first.digest, view="Ranks")
    assert table(app)["rank"].to_list() == [0, 1]
    slowest = table(app, 1)
    assert slowest["behind ms"].to_list() == [0.0, pytest.approx(0.06)]
    assert slowest["straggler"].to_list() == [False, True]
    assert "2 of 2 ranks are here" in words(app)
    assert "rank 1 computes longest in 1 of 1 steps, by 0.060 ms" in words(app)


def test_a_rank_that_came_alone_has_no_ranks_to_compare(home: Path):
    [digest] = keep(device_step(rank=0))
    assert "ranks are here" not in words(open_page("kernels", trace=digest, view="Ranks"))


def test_both_sides_of_a_comparison_are_mirrored_by_kind_of_operation(home: Path):
    profiled(ComparisonStore())
    app = open_page("kernels")
    both = {row["key"]: row for row in table(app).rows(named=True)}
    assert both["convolution forward"]["a"] > 0
    assert both["convolution forward"]["b"] > 0
    rows = table(app, 1)
    assert set(rows["recording"]) == {"A · TensorFlow", "B · PyTorch"}
    assert "aten::convolution_backward" in set(rows["operator"])
    assert "on a CPU the operators are the kernels" in words(app)
    account = open_page("kernels", view="Does it add up?")
    assert [metric.label for metric in account.metric] == ["Profiled step", "In operators", "In no operator"] * 2
    assert "takes 1.10x as long" in words(account)


def test_layers_of_both_sides_have_the_names_of_the_program(home: Path):
    store = ComparisonStore()
    spec = profiled(store)
    declared = {"a": [("conv1", "Conv2D"), ("conv2", "Conv2D")], "b": [("conv1", "Conv2d"), ("conv2", "Conv2d")]}
    write_json(store.folder(spec.id) / "parity.json",
               {"layers": {side: [{"name": name, "kind": kind} for name, kind in rows] for side, rows in declared.items()}})  # fmt: skip
    both = {row["key"]: row for row in table(open_page("kernels", group="layer")).rows(named=True)}
    assert both["conv1"]["a"] > 0
    assert both["conv1"]["b"] > 0
    tree = {row["layer"].strip(): row for row in table(open_page("kernels", view="Layers")).rows(named=True)}
    assert tree["conv1"]["a_total_ms"] > 0
    assert tree["conv1"]["b_total_ms"] > 0


def test_total_time_holds_what_is_nested(home: Path):
    profiled(ComparisonStore())
    own, whole = (
        dict(table(open_page("kernels", group="operator", amount=measure)).select("key", "b").rows())
        for measure in ("self", "total")
    )
    assert whole["aten::convolution_backward"] >= own["aten::convolution_backward"]
    assert sum(whole.values()) > sum(own.values())


def test_a_side_whose_profile_failed_is_named_and_the_other_is_shown(home: Path):
    profiled(ComparisonStore(), error=RunError(kind="killed", message="The run was killed by SIGKILL."))
    app = open_page("kernels")
    assert "killed by SIGKILL" in app.warning[0].value.replace("\\", "")
    assert "a" in table(app).columns
    assert "b" not in table(app).columns


def test_a_damaged_profile_says_so(home: Path):
    store = ComparisonStore()
    spec = profiled(store)
    (store.load(spec.id).run_folder(23, "b") / "profile" / "vm.pt.trace.json.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert "damaged" in open_page("kernels").warning[0].value


def test_a_comparison_without_profile_offers_another_run(home: Path):
    store = ComparisonStore()
    samples.finish(store, samples.new(store, profile=False))
    assert "started without profiling" in words(open_page("kernels"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [("begin", "Run 3 of 24"), ("fail", "needed more memory"), ("fail_parity", "ended before the profiled runs")],
)
def test_unfinished_comparisons_say_where_they_stand(home: Path, state: str, expected: str):
    store = ComparisonStore()
    spec = samples.new(store)
    getattr(samples, state)(store, spec)
    assert expected in words(open_page("kernels"))
    keep(device_step())
    assert expected in words(open_page("kernels", comparison=spec.id))


def test_an_empty_store_leads_to_the_first_comparison_or_to_the_library(home: Path):
    app = open_page("kernels")
    assert "Nothing has been compared on this machine yet" in words(app)
    assert "Open a trace in the Library" in words(app)


def test_an_unknown_trace_says_so(home: Path):
    keep(device_step())
    assert "This trace is not here" in words(open_page("kernels", trace="0" * 64))


def test_a_recording_in_which_nothing_costs_anything_says_so(home: Path):
    [digest] = keep(kineto([event("ProfilerStep#1", "user_annotation", 0, 10), event("mine", "user_annotation", 1, 2)]))
    assert "Nothing here costs anything" in words(open_page("kernels", trace=digest))


def test_a_device_next_to_a_host_says_that_they_are_not_the_same_thing(home: Path):
    device, host = keep(
        kineto([event("volta_sgemm", "kernel", 0, 5, tid=7, device=0, stream=7)]), kineto([event("aten::mm", "cpu_op", 0, 3)])
    )
    app = open_page("kernels", trace=device, against=host)
    assert {row["key"]: (row["a"], row["b"]) for row in table(app).rows(named=True)} == {
        "volta_sgemm": (pytest.approx(0.005), 0), "aten::mm": (0, pytest.approx(0.003)),
    }  # fmt: skip
    assert "are not the same thing" in words(app)


def test_names_of_a_trace_are_never_markup(home: Path):
    name = "<b>*bold*</b> :fire: kernel<int>"
    [digest] = keep(kineto([event(name, "kernel", 0, 5, tid=7, device=0, stream=7)]))
    app = open_page("kernels", trace=digest)
    assert table(app)["key"].to_list() == [name]
    assert not any("<b>" in element.value for elements in (app.markdown, app.caption) for element in elements)


@needs_shared
@pytest.mark.parametrize("view", ["Costs", "Layers", "Steps", "Idle", "Launches", "Efficiency", "Copies", "Does it add up?"])
def test_every_view_of_a_real_trace_opens(home: Path, view: str):
    entry = TraceLibrary(traces_folder()).open_file(SHARED / "qwen_h100_memory.pt.trace.json.gz")
    app = open_page("kernels", trace=entry.digest, view=view)
    assert len(app.dataframe) >= 1
    assert " of device time linked to an operator" in words(app)
    if view == "Layers":
        assert table(app).height == 317
        assert "Qwen2DecoderLayer_23" in {layer.strip() for layer in table(app)["layer"]}


def test_picking_by_remainder_and_by_both_gradients():
    costs = pl.DataFrame(
        {"operator": ["a", "b", "c"], "op_class": ["convolution backward data", "pooling", "memset"], "self_ns": [3.0, 2.0, 1.0]}
    )
    assert picked_rows(costs, "op_class", ["convolution backward"], ["convolution backward"])["operator"].to_list() == ["a"]
    assert picked_rows(costs, "operator", ["all others (2)"], ["a", "all others (2)"])["operator"].to_list() == ["b", "c"]
    assert matching(costs, " Pool ")["operator"].to_list() == ["b"]
