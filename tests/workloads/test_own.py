"""Workloads of one's own: found, run like built-in ones, and every mistake in their files is one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.cli.new_workload import write_workload
from core.model.comparison import ComparisonResult
from core.model.hosted import HOSTED_VARIABLE
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from core.workloads.registry import (
    FOLDERS_VARIABLE,
    NAMES,
    WorkloadError,
    flops,
    function_sources,
    initial,
    own_workloads,
    resolve,
    samples,
    weight_map,
    workload_module,
    workload_names,
    workload_spec,
)
from tests.conftest import PROJECT
from tests.pages import samples as stored
from tests.pages.apps import open_page, words
from tests.workloads.proof import failed, prove


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    return write_workload("my_net", tmp_path)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def run(pair: Path, a: str = "pytorch", b: str = "pytorch") -> ComparisonResult:
    spec = make_spec(str(pair), parse_variant(a, threads=1), parse_variant(b, threads=1), batch_size=16)
    store = ComparisonStore()
    store.create(spec)
    return Referee(store, spec, lambda event: None, lambda: False).run()


# -- finding ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_a_workload_by_its_path_and_by_its_name(pair: Path, monkeypatch: pytest.MonkeyPatch):
    assert resolve(str(pair)) == str(pair)
    with pytest.raises(WorkloadError, match="There is no workload 'my_net'"):
        resolve("my_net")
    for named in (pair, pair.parent):
        monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join([str(named), str(named / "nowhere")]))
        assert own_workloads() == {"my_net": pair}
        assert resolve("my_net") == str(pair)
        assert workload_names() == (*NAMES, str(pair))


def test_a_folder_gives_everything_that_a_built_in_workload_gives(pair: Path):
    spec = workload_spec(str(pair))
    sizes = spec.small_sizes
    assert (spec.name, spec.title) == ("my_net", "my_net")
    assert initial(str(pair), sizes, 1).keys() == {row.name for row in weight_map(str(pair), sizes)}
    assert len(samples(str(pair), sizes)[0].labels) == spec.train_samples
    counted = flops(str(pair), sizes)
    assert counted is not None
    assert counted.training > counted.forward
    for framework in ("tensorflow", "pytorch"):
        sources = function_sources(str(pair), framework)
        assert all(any(name in sources for name in section.functions) for section in spec.sections)


def test_an_edited_folder_is_read_again(pair: Path):
    assert workload_spec(str(pair)).batch_size == 64
    change(pair / "spec.py", "batch_size=64", "batch_size=32")
    os.utime(pair / "spec.py", ns=(1, 1))
    assert workload_spec(str(pair)).batch_size == 32


def test_the_hosted_demo_loads_no_folder(pair: Path, monkeypatch: pytest.MonkeyPatch):
    (pair / "spec.py").write_text("raise SystemExit('loaded')\n", encoding="utf-8")
    monkeypatch.setenv(FOLDERS_VARIABLE, str(pair))
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    assert own_workloads() == {}
    assert workload_names() == NAMES
    for text in ("my_net", str(pair)):
        with pytest.raises(WorkloadError):
            resolve(text)
    with pytest.raises(WorkloadError, match="this is a hosted demo"):
        workload_spec(str(pair))


# -- mistakes --------------------------------------------------------------------------------------------------------


def test_a_folder_that_lacks_files_names_them(pair: Path):
    (pair / "weights.py").unlink()
    with pytest.raises(WorkloadError, match=r"is no workload: weights\.py missing; 'python -m core new-workload NAME' writes a start"):
        resolve(str(pair))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("SPEC = WorkloadSpec(", "SPEC = WorkloadSpec((", r"spec\.py, line \d+ is not valid Python: '\(' was never closed\."),
        ("SPEC = WorkloadSpec(", "SPECIFICATION = WorkloadSpec(", r"spec\.py has no SPEC that is a WorkloadSpec"),
        ("def samples(", "def sample(", r"spec\.py has no function samples;"),
        ('name="my_net"', 'name="my_net", colour="red"', r"spec\.py, line \d+ fails when it is imported: TypeError: .*colour"),
        ("\nfrom core", "\nimport nothing_of_that_name\nfrom core", r"spec\.py, line \d+ imports nothing_of_that_name, which is not there"),
    ],
)
def test_a_spec_that_cannot_be_read(pair: Path, old: str, new: str, words: str):
    change(pair / "spec.py", old, new)
    with pytest.raises(WorkloadError, match=words):
        workload_spec(str(pair))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return train, Samples(", "return Samples(", r"samples\(\) of .*spec\.py gives Samples; give two Samples"),
        ("    return train, ", "    train.inputs.shape.bad\n    return train, ", r"spec\.py, line \d+, in samples: AttributeError: 'tuple' object"),
        ("return train, ", "return Samples(train.inputs.astype('float64'), train.labels), ", r"gives training inputs of type float64; use float32"),
        ("return train, ", "return Samples(train.inputs, train.labels.astype('int32')), ", r"gives training labels of type int32; use int64"),
        ("return train, ", "return Samples(train.inputs.tolist(), train.labels), ", r"gives list and ndarray as inputs and labels of the training"),
        ("return train, ", "return Samples(train.inputs[:9], train.labels[:9]), ", r"gives 9 training inputs and 9 labels, where SPEC says 1,024"),
    ],
)
def test_samples_of_another_kind(pair: Path, old: str, new: str, words: str):
    change(pair / "spec.py", old, new)
    with pytest.raises(WorkloadError, match=words):
        samples(str(pair), {"width": 16})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    return initial_weights(weight_map(sizes), seed)", "    return initial_weights(weight_map(sizes), seed) | {'tail/bias': 0}",
         r"initial\(\) of .*weights\.py gives tail/bias, which the weight map does not list"),
        ('        Tensor("head/bias"', '        Tensor("dense/bias"', r"weight_map\(\) of .*weights\.py names dense/bias twice"),
        ('"head.bias", (CLASSES,), Same()', '"head.bias", (CLASSES,), Same(), parts=3', r"weights\.py does not have all 3 parts of head\.bias"),
        ("    return initial_weights(weight_map(sizes), seed)", "    return {}", r"initial\(\) of .*weights\.py gives no conv/kernel"),
        ("    return initial_weights(weight_map(sizes), seed)", "    return weight_map(sizes)", r"initial\(\) of .*weights\.py gives tuple;"),
        ("    side = IMAGE_SIZE // 2", "    side = IMAGE_SIZE // 0", r"weights\.py, line \d+, in weight_map: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_the_map(pair: Path, old: str, new: str, words: str):
    change(pair / "weights.py", old, new)
    with pytest.raises(WorkloadError, match=words):
        initial(str(pair), {"width": 16}, 1)


# -- whole runs ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_start_that_is_written_passes_parity(home: Path, pair: Path):
    result, layers = prove(str(pair), "tensorflow", "pytorch")
    assert failed(result) == {}
    assert len(result.parity) == 6
    assert [layer["name"] for layer in layers["a"]] == ["conv", "pool", "flatten", "dense", "head"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("pytorch.py", "def model(sizes", "def network(sizes", r"side A\) failed. .*pytorch.py has no function model;"),
        ("pytorch.py", "    return Network(**sizes)", "    return Network(sizes['height'])", r"pytorch.py, line \d+, in model: KeyError: 'height'\."),
        ("pytorch.py", "from torch import nn\n", "from torch import nn\nimport nothing_of_that_name\n", r"pytorch.py, line \d+ imports nothing_of"),
        ("weights.py", "    return initial_weights(weight_map(sizes), seed)", "    return {}", r"weights.py gives no conv/kernel"),
    ],
)
def test_a_mistake_that_shows_only_when_it_runs_ends_the_comparison_with_its_place(home: Path, pair: Path, file: str, old: str, new: str, words: str):
    change(pair / file, old, new)
    result = run(pair)
    assert result.error is not None
    assert (result.state, result.error.kind) == ("failed", "workload")
    assert re.search(words, result.sentence), result.sentence


@pytest.mark.slow
def test_what_is_raised_under_tf_function_is_told_with_its_line(home: Path, pair: Path):
    change(pair / "tensorflow.py", "batch, evaluate_batch, loss, train_step", "batch, evaluate_batch, loss")
    with (pair / "tensorflow.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef train_step(model, loss, optimizer, inputs, labels):\n    raise KeyError('no such step')\n")
    result = run(pair, a="tensorflow")
    assert result.error is not None
    assert result.error.kind == "workload"
    assert "tensorflow.py, line " in result.error.message
    assert "in train_step: KeyError: " in result.error.message
    assert "no such step" in result.error.message


def test_what_is_stored_of_a_folder_that_is_gone_is_still_shown(home: Path, pair: Path):
    store = ComparisonStore()
    spec = make_spec(str(pair), parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1))
    store.create(spec)
    stored.finish(store, spec)
    shutil.rmtree(pair)
    for command in (["list", "--json"], ["list"], ["show", spec.id], ["show", spec.id, "--json"]):
        shown = subprocess.run([sys.executable, "-m", "core", *command], cwd=PROJECT, capture_output=True, text=True, check=False)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert spec.id in shown.stdout
    for page in ("overview", "models", "library"):
        open_page(page)
    assert "my_net" in words(open_page("compare", comparison=spec.id))
    assert f"the workload is mnist_cnn instead of {pair}" in words(open_page("run", like=spec.id))


def test_a_part_of_a_framework_is_not_imported_by_reading_the_spec(pair: Path):
    for framework in ("tensorflow", "pytorch"):
        (pair / f"{framework}.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    assert workload_spec(str(pair)).name == "my_net"
    assert callable(workload_module(str(pair), "weights").initial)
