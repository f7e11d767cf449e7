"""Taking up a comparison that was made before: only the same question, answered on this machine with these versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.claims.experiment import Context
from core.claims.experiments import article_times, code_same, comparing
from core.claims.experiments.comparing import fitting, planned, same_answerer, same_question, variant
from core.machine.queue import Cancelled
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.pages import samples

VERSIONS = {"tensorflow/tensorflow": "2.21.0", "pytorch/torch": "2.14.1"}


@pytest.fixture
def context(home: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(comparing, "framework_versions", lambda: VERSIONS)
    machine = samples.machine(cpu_model="Example CPU", gpus=[])
    return Context(store=ComparisonStore(), folder=home, machine=machine, threads=1, device="cpu", say=lambda words: None, cancelled=lambda: False)


def stored(context: Context, **versions: str) -> str:
    """A finished comparison of the article's workload, as `mnist-time` would ask for it."""
    spec = planned(context, "mnist_cnn", variant(context, "tensorflow"), variant(context, "pytorch"), preset="article")
    context.store.create(spec)
    result = samples.finish(context.store, spec)
    known = {"tensorflow": "2.21.0", "pytorch": "2.14.1+cpu", **versions}
    sides: dict[str, Any] = {side: {"framework": name, "framework_version": known[name]} for side, name in zip("ab", known, strict=False)}
    environment = {"machine": context.machine, **sides}
    write_json(context.store.folder(spec.id) / "result.json", replace(result, environment=environment))
    return spec.id


def test_mnist_accuracy_takes_up_what_mnist_time_measured(context: Context):
    id = stored(context)
    assert article_times.mnist_time(context).comparisons == (id,)
    assert article_times.mnist_accuracy(context).comparisons == (id,)
    assert context.store.ids() == [id]


def test_another_version_is_another_answer(context: Context):
    stored(context, pytorch="2.13.0")
    assert fitting(context, planned(context, "mnist_cnn", variant(context, "tensorflow"), variant(context, "pytorch"), preset="article")) is None


def test_another_machine_is_another_answer(context: Context):
    environment = {"machine": context.machine, "a": {"framework": "tensorflow", "framework_version": "2.21.0"},
                   "b": {"framework": "pytorch", "framework_version": "2.14.1+cu130"}}  # fmt: skip
    assert same_answerer(environment, context.machine, VERSIONS)
    assert not same_answerer(environment, {**context.machine, "cpu_model": "Another"}, VERSIONS)
    assert not same_answerer(environment, {**context.machine, "gpus": [{"name": "RTX 3080"}]}, VERSIONS)
    assert not same_answerer(environment, context.machine, {})


def test_again_takes_up_nothing_older(context: Context):
    stored(context)
    spec = planned(context, "mnist_cnn", variant(context, "tensorflow"), variant(context, "pytorch"), preset="article")
    assert fitting(context, spec) is not None
    assert fitting(replace(context, not_before="2999-01-01T00:00:00+00:00"), spec) is None


def test_a_profile_makes_no_other_question_and_a_batch_does(context: Context):
    spec = planned(context, "mnist_cnn", variant(context, "tensorflow"), variant(context, "pytorch"))
    assert same_question(spec, replace(spec, id="other", created="then", profile=True))
    assert not same_question(spec, replace(spec, batch_size=128))


def test_a_stop_is_heard_before_anything_starts(context: Context):
    with pytest.raises(Cancelled):
        article_times.mnist_time(replace(context, cancelled=lambda: True))
    assert context.store.ids() == []


def test_the_ladder_equalises_one_knob_after_another_and_proves_the_last(context: Context):
    steps = code_same.ladder(context)
    assert [knob for knob, _ in steps] == [knob for knob, _, _ in code_same.KNOBS]
    first, last = steps[0][1], steps[-1][1]
    assert (first.a.execution, first.a.network, first.a.validation, first.b.network, first.b.input) == ("fit", "article", "on", "mended", "loader")
    assert [spec.require_parity for _, spec in steps] == [False] * 7 + [True]
    assert {spec.measure for _, spec in steps} == {"epoch"}
    # At the end both are the comparison that the product makes by default.
    assert (last.a, last.b) == (variant(context, "tensorflow"), variant(context, "pytorch"))
