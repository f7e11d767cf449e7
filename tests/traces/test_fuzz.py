"""Mutated recordings of every format: read with an account that adds up, or refused in one sentence (`tests.traces.fuzz`)."""

from __future__ import annotations

from random import Random

import pytest

from tests.traces import fuzz

#: What broke in longer runs, by format and seed: bytes that are no UTF-8 in the head, or in an event beside one of the wrong type; a rank or a
#: device's size that no integer holds.
BROKE = [("kineto exact", 376), *(("kineto", seed) for seed in range(1000, 1100, 5))]


@pytest.mark.parametrize("name", sorted(fuzz.seeds()))
def test_any_mutation_is_read_or_refused(name: str):
    original = fuzz.seeds()[name]
    found = {fuzz.judge(fuzz.mutated(original, Random(seed))) for seed in range(300)}
    assert found == {"read", "refused"}


@pytest.mark.parametrize(("name", "seed"), BROKE)
def test_what_broke_does_not_break_again(name: str, seed: int):
    assert fuzz.judge(fuzz.mutated(fuzz.seeds()[name], Random(seed))) in ("read", "refused")


@pytest.mark.parametrize("name", sorted(fuzz.seeds()))
def test_what_is_not_mutated_is_read(name: str):
    assert fuzz.judge(fuzz.seeds()[name]) == "read"
