"""The Operators page on recorded profiles of both frameworks."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from core.model.comparison import ComparisonSpec
from core.model.run import RunError
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.store.home import traces_folder
from pages._parts.operator_rows import matching, picked_rows
from tests.pages import samples
from tests.pages.apps import open_page, words

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


def test_both_sides_are_mirrored_by_kind_of_operation(home: Path):
    profiled(ComparisonStore())
    at = open_page("operators")
    mirrored, rows = at.dataframe[0].value, at.dataframe[1].value
    both = mirrored.set_index("key")
    assert (both.loc["convolution forward", ["a_ms", "b_ms"]] > 0).all()
    assert {"A · TensorFlow", "B · PyTorch"} == set(rows["side"])
    assert "aten::convolution_backward" in set(rows["name"])
    assert [metric.label for metric in at.metric] == ["Profiled step", "In operators", "In no operator"] * 2
    assert "where an operator is its own kernel" in words(at)
    assert "takes 1.10x as long" in words(at)
    assert len(list(traces_folder().iterdir())) == 2


def test_a_click_on_a_bar_leaves_only_its_rows(home: Path):
    profiled(ComparisonStore())
    at = open_page("operators")
    at.session_state["operator_bars_class"] = {"selection": {"picked": [{"key": "pooling"}]}}
    rows = at.run().dataframe[1].value
    assert set(rows["op_class"]) == {"pooling"}
    assert set(rows["side"]) == {"A · TensorFlow", "B · PyTorch"}


def test_layers_of_both_sides_have_the_names_of_the_program(home: Path):
    store = ComparisonStore()
    spec = profiled(store)
    declared = {"a": [("conv1", "Conv2D"), ("conv2", "Conv2D")], "b": [("conv1", "Conv2d"), ("conv2", "Conv2d")]}
    write_json(store.folder(spec.id) / "parity.json",
               {"layers": {side: [{"name": name, "kind": kind} for name, kind in rows] for side, rows in declared.items()}})  # fmt: skip
    both = open_page("operators", group="layer").dataframe[0].value.set_index("key")
    assert (both.loc["conv1", ["a_ms", "b_ms"]] > 0).all()


def test_total_time_holds_what_is_nested(home: Path):
    profiled(ComparisonStore())
    own, whole = (
        open_page("operators", group="operator", **more).dataframe[0].value.set_index("key")["b_ms"].to_dict()
        for more in ({}, {"measure": "total time"})
    )
    assert whole["aten::convolution_backward"] >= own["aten::convolution_backward"]
    assert sum(whole.values()) > sum(own.values())


def test_search_narrows_chart_and_table_and_says_when_nothing_fits(home: Path):
    profiled(ComparisonStore())
    at = open_page("operators", group="operator", search="CONV")
    assert all(
        "conv" in f"{name} {kind}".lower()
        for name, kind in zip(at.dataframe[1].value["name"], at.dataframe[1].value["op_class"], strict=True)
    )
    assert "Nothing has this in its name" in words(open_page("operators", search="zzz[("))


def test_a_side_whose_profile_failed_is_named_and_the_other_is_shown(home: Path):
    profiled(ComparisonStore(), error=RunError(kind="killed", message="The run was killed by SIGKILL."))
    at = open_page("operators")
    assert "killed by SIGKILL" in at.warning[0].value.replace("\\", "")
    assert set(at.dataframe[1].value["side"]) == {"A · TensorFlow"}


def test_a_damaged_profile_says_so(home: Path):
    store = ComparisonStore()
    spec = profiled(store)
    (store.load(spec.id).run_folder(23, "b") / "profile" / "vm.pt.trace.json.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert "damaged" in open_page("operators").warning[0].value


def test_a_comparison_without_profile_offers_another_run(home: Path):
    store = ComparisonStore()
    samples.finish(store, samples.new(store, profile=False))
    assert "started without profiling" in words(open_page("operators"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [("begin", "Run 3 of 24"), ("fail", "needed more memory"), ("fail_parity", "has no profile|before the profiled")],
)
def test_unfinished_comparisons_say_where_they_stand(home: Path, state: str, expected: str):
    store = ComparisonStore()
    getattr(samples, state)(store, samples.new(store))
    assert any(part in words(open_page("operators")) for part in expected.split("|"))


def test_an_empty_store_leads_to_the_first_comparison(home: Path):
    assert "Nothing has been compared on this machine yet" in words(open_page("operators"))


def test_picking_by_remainder_and_by_both_gradients():
    frame = pl.DataFrame(
        {"name": ["a", "b", "c"], "op_class": ["convolution backward data", "pooling", "memset"], "self_ns": [3.0, 2.0, 1.0]}
    )
    assert picked_rows({"a": frame}, "op_class", ["convolution backward"], ["convolution backward"])["name"].to_list() == ["a"]
    assert picked_rows({"a": frame}, "name", ["all others (2)"], ["a", "all others (2)"])["name"].to_list() == ["b", "c"]
    assert matching(frame, " Pool ")["name"].to_list() == ["b"]
