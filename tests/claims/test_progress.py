"""How far a run is, from what it wrote down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.claims.progress import run_progress


def at(second: int) -> str:
    return datetime(2026, 11, 24, 12, 0, second, tzinfo=UTC).isoformat()


def moment(second: int) -> datetime:
    return datetime.fromisoformat(at(second))


EVENTS: list[dict[str, Any]] = [
    {"event": "plan", "time": at(0), "ids": ["a", "b", "c"], "estimates_s": [10.0, 20.0, 30.0]},
    {"event": "claim_begin", "time": at(0), "id": "a"},
    {"event": "claim_end", "time": at(12), "id": "a", "verdict": "holds", "reason": ""},
    {"event": "claim_begin", "time": at(12), "id": "b"},
    {"event": "words", "time": at(14), "id": "b", "text": "pair 1 of 6"},
]


def test_a_run_that_goes_on():
    found = run_progress(EVENTS, alive=True, now=moment(17))
    assert found is not None
    assert (found.state, found.current, found.words, found.done) == ("running", "b", "pair 1 of 6", {"a": "holds"})
    assert (found.elapsed_s, found.remaining_s) == (17.0, 15.0 + 30.0)
    assert found.fraction == pytest.approx(17 / 62)


def test_a_claim_that_takes_longer_than_estimated_has_no_time_left_and_no_less():
    found = run_progress(EVENTS, alive=True, now=moment(50))
    assert found is not None
    assert found.remaining_s == 30.0


def test_a_run_whose_process_is_gone_was_interrupted():
    found = run_progress(EVENTS, alive=False, now=moment(59))
    assert found is not None
    assert (found.state, found.elapsed_s) == ("interrupted", 14.0)


def test_a_run_that_is_over():
    found = run_progress([*EVENTS, {"event": "end", "time": at(20), "state": "stopped"}], alive=False, now=moment(59))
    assert found is not None
    assert (found.state, found.current, found.remaining_s, found.elapsed_s) == ("stopped", None, 0.0, 20.0)


def test_no_run_at_all():
    assert run_progress([], alive=True, now=moment(0)) is None
