"""How a sweep is written on a command line, and in which order its cells come."""

from __future__ import annotations

import pytest

from core.model.comparison import PRESETS
from core.model.sweep import SweepError, SweepPair, SweepSpec, SweepWorkload, parse_batch_sizes, parse_pair, parse_workloads
from core.model.variant import Variant, VariantError

TENSORFLOW = Variant(framework="tensorflow", execution="graph")
PYTORCH = Variant(framework="pytorch", execution="eager")
COMPILED = Variant(framework="pytorch", execution="compile")


def test_a_pair_is_two_variants_with_a_slash_between_them():
    assert parse_pair("tensorflow/pytorch", threads=1) == SweepPair(a=TENSORFLOW, b=PYTORCH)
    assert parse_pair("pytorch/pytorch:execution=compile,threads=2", threads=1).b.threads == 2


def test_slashes_of_an_interpreters_path_do_not_divide():
    pair = parse_pair("pytorch:python=/opt/py/bin/python/pytorch:execution=compile", threads=1)
    assert (pair.a.python, pair.b.execution) == ("/opt/py/bin/python", "compile")


@pytest.mark.parametrize("text", ["tensorflow", "tensorflow/pytorch/pytorch", "tensorflow/jax", ""])
def test_anything_but_two_variants_is_one_sentence(text: str):
    with pytest.raises((SweepError, VariantError)):
        parse_pair(text, threads=1)


def test_workloads_carry_their_sizes():
    assert parse_workloads("mlp, resnet18:image_size=16,width=8,gpt") == [("mlp", {}), ("resnet18", {"image_size": 16, "width": 8}), ("gpt", {})]


@pytest.mark.parametrize("text", ["", " , ", "width=8", "mlp:width", "mlp:width=wide", "mlp:width=-1"])
def test_workloads_that_cannot_be_read_are_one_sentence(text: str):
    with pytest.raises(SweepError):
        parse_workloads(text)


def test_batch_sizes_rise_and_come_once():
    assert parse_batch_sizes("64, 16,64") == (16, 64)
    assert parse_batch_sizes("") == ()
    with pytest.raises(SweepError, match="whole numbers"):
        parse_batch_sizes("16,0")


def test_cells_come_workload_by_workload_and_count_the_work_of_their_batch():
    spec = SweepSpec(
        id="20261124-000000-abcdef", created="2026-11-24T00:00:00+00:00", preset=PRESETS["quick"],
        pairs=(SweepPair(a=TENSORFLOW, b=PYTORCH), SweepPair(a=PYTORCH, b=COMPILED)),
        workloads=(
            SweepWorkload(workload="mlp", label="mlp", sizes={}, batch_sizes=(8, 16), flops_per_sample=1000),
            SweepWorkload(workload="/home/own", label="own", sizes={}, batch_sizes=(4,), flops_per_sample=None),
        ),
    )  # fmt: skip
    cells = spec.cells
    assert [(cell.workload.label, cell.batch_size, cell.pair.b.execution, cell.flops_per_step) for cell in cells] == [
        ("mlp", 8, "eager", 8000), ("mlp", 8, "compile", 8000), ("mlp", 16, "eager", 16000), ("mlp", 16, "compile", 16000),
        ("own", 4, "eager", None), ("own", 4, "compile", None),
    ]  # fmt: skip
    assert [cell.index for cell in cells] == list(range(6))
    assert cells[1].label == "mlp, batch 8: PyTorch eager / PyTorch torch.compile"
