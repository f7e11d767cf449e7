"""Profiles laid out for TensorBoard: the folder, and that both plugins, each by its own code, show what our reader shows."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.analysis.kernels import kernel_table
from core.report import tensorboard
from core.report.tensorboard import NOTE, TensorBoardError, lay_out, profiled
from core.store.comparisons import ComparisonStore, StoredComparison
from core.store.files import write_json
from core.traces.read import read_trace
from core.traces.schema import Trace
from tests.conftest import PROJECT
from tests.pages import samples
from tests.traces.shared import SHARED

DATA = PROJECT / "tests" / "traces" / "data"
TENSORFLOW_TIME = "2026_11_24_01_43_10"

needs_torch_tb_profiler = pytest.mark.skipif(find_spec("torch_tb_profiler") is None, reason="torch-tb-profiler is not installed")
needs_xprof = pytest.mark.skipif(find_spec("xprof") is None, reason="xprof is not installed")

#: What TensorBoard does to show a folder with torch-tb-profiler: find its runs, load each, fill the tables of its views.
TORCH_TB_PROFILER = """
import json, sys, tempfile
from types import SimpleNamespace
from torch_tb_profiler import io
from torch_tb_profiler.plugin import TorchProfilerPlugin
from torch_tb_profiler.profiler import RunLoader

plugin, found = SimpleNamespace(logdir=sys.argv[1]), {}
with tempfile.TemporaryDirectory() as kept, io.Cache(kept) as cache:
    for folder in TorchProfilerPlugin._get_run_dirs(plugin):
        name = TorchProfilerPlugin._get_run_name(plugin, folder)
        [shown] = RunLoader(name, folder, cache).load().profiles.values()
        found[name] = {
            "steps": [row[0] for row in shown.overview["steps"]["rows"]],
            "operators": {row["name"]: [row["calls"], row["host_self_duration"]] for row in shown.operation_table_by_name["data"]},
            "kernels": {row[0]: row[2:4] for row in shown.kernel_table["data"]["rows"]} if shown.has_kernel else {},
        }
print(json.dumps(found, default=float))
"""
#: The same with xprof; the plugin would import TensorFlow for its button that records.
XPROF = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
sys.modules["tensorflow"] = None
from tensorboard.plugins.base_plugin import TBContext
from xprof.convert.raw_to_tool_data import xspace_to_tool_data
from xprof.profile_plugin import ProfilePlugin

plugin = ProfilePlugin(TBContext(logdir=sys.argv[1], flags=SimpleNamespace(master_tpu_unsecure_channel="")))
found = {}
for run in plugin.runs_imp():
    data, _ = xspace_to_tool_data(sorted(map(str, Path(plugin._run_dir(run)).glob("*.xplane.pb"))), "framework_op_stats", {})
    table = json.loads(data)[0]
    ids = [column["id"] for column in table["cols"]]
    rows = [dict(zip(ids, (cell and cell.get("v") for cell in row["c"]))) for row in table["rows"]]
    found[run] = {"tools": plugin.run_tools_imp(run), "rows": rows}
print(json.dumps(found))
"""


def write(path: Path, recording: Path | bytes) -> None:
    path.parent.mkdir(parents=True)
    data = recording if isinstance(recording, bytes) else recording.read_bytes()
    path.write_bytes(gzip.decompress(data) if path.suffix != ".gz" and data[:2] == b"\x1f\x8b" else data)


def with_profiles(store: ComparisonStore, a: Path | bytes = b"{", b: Path | bytes = b"{") -> StoredComparison:
    """A finished comparison with these profiles, where and as the profilers of both frameworks write them."""
    spec = samples.new(store)
    result = samples.finish(store, spec)
    runs = [samples.run(spec, 12 + place, side, 0, 20.0, role="profile") for place, side in enumerate("ab")]
    write_json(store.folder(spec.id) / "result.json", replace(result, runs=(*result.runs, *runs)))
    one = store.load(spec.id)
    write(one.run_folder(12, "a") / "profile" / "plugins" / "profile" / TENSORFLOW_TIME / "vm.xplane.pb", a)
    write(one.run_folder(13, "b") / "profile" / "vm_4526.1790857026000000000.pt.trace.json.gz", b)
    return one


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# -- the folder ------------------------------------------------------------------------------------------------------


def test_each_side_has_a_folder_with_a_name_that_says_what_it_is(home: Path, tmp_path: Path):
    one = with_profiles(ComparisonStore(), a=b"an xplane", b=b"a trace")
    found, problems = profiled([one])
    lay_out(found, tmp_path / "board")
    assert problems == ()
    assert files_in(tmp_path / "board") == {
        NOTE,
        f"mnist_cnn A TensorFlow graph (tf.function)/plugins/profile/{TENSORFLOW_TIME}/vm.xplane.pb",
        "mnist_cnn B PyTorch eager/vm_4526.1790857026000000000.pt.trace.json.gz",
    }
    links = [path for path in (tmp_path / "board").rglob("*") if path.is_symlink()]
    assert sorted(path.read_bytes() for path in links) == [b"a trace", b"an xplane"]
    # What a plugin writes beside a file stays here.
    assert not any(path.is_dir() for path in links)


def test_comparisons_of_the_same_sides_are_told_apart_by_their_ids(home: Path):
    store = ComparisonStore()
    first, second = with_profiles(store), with_profiles(store)
    names = [one.name for one in profiled([first, second])[0]]
    assert names[1::2] == [f"mnist_cnn B PyTorch eager {first.id}", f"mnist_cnn B PyTorch eager {second.id}"]
    assert len(set(names)) == 4


def test_where_there_can_be_no_links_there_are_copies(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError("this file system has no links")

    one = with_profiles(ComparisonStore(), b=b"a trace")
    monkeypatch.setattr(tensorboard.Path, "symlink_to", refuse)
    lay_out(profiled([one])[0], tmp_path / "board")
    copies = list((tmp_path / "board").rglob("*.json.gz"))
    assert [(path.is_symlink(), path.read_bytes()) for path in copies] == [(False, b"a trace")]


def test_a_side_without_a_profile_says_why_and_the_other_one_is_there(home: Path):
    store = ComparisonStore()
    one = with_profiles(store)
    next(one.run_folder(12, "a").rglob("*.xplane.pb")).unlink()
    waiting = store.load(samples.new(store).id)
    found, problems = profiled([one, waiting])
    assert [profile.side for profile in found] == ["b"]
    assert "There is no profiler's trace in" in problems[0]
    assert problems[1:] == tuple(f"{waiting.id}, side {side}: the comparison is queued." for side in "AB")


def test_a_folder_that_was_made_before_is_made_anew_and_no_other_is_touched(home: Path, tmp_path: Path):
    store = ComparisonStore()
    board, foreign = tmp_path / "board", tmp_path / "foreign"
    lay_out(profiled([with_profiles(store), with_profiles(store)])[0], board)
    found = profiled([with_profiles(store)])[0]
    lay_out(found, board)
    assert {path.name for path in board.iterdir()} == {NOTE, *(one.name for one in found)}
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("the only copy")
    with pytest.raises(TensorBoardError, match="was not made by this command"):
        lay_out(found, foreign)
    assert files_in(foreign) == {"thesis.txt"}


def test_without_any_profile_there_is_nothing_to_make(home: Path, tmp_path: Path):
    with pytest.raises(TensorBoardError, match="There is no profile to lay out"):
        lay_out((), tmp_path / "board")
    assert not (tmp_path / "board").exists()


# -- the command -----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "core", "tensorboard", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_lays_out_what_was_asked_for_or_all(home: Path, tmp_path: Path):
    store = ComparisonStore()
    first, second, bare = with_profiles(store), with_profiles(store), store.load(samples.new(store).id)
    done = run(first.id, bare.id, "--to", str(tmp_path / "one"))
    assert done.returncode == 0, done.stderr
    assert f"tensorboard --logdir {tmp_path / 'one'} --host 127.0.0.1" in done.stdout
    assert f"left out: {bare.id}, side A: the comparison is queued." in done.stderr
    assert len(files_in(tmp_path / "one")) == 3
    twice = run(first.id, first.id, "--to", str(tmp_path / "twice"))
    assert twice.returncode == 0, twice.stderr
    assert len(files_in(tmp_path / "twice")) == 3
    done = run("--to", str(tmp_path / "all"))
    assert (done.returncode, done.stderr) == (0, "")
    assert all(one.id in done.stdout for one in (first, second))
    assert len(files_in(tmp_path / "all")) == 5


def test_nothing_to_lay_out_is_one_sentence_and_exit_code_2(home: Path, tmp_path: Path):
    done = run("--to", str(tmp_path / "board"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is no profile to lay out")


# -- both plugins ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Board:
    """A folder for TensorBoard, and what our reader makes of the recordings in it, by the name of their folder."""

    folder: Path
    originals: Path
    traces: dict[str, Trace]

    def shown_by(self, code: str) -> dict[str, Any]:
        command = [sys.executable, "-c", code, str(self.folder)]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Our own recordings on two processors and an H100, and where it is here, one of a V100."""
    store = ComparisonStore(tmp_path_factory.mktemp("home"))
    pairs = [(DATA / "tensorflow_graph.xplane.pb.gz", DATA / "pytorch_eager.pt.trace.json.gz"),
             (DATA / "tensorflow_xla.xplane.pb.gz", DATA / "h100" / "mnist_cnn.pt.trace.json.gz")]  # fmt: skip
    if SHARED.is_dir():
        pairs.append((DATA / "tensorflow_graph.xplane.pb.gz", SHARED / "resnet50_v100_workers0.pt.trace.json.gz"))
    found, _ = profiled([with_profiles(store, *pair) for pair in pairs])
    folder = tmp_path_factory.mktemp("tensorboard") / "board"
    lay_out(found, folder)
    return Board(folder=folder, originals=store.root, traces={one.name: read_trace(one.file) for one in found})


@pytest.fixture(scope="module")
def in_torch_tb_profiler(board: Board) -> dict[str, Any]:
    return board.shown_by(TORCH_TB_PROFILER)


@pytest.fixture(scope="module")
def in_xprof(board: Board) -> dict[str, Any]:
    return board.shown_by(XPROF)


@needs_torch_tb_profiler
@pytest.mark.slow
def test_torch_tb_profiler_finds_every_profile_of_pytorch(board: Board, in_torch_tb_profiler: dict[str, Any]):
    assert in_torch_tb_profiler.keys() == {name for name, trace in board.traces.items() if trace.facts.framework == "pytorch"}
    assert len(in_torch_tb_profiler) >= 2


@needs_torch_tb_profiler
@pytest.mark.slow
def test_on_a_cpu_it_shows_our_steps_and_operators(board: Board, in_torch_tb_profiler: dict[str, Any]):
    """Self times are the plugin's, rounded to a microsecond."""
    pytorch = {name: trace for name, trace in board.traces.items() if trace.facts.framework == "pytorch"}
    [(name, trace)] = [one for one in pytorch.items() if one[1].events["device"].unique().to_list() == ["cpu"]]
    shown = in_torch_tb_profiler[name]
    assert shown["steps"] == [str(step.number) for step in trace.facts.steps]
    ours = operators(trace).filter(pl.col("name").str.starts_with("aten::"))
    assert len(ours) > 30
    assert {row["name"]: row["count"] for row in ours.to_dicts()} == {row: shown["operators"][row][0] for row in ours["name"]}
    for row in ours.head(10).to_dicts():
        assert shown["operators"][row["name"]][1] == pytest.approx(row["self_ns"] / 1000, abs=1), row["name"]


@needs_torch_tb_profiler
@pytest.mark.slow
def test_on_a_gpu_it_shows_our_kernels(board: Board, in_torch_tb_profiler: dict[str, Any]):
    compared = 0
    for name, shown in in_torch_tb_profiler.items():
        ours = kernel_table(board.traces[name].events).filter(pl.col("kind") == "kernel").to_dicts()
        assert {row["name"]: row["count"] for row in ours} == {kernel: calls for kernel, (calls, _) in shown["kernels"].items()}
        for row in ours:
            assert shown["kernels"][row["name"]][1] == pytest.approx(row["total_ns"] / 1000, abs=1), row["name"]
        compared += len(ours)
    assert compared > 10


@needs_torch_tb_profiler
@pytest.mark.slow
def test_on_a_gpu_it_counts_each_step_twice(board: Board, in_torch_tb_profiler: dict[str, Any]):
    """As docs/tools.md says: a recent torch marks a step on the device too, under the same name."""
    h100 = list(board.traces)[3]
    assert Counter(in_torch_tb_profiler[h100]["steps"]) == {str(step.number): 2 for step in board.traces[h100].facts.steps}


@needs_xprof
@pytest.mark.slow
def test_xprof_finds_every_profile_of_tensorflow_with_its_tools(board: Board, in_xprof: dict[str, Any]):
    tensorflow = [name for name, trace in board.traces.items() if trace.facts.framework == "tensorflow"]
    assert in_xprof.keys() == {f"{name}/{TENSORFLOW_TIME}" for name in tensorflow}
    for shown in in_xprof.values():
        assert {"overview_page", "framework_op_stats"} <= set(shown["tools"])
        assert {"trace_viewer", "trace_viewer@"} & set(shown["tools"])


@needs_xprof
@pytest.mark.slow
def test_it_shows_the_operations_of_a_graph_as_long_as_we_do(board: Board, in_xprof: dict[str, Any]):
    """Its occurrences are more: in ten steps it counts the one gradient of its inputs twenty times, where the recording has ten events."""
    name, trace = next((name, trace) for name, trace in board.traces.items() if name.startswith("mnist_cnn A"))
    rows = in_xprof[f"{name}/{TENSORFLOW_TIME}"]["rows"]
    theirs = (
        pl.DataFrame({"name": [row["type"] for row in rows], "count": [float(row["occurrences"]) for row in rows],
                      "self_us": [float(row["total_self_time"]) for row in rows]})
        .group_by("name").agg(pl.col("count", "self_us").sum())
    )  # fmt: skip
    largest = operators(trace).head(5).join(theirs, on="name", how="left")
    assert (largest["count_right"] >= largest["count"]).all()
    for row in largest.to_dicts():
        assert row["self_us"] == pytest.approx(row["self_ns"] / 1000, rel=0.01), row["name"]


@needs_xprof
@pytest.mark.slow
def test_what_the_plugins_write_does_not_come_into_the_store(board: Board, in_xprof: dict[str, Any]):
    assert len(files_in(board.folder)) > len(board.traces) + 1
    kept = [path for path in board.originals.rglob("*") if path.is_file() and "profile" in path.parts]
    assert len(kept) == len(board.traces)


def operators(trace: Trace) -> pl.DataFrame:
    """`name`, `count`, `self_ns` over the whole recording, largest first."""
    own = trace.events.filter(pl.col("kind") == "operator").with_columns(pl.col("name").cast(pl.String))
    return own.group_by("name").agg(pl.len().alias("count"), pl.col("self_ns").sum()).sort("self_ns", descending=True)
