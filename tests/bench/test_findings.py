"""The result that can be made of what is known, whenever a comparison ends."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from core.bench.findings import Findings
from core.bench.start import make_spec
from core.model.run import MachineLoad, RunError, RunResult
from core.model.variant import parse_variant

QUIET = MachineLoad(own_cores=1.0, other_cores=0.0, steal_cores=0.0, samples=3)


def run(side: str, step_ms: float) -> RunResult:
    return RunResult(index=0, role="pair", side=side, pair=0, seed=1, ok=True, step_ms=step_ms, cpu_step_ms=step_ms, settled=True, load=QUIET)


def findings(pairs: int, slower: float = 1.5) -> Findings:
    spec = make_spec("mnist_cnn", parse_variant("tensorflow", threads=1), parse_variant("pytorch", threads=1))
    found = Findings(spec=spec, environment={"machine": {"usable_cores": 4, "cpu_quota_cores": None}})
    for index in range(3):
        found.add_self_pair(run("a", 10.0), run("a", 10.0 + index / 100), "ab")
    for index in range(pairs):
        a, b = run("a", 10.0), run("b", 10.0 * slower + index / 100)
        found.runs += [a, b]
        assert found.add_pair(a, b, "ab" if index % 2 else "ba") == pytest.approx(b.step_ms / 10.0)  # type: ignore[operator]
    return found


def test_a_variant_against_itself_counts_in_the_direction_of_the_order():
    found = findings(0)
    found.self_log_ratios.clear()
    found.add_self_pair(run("a", 10.0), run("a", 12.0), "ab")
    found.add_self_pair(run("a", 10.0), run("a", 12.0), "ba")
    assert found.self_log_ratios == [pytest.approx(math.log(1.2)), pytest.approx(-math.log(1.2))]


def test_six_clear_pairs_are_a_verdict():
    result = findings(6).finished(100.0)
    assert (result.state, result.verdict, result.faster_side) == ("finished", "faster", "a")
    assert result.ratio == pytest.approx(1.5025)
    assert [pair.order for pair in result.pairs] == ["ba", "ab"] * 3
    assert (result.duration_s, result.error) == (100.0, None)


def test_what_comes_too_late_costs_no_verdict_but_is_told():
    result = findings(6).stopped("cancelled", "Cancelled.", "You cancelled it.", 100.0)
    assert (result.state, result.verdict) == ("finished", "faster")
    assert result.reasons == ("It ended early, after 6 pairs: You cancelled it.",)


def test_what_comes_early_leaves_no_verdict():
    error = RunError(kind="killed", message="The run was killed.")
    result = findings(5).stopped("failed", "Not comparable: the run was killed.", error.message, 50.0, error)
    assert (result.state, result.verdict, result.ratio, result.error) == ("failed", "not_comparable", None, error)
    assert len(result.pairs) == 5


def test_a_crowded_machine_has_its_numbers_but_no_winner():
    found = findings(6)
    found.runs = [replace(one, load=replace(QUIET, other_cores=3.5)) for one in found.runs]
    result = found.finished(100.0)
    assert (result.verdict, result.faster_side) == ("not_comparable", None)
    assert "crowded" in result.sentence
    assert result.ratio == pytest.approx(1.5025)


def test_wide_is_measured_against_the_threshold():
    assert not findings(6).is_wide()
    wide = findings(5)
    wide.add_pair(run("a", 10.0), run("b", 16.0), "ab")
    assert wide.is_wide()
