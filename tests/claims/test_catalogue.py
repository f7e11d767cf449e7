"""The catalogue: every statement, with what is known, from where and when."""

from __future__ import annotations

from datetime import date

import pytest

from core.claims.catalogue import CLAIMS, UnknownClaim, find_claim
from core.claims.experiments import EXPERIMENTS, find_experiment
from core.model.claim import Claim

IDS = (
    "setup-one-env", "setup-cudnn", "setup-driver", "setup-verify", "setup-p3", "code-shape", "code-same", "mnist-time", "mnist-accuracy",
    "time-method", "resnet-step", "widens", "memory", "checkpointing", "sync-cpu", "seeds", "paths", "fit-hides", "export", "amp", "amp-api",
    "loader", "tflite", "torch-mobile", "tensorrt", "custom-ops", "static", "dynamic", "serving", "tracking", "cost",
)  # fmt: skip


def test_it_holds_every_statement_in_the_articles_order():
    assert tuple(claim.id for claim in CLAIMS) == IDS


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_is_known_has_a_source_and_a_date(claim: Claim):
    assert all((claim.says, claim.known, claim.source, claim.experiment))
    assert date(2026, 1, 1) <= date.fromisoformat(claim.as_of) <= date.today()


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.measurable], ids=lambda claim: claim.id)
def test_what_can_be_measured_has_an_experiment_with_an_estimate(claim: Claim):
    assert claim.estimate_s > 0
    assert callable(find_experiment(claim.id))
    assert find_experiment(claim.id).__doc__


def test_what_cannot_be_measured_has_no_experiment():
    assert {claim.id for claim in CLAIMS if not claim.measurable} == {"paths", "serving", "cost"} == set(IDS) - EXPERIMENTS.keys()


def test_an_unknown_id_is_one_sentence():
    with pytest.raises(UnknownClaim, match=r"There is no claim 'speed'; 'python -m core claims' lists them\."):
        find_claim("speed")
