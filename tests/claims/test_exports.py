"""Exports of the article's network by real exporters, and what the claims make of them."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.bench.exports import ALLOWED_DIFFERENCE, FORMATS, Exported, Exporter, find_format, row
from core.claims.experiments.asking import factor_of_pairs
from core.claims.experiments.exports import judge_export, judge_tflite, judge_torch_mobile
from core.claims.experiments.inference import judge_tensorrt
from core.claims.judging import Factor
from tests.conftest import PROJECT

ANSWER = {
    "load_ms": 10.0, "first_call_ms": 1.0, "latency_p50_ms": 0.2, "latency_p99_ms": 0.4, "largest_difference": 1e-7, "largest_output": 0.3,
}  # fmt: skip


def exported(name: str, framework: str, size_bytes: int = 900_000, note: str = "") -> Exported:
    return Exported(format=find_format(framework, name), path="model", reference="reference.npz", size_bytes=size_bytes, export_s=1.0, note=note)


def made(name: str, framework: str, size_bytes: int = 900_000, note: str = "", **answer: Any) -> dict[str, Any]:
    one = exported(name, framework, size_bytes, note)
    return row(one, one.format.runtimes[0], {**ANSWER, **answer})


def missing(name: str, framework: str, why: str) -> dict[str, Any]:
    format = find_format(framework, name)
    return row(Exported(format=format), format.runtimes[0], None, why)


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    return Exporter(workload="mnist_cnn", sizes={}, folder=tmp_path / "work", threads=1, device="cpu", say=lambda words: None,
                    cancelled=lambda: False, calls=200)  # fmt: skip


@pytest.mark.slow
def test_what_is_exported_answers_as_its_framework_does(exporter: Exporter):
    names = ("saved_model", "torch_export", "torchscript", "tflite", "tflite_int8")
    rows = exporter.rows([one for one in FORMATS if one.name in names])
    found = {(one["format"], one["runtime"]): one for one in rows}
    keys = ("SavedModel", "TensorFlow"), ("torch.export", "PyTorch"), ("TorchScript", "PyTorch"), ("LiteRT fp32", "tf.lite")
    exact = [found[key] for key in keys]
    assert [one["same_outputs"] for one in exact] == [True] * 4, exact
    assert max(one["largest_difference"] for one in exact) <= ALLOWED_DIFFERENCE
    # 225,034 weights of four bytes are in each; and the network is asked for real, so its answer in 8 bits is off by more.
    assert all(one["size_bytes"] > 4 * 225_034 for one in exact)
    small = found["LiteRT int8 dynamic", "tf.lite"]
    assert small["size_bytes"] < 0.3 * found["LiteRT fp32", "tf.lite"]["size_bytes"]
    assert ALLOWED_DIFFERENCE < small["largest_difference"] < 0.05
    assert "deprecated" in found["TorchScript", "PyTorch"]["note"]
    assert all(0 < one["latency_p50_ms"] <= one["latency_p99_ms"] for one in exact)


@pytest.mark.slow
def test_an_exporter_that_is_not_installed_is_a_row_with_the_command_that_installs_it(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "python-without-onnx"
    body = (
        f"#!{sys.executable}\nimport runpy, sys\nsys.path.insert(0, {str(PROJECT)!r})\nsys.modules['onnx'] = None\n"
        "sys.argv = sys.argv[sys.argv.index('core.worker.experiment'):]\nrunpy.run_module('core.worker.experiment', run_name='__main__')\n"
    )
    script.write_text(body, encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", str(script))
    (only,) = exporter.rows([find_format("pytorch", "onnx")])
    assert (only["format"], only["latency_p50_ms"], only["same_outputs"]) == ("ONNX", None, None)
    assert "onnx is not installed" in only["note"]
    assert "pip install -r requirements-exports.txt" in only["note"]


def test_every_row_has_the_same_columns():
    assert list(made("saved_model", "tensorflow")) == list(missing("executorch", "pytorch", "executorch is not installed."))


def test_outputs_are_held_to_a_tolerance_where_the_arithmetic_is_the_same():
    assert made("torchscript", "pytorch", largest_difference=0.9e-5)["same_outputs"] is True
    assert made("torchscript", "pytorch", largest_difference=1.1e-5)["same_outputs"] is False
    assert made("torchscript", "pytorch", largest_difference=1.1e-5, largest_output=2.0)["same_outputs"] is True
    assert made("torchscript", "pytorch", largest_difference=None)["same_outputs"] is False  # NaN comes back as None
    assert made("tflite_int8", "tensorflow", largest_difference=0.1)["same_outputs"] is None


def test_export_holds_where_both_named_formats_come_back_whole():
    rows = [made("saved_model", "tensorflow"), made("torchscript", "pytorch", note="`torch.jit.trace` is deprecated."),
            missing("onnx", "pytorch", "onnx is not installed.")]  # fmt: skip
    result = judge_export(rows)
    assert result.verdict == "holds"
    assert "ONNX from pytorch was not measured (onnx is not installed)" in result.reason
    assert result.reason.endswith("PyTorch says of TorchScript: `torch.jit.trace` is deprecated.")


def test_export_does_not_hold_where_outputs_differ_and_is_open_where_one_failed():
    good, bad = made("saved_model", "tensorflow"), made("saved_model", "tensorflow", largest_difference=0.1)
    script, failed = made("torchscript", "pytorch"), missing("torchscript", "pytorch", "PyTorch is not installed.")
    assert judge_export([bad, script]).verdict == "does_not_hold"
    assert judge_export([good, failed]).verdict == "cannot_tell"


@pytest.mark.parametrize(
    ("int8_bytes", "speed", "verdict"),
    [
        (230_000, Factor(value=2.6, low=2.4, high=2.8, noise=0.05), "holds"),
        (230_000, Factor(value=0.8, low=0.7, high=0.9, noise=0.05), "does_not_hold"),
        (230_000, Factor(value=1.1, low=0.9, high=1.3, noise=0.05), "cannot_tell"),
        (450_000, Factor(value=2.6, low=2.4, high=2.8, noise=0.05), "does_not_hold"),
    ],
)
def test_tflite_is_judged_by_size_and_speed(int8_bytes: int, speed: Factor, verdict: str):
    rows = [made("tflite", "tensorflow"), made("tflite_int8", "tensorflow", int8_bytes, largest_difference=0.003)]
    result = judge_tflite(rows, speed)
    assert (result.verdict, result.estimate, result.interval) == (verdict, speed.value, (speed.low, speed.high))
    assert f"{900_000 / int8_bytes:.2f} times smaller" in result.reason
    assert "not on Android" in result.reason


def test_torch_mobile_weighs_the_smallest_file_of_each():
    tflite = made("tflite_int8", "tensorflow", 230_000)
    assert judge_torch_mobile([made("executorch_int8", "pytorch", 290_000), tflite]).verdict == "holds"
    assert judge_torch_mobile([made("executorch_int8", "pytorch", 235_000), tflite]).verdict == "does_not_hold"
    without = judge_torch_mobile([missing("executorch", "pytorch", "executorch is not installed; install it."), tflite])
    assert without.verdict == "cannot_tell"
    assert "executorch is not installed" in without.reason


def test_tensorrt_is_open_without_it_and_shows_what_was_measured():
    rows = [made("graph", "tensorflow", latency_p50_ms=0.4), made("eager", "pytorch", latency_p50_ms=0.2)]
    absent = {**missing("onnx", "tensorflow", "TensorRT needs an NVIDIA GPU."), "runtime": "TensorRT in ONNX Runtime"}
    result = judge_tensorrt([*rows, absent], None, "cpu")
    assert result.verdict == "needs_gpu"
    assert "PyTorch eager 0.200 ms, TensorFlow graph (tf.function) 0.400 ms" in result.reason
    assert judge_tensorrt([*rows, absent], None, "gpu").verdict == "cannot_tell"
    assert judge_tensorrt(rows, Factor(value=0.83, low=0.81, high=0.84, noise=0.05), "gpu").verdict == "holds"
    assert judge_tensorrt(rows, Factor(value=0.4, low=0.38, high=0.42, noise=0.05), "gpu").verdict == "does_not_hold"


def test_the_factor_of_pairs_cancels_a_drift_and_knows_its_noise():
    """A takes twice as long as B; the machine slows down from pair to pair, and doubles the time of one of two neighbours of a side."""
    orders = ("ab", "ba", "ba", "ab", "ab", "ba")
    steady = [(side, (2.0 if side == "a" else 1.0) * 1.01**i) for i, order in enumerate(orders) for side in order]
    factor = factor_of_pairs(steady, np.random.default_rng(1))
    assert (factor.value, factor.low, factor.high) == pytest.approx((2.0, 2.0, 2.0))
    assert factor.noise == 0.05
    noisy = [(side, time * (2.0 if i % 4 == 2 else 1.0)) for i, (side, time) in enumerate(steady)]
    assert factor_of_pairs(noisy, np.random.default_rng(1)).noise > 0.5


def test_formats_and_runtimes_are_told_apart():
    assert len({(one.framework, one.name) for one in FORMATS}) == len(FORMATS)
    labels = [(one.framework, one.label, runtime.label) for one in FORMATS for runtime in one.runtimes]
    assert len(set(labels)) == len(labels)
