"""Pairs of one's own with one deliberate mistake each, through the real referee: caught, and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.cli.new_workload import write_workload
from core.model.comparison import ComparisonResult
from core.model.parity import ParityStage
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from core.workloads.registry import workload_spec

pytestmark = pytest.mark.slow

TURNED = """

class Turned(ConvolutionKernel):
    def to_torch(self, array):
        return array.transpose(3, 2, 1, 0)

    def to_keras(self, array):
        return array.transpose(3, 2, 1, 0)
"""
EXCHANGED_GATES = """

class Exchanged(GateKernel):
    def to_torch(self, array):
        enter, forget, cell, leave = np.split(array.T, 4)
        return np.concatenate([enter, forget, leave, cell])

    def to_keras(self, array):
        enter, forget, leave, cell = np.split(array.T, 4, axis=1)
        return np.concatenate([enter, forget, cell, leave], axis=1)
"""
OWN_NORM = """

def batch_norm(channels):
    return nn.BatchNorm2d(channels{arguments})
"""


def own_pair(folder: Path, like: str | None, file: str, *changes: tuple[str, str]) -> str:
    """A copy of the template or of a built-in workload with changes of text in one file."""
    written = write_workload("broken", folder, like)
    path = written / file
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return str(written)


def prove(workload: str) -> ComparisonResult:
    """A whole comparison at the small sizes, which ends where parity fails."""
    known = workload_spec(workload)
    spec = make_spec(workload, parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1), sizes=known.small_sizes,
                     batch_size=known.small_batch_size)  # fmt: skip
    store = ComparisonStore()
    store.create(spec)
    return Referee(store, spec, lambda event: None, lambda: False).run()


def failed(result: ComparisonResult) -> ParityStage:
    """The first gate that failed; its cause is part of the verdict."""
    assert (result.state, result.verdict, result.ratio) == ("finished", "not_comparable", None), result.error
    stage = next(stage for stage in result.parity if not stage.passed)
    assert stage.cause
    assert stage.cause in result.sentence
    return stage


def test_a_kernel_that_is_not_transposed_is_named_with_the_layout_that_fits(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, None, "weights.py", ("FILTERS), ConvolutionKernel()", "FILTERS), Same()"))))
    assert stage.stage == "forward"
    assert stage.cause.startswith("Kernel layout: conv/kernel is (3, 3, 3, 16) in Keras and (16, 3, 3, 3) in PyTorch")
    assert "use ConvolutionKernel()" in stage.cause


def test_a_kernel_with_height_and_width_exchanged_is_named(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, None, "weights.py", ("FILTERS), ConvolutionKernel()", "FILTERS), Turned()"),
                                  ("\n\ndef weight_map", TURNED + "\n\ndef weight_map"))))  # fmt: skip
    assert stage.cause.startswith("Kernel layout: the weight map gives PyTorch conv/kernel with width where height should be")


def test_a_dense_layer_behind_an_image_that_is_not_permuted_is_named(home: Path, tmp_path: Path):
    broken = own_pair(tmp_path, None, "weights.py", ("DenseAfterFlatten(height=side, width=side, channels=FILTERS)", "DenseKernel()"))
    stage = failed(prove(broken))
    assert stage.cause.startswith("Flatten order:")
    assert "use DenseAfterFlatten(height=8, width=8, channels=16)" in stage.cause


def test_another_epsilon_of_batch_norm_is_named_with_both_values(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, "resnet18", "pytorch.py", ("batch, batch_norm, conv", "batch, conv"),
                                  ("\n\nclass BasicBlock", OWN_NORM.format(arguments=", eps=1e-3") + "\n\nclass BasicBlock"))))  # fmt: skip
    assert stage.cause.startswith("BatchNorm epsilon: in bn1 TensorFlow's looks like 1e-05 and PyTorch's like 0.001")


def test_another_momentum_of_batch_norm_is_named_with_both_values(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, "resnet18", "pytorch.py", ("batch, batch_norm, conv", "batch, conv"),
                                  ("\n\nclass BasicBlock", OWN_NORM.format(arguments=", momentum=0.01") + "\n\nclass BasicBlock"))))  # fmt: skip
    assert stage.stage == "one_step"
    assert "keeps 0.9 of its old statistics at each step in TensorFlow and 0.99 in PyTorch" in stage.cause


def test_exchanged_gates_of_an_lstm_are_named(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, "lstm", "weights.py", ("4 * WIDTH), GateKernel()", "4 * WIDTH), Exchanged()"),
                                  ("4 * WIDTH), GateKernel()", "4 * WIDTH), Exchanged()"),
                                  ("\n\ndef weight_map", EXCHANGED_GATES + "\n\ndef weight_map"),
                                  ("\n\nfrom core", "\n\nimport numpy as np\n\nfrom core"))))  # fmt: skip
    assert stage.cause.startswith("LSTM gates:")
    assert "lstm" in stage.cause


def test_exchanged_parts_of_packed_attention_are_named(home: Path, tmp_path: Path):
    stage = failed(prove(own_pair(tmp_path, "transformer_encoder", "weights.py", (
        "        *self_attention(f\"{keras}_attention\", f\"{torch}.attention\", width, width // HEAD_WIDTH),",
        "        *(replace(row, part=(1, 0, 2)[row.part]) if row.parts == 3 else row for row in "
        "self_attention(f\"{keras}_attention\", f\"{torch}.attention\", width, width // HEAD_WIDTH)),",
    ), ("\n\nfrom core", "\n\nfrom dataclasses import replace\n\nfrom core"))))  # fmt: skip
    assert stage.cause.startswith("Packed attention: the weight map packs the parts of layers_0_attention in the order key, query, value")
