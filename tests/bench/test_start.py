"""Comparisons that cannot be meant are refused before anything is started, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from core.bench.plan import SpecError
from core.bench.start import make_spec
from core.machine.cpu import usable_cpus
from core.model.errors import ShowdownError
from core.model.variant import parse_variant


def spec(a: str = "tensorflow", b: str = "pytorch", workload: str = "mnist_cnn", **asked: Any):
    return make_spec(workload, parse_variant(a, threads=1), parse_variant(b, threads=1), **asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"workload": "nope"}, "There is no workload 'nope'"),
        ({"workload": "resnet18", "sizes": {"depth": 3}}, "has no size 'depth'"),
        ({"workload": "resnet18", "sizes": {"image_size": 1}}, "image_size=1 is not possible"),
        ({"sizes": {"image_size": 32}}, "it has none"),
        ({"batch_size": 0}, "A batch of 0 is not possible; choose 1 to 60,000"),
        ({"train_samples": 640, "batch_size": 641}, "choose 1 to 640 samples"),
        ({"train_samples": 640, "batch_size": 577, "a": "tensorflow:validation=on", "measure": "epoch"}, "choose 1 to 576 samples"),
        ({"train_samples": 60_001}, "60,001 training samples are not possible"),
        ({"task": "dream"}, "There is no task 'dream'"),
        ({"measure": "year"}, "'year' cannot be measured"),
        ({"a": "tensorflow:validation=on"}, "validation=on happens after an epoch"),
        ({"a": "tensorflow:execution=train_step", "task": "inference"}, "a way to train"),
        ({"b": "pytorch:input=loader", "task": "inference"}, "from memory"),
        ({"task": "inference", "measure": "epoch"}, "leave out input and epochs"),
        ({"b": "pytorch:network=article", "workload": "mlp"}, "network=article is a network of mnist_cnn"),
        ({"b": "pytorch:network=library"}, "The libraries ship no model for"),
        ({"b": f"pytorch:input=loader,workers={len(usable_cpus()) + 1}"}, f"more than the {len(usable_cpus())} cores"),
        ({"threshold": 1.0}, "A threshold of 1.0 is not possible"),
        ({"epochs": 1, "steps": 1}, "not both"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(asked: dict[str, Any], words: str):
    with pytest.raises(ShowdownError) as caught:
        spec(**asked)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sizes_are_completed_from_the_workload():
    made = spec(workload="resnet50", sizes={"image_size": 64}, batch_size=4)
    assert made.sizes["image_size"] == 64
    assert len(made.sizes) > 1
    assert spec().sizes == {}


def test_any_two_variants_can_be_compared():
    made = spec("pytorch", "pytorch:input=loader,workers=1", measure="epoch", train_samples=640, require_parity=False)
    assert (made.measure, made.train_samples, made.require_parity) == ("epoch", 640, False)
    assert issubclass(SpecError, ShowdownError)


def test_a_setting_of_an_allocator_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch):
    assert spec(b="pytorch:malloc=keep").b.malloc == "keep"
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    with pytest.raises(SpecError, match="malloc=keep is a setting of glibc's allocator"):
        spec(b="pytorch:malloc=keep")
