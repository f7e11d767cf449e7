"""`trace` and `trace-diff`, as a person or a pipeline runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.traces import synthetic
from tests.traces.shared import SHARED, needs_shared
from tests.traces.synthetic import event, write

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "traces" / "data"


def run(*arguments: Any, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SHOWDOWN_HOME": str(home), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def found(*arguments: Any, home: Path) -> dict[str, Any]:
    done = run(*arguments, "--json", home=home)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_the_json_of_a_trace_holds_everything_and_adds_up(tmp_path: Path):
    steps = [event("ProfilerStep#3", "user_annotation", 0, 200)]
    path = write(tmp_path / "a.json", synthetic.kineto([*steps, *synthetic.launches()]))
    one = found("trace", path, home=tmp_path)
    assert (one["facts"]["framework"], one["facts"]["steps"], one["facts"]["events"]) == ("pytorch", 1, 5)
    coverage = one["coverage"]
    assert (coverage["events_read"], coverage["events_skipped"], coverage["kernels"], coverage["kernels_linked"]) == (5, {}, 1, 1)
    assert coverage["device_time_linked_fraction"] == 0.75
    assert coverage["unlinked"] == {
        "whose launch was not recorded, as before the recording began": {"events": 1, "device_time_ns": 10_000}
    }
    assert one["devices"] == {
        "1": {"span_ns": 50_000, "busy_ns": 40_000, "idle_ns": 10_000, "compute_ns": 30_000, "communication_ns": 0, "memcpy_ns": 10_000,
              "memset_ns": 0, "exposed_communication_ns": 0, "exposed_memcpy_ns": 10_000, "events": 2}
    }  # fmt: skip
    assert one["idle_causes"]["1"]["launch_gap_ns"] == 10_000
    parts_ns = {"kernel": 30_000, "memcpy": 10_000, "memset": 0, "communication": 0, "runtime": 5_000, "input": 0, "operator": 45_000,
                "other": 110_000}  # fmt: skip
    assert one["steps"] == [{"number": 3, "start_ns": 0, "duration_ns": 200_000, "parts_ns": parts_ns}]
    [kernel] = one["kernels"]
    assert kernel | {"share": None} == {
        "name": "volta_sgemm_128x32_nt", "kind": "kernel", "count": 1, "total_ns": 30_000, "mean_ns": 30_000.0, "min_ns": 30_000,
        "max_ns": 30_000, "share": None, "op_class": "matrix multiply", "operator": "aten::mm", "tensor_core": False,
        "tensor_core_family": "SIMT matrix multiply and convolution", "blocks_per_sm": None, "occupancy_percent": None,
    }  # fmt: skip
    assert {row["op_class"]: row["total_ns"] for row in one["op_classes"]} == {
        "matrix multiply": 30_000,
        "copy host-device": 10_000,
    }


def test_a_terminal_gets_tables_with_units(tmp_path: Path):
    done = run("trace", DATA / "pytorch_eager.pt.trace.json.gz", home=tmp_path)
    assert done.returncode == 0
    for words in ("on a CPU the operators are the kernels", "Operators (self time per step)", "Kinds of operation (self time per step)",
                  "events read", "ms"):  # fmt: skip
        assert words in done.stdout


def test_what_a_device_did_is_told_in_all_and_says_so(tmp_path: Path):
    done = run("trace", DATA / "h100" / "mnist_cnn.pt.trace.json.gz", home=tmp_path)
    for words in ("Kernels (in all)", "Kinds of operation (device time in all)", "Layers (in all)"):
        assert words in done.stdout


def test_two_frameworks_are_compared_by_kind_of_operation_layer_operator_and_kernel(tmp_path: Path):
    one = found("trace-diff", DATA / "tensorflow_graph.xplane.pb.gz", DATA / "pytorch_eager.pt.trace.json.gz", home=tmp_path)
    assert (one["a"]["framework"], one["b"]["framework"], one["measure"]) == (
        "tensorflow",
        "pytorch",
        "operators' self time on the host",
    )
    assert one["difference_ns"] == pytest.approx(one["b"]["step_ns"] - one["a"]["step_ns"])
    for group in ("op_class", "layer", "operator", "kernel"):
        assert sum(row["difference_ns"] for row in one[f"by_{group}"]) == pytest.approx(one["difference_ns"])
    shown = run(
        "trace-diff", DATA / "tensorflow_graph.xplane.pb.gz", DATA / "pytorch_eager.pt.trace.json.gz", "--top", "3", home=tmp_path
    )
    assert "B minus A" in shown.stdout


def test_a_profilers_folder_stands_for_the_recording_in_it(tmp_path: Path):
    folder = tmp_path / "run"
    (folder / "profile").mkdir(parents=True)
    shutil.copy(DATA / "pytorch_eager.pt.trace.json.gz", folder / "profile")
    one = found("trace-diff", DATA / "tensorflow_graph.xplane.pb.gz", folder, home=tmp_path)
    assert (one["b_path"], one["b"]["framework"]) == ("pytorch_eager.pt.trace.json.gz", "pytorch")
    (tmp_path / "empty").mkdir()
    assert "There is no profiler's trace in" in run("trace-diff", folder, tmp_path / "empty", home=tmp_path).stderr


def test_our_own_memory_snapshot(tmp_path: Path):
    one = found("trace", DATA / "h100" / "train_steps.memory_snapshot.pickle", home=tmp_path)
    assert one["kind"] == "snapshot"
    assert 0 < one["allocated_bytes"] <= one["peak_allocated_bytes"] <= one["reserved_bytes"]
    assert sum(row["size_bytes"] for row in one["live_at_peak"]["0"]) == one["devices"]["0"]["peak_allocated_bytes"]
    same = found("trace-diff", *[DATA / "h100" / "train_steps.memory_snapshot.pickle"] * 2, home=tmp_path)
    assert same["a"] == same["b"]
    assert "held at the peak" in run("trace", DATA / "h100" / "train_steps.memory_snapshot.pickle", home=tmp_path).stdout


@needs_shared
def test_a_folder_of_ranks_is_one_account_of_all(tmp_path: Path):
    one = found("trace", SHARED / "multirank", home=tmp_path)
    assert one["facts"]["ranks"] == [0, 1]
    assert set(one["devices"]) == {"0/0", "1/1"}
    assert [row["rank"] for row in one["ranks"]] == [0, 1]
    assert sum(row["straggler"] for row in one["stragglers"]) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"not a trace", "neither JSON nor"),
        (b'{"a": 1}', "no traceEvents"),
        (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "bad.json"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path: Path, data: bytes, words: str):
    done = run("trace", write(tmp_path / "bad.json", data), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_missing_or_of_two_kinds_says_so(tmp_path: Path):
    assert "does not exist" in run("trace", tmp_path / "none.json", home=tmp_path).stderr
    snapshot = DATA / "h100" / "train_steps.memory_snapshot.pickle"
    done = run("trace-diff", DATA / "pytorch_eager.pt.trace.json.gz", snapshot, home=tmp_path)
    assert (done.returncode, "give two of a kind" in done.stderr) == (2, True)


def test_a_recording_cut_off_is_read_with_a_note(tmp_path: Path):
    data = synthetic.kineto(synthetic.training_step())
    done = run("trace", write(tmp_path / "cut.json", data[:-200]), "--json", home=tmp_path)
    assert done.returncode == 0
    assert "cut off" in done.stderr
    assert json.loads(done.stdout)["coverage"]["events_skipped"] == {"cut off at the end": 1}
